"""The systems that are ranked: words, vectors, learned weights, and mixtures of them."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.agreement.conditions import Condition
from benchmarks.metrics import ndcg
from benchmarks.retrieval.reranking import Remembering
from nearfield.lexical import Impacts, Lexical
from nearfield.models import rerank, sparse
from nearfield.models.cache import CachedEncoder, VectorCache
from nearfield.models.matryoshka import truncate
from nearfield.models.resolve import load
from nearfield.protocols import Encoder
from nearfield.search.fusion import lower_bound_scaled
from nearfield.types import FloatArray, Role

__all__ = ["SYSTEMS", "Systems"]

_DEPTH = 10
_WORDS_WEIGHT = 0.2
_RERANKED = 10
_RERANK_WEIGHT = 0.2

_MODELS: Mapping[str, tuple[str, int | None]] = {
    "GloVe 50d": ("glove-6b-50d", None),
    "WordLlama 256d": ("wordllama-l2-supercat-256", None),
    "WordLlama 64d": ("wordllama-l2-supercat-256", 64),
    "MiniLM 384d": ("all-MiniLM-L6-v2", None),
    "MiniLM 128d": ("all-MiniLM-L6-v2", 128),
    "bge-small": ("bge-small-en-v1.5", None),
    "mpnet": ("all-mpnet-base-v2", None),
}
_BM25: Mapping[str, tuple[float, float]] = {
    "BM25 k1=0.9 b=0.4": (0.9, 0.4),
    "BM25 k1=1.2 b=0.75": (1.2, 0.75),
}
_SPLADE, _HYBRID, _RERANK = "SPLADE tiny", "hybrid MiniLM", "hybrid MiniLM + rerank"
SYSTEMS = (*_BM25, *_MODELS, _SPLADE, _HYBRID, _RERANK)

Scores = npt.NDArray[np.float64]


class Systems:
    """Ranks the documents of a condition by each system; nothing is computed twice.

    Parameters
    ----------
    cache : Path
        Where figures, learned weights and the reranker's scores are kept between runs; vectors are
        in the machine's own cache.
    without : sequence of str
        Systems that are left out.
    """

    def __init__(self, cache: Path, without: Sequence[str] = ()) -> None:
        self._cache = cache
        self._figures = cache / "figures"
        self._figures.mkdir(parents=True, exist_ok=True)
        self._encoders: dict[str, Encoder] = {}
        self.names = tuple(name for name in SYSTEMS if name not in without)

    def ndcg(self, condition: Condition, told: Callable[[str], None]) -> dict[str, Scores]:
        """nDCG@10 of each question by each system, in the order of the questions."""
        asked = _Asked(condition, self)
        mark = _digest(condition)
        found: dict[str, Scores] = {}
        for name in self.names:
            kept = self._figures / f"{mark}-{''.join(c for c in name if c.isalnum())}.json"
            if not kept.is_file():
                told(f"{condition.collection} · {condition.kind} · {name}")
                kept.write_text(json.dumps(asked.ndcg(asked.scores(name)).tolist()))
            found[name] = np.array(json.loads(kept.read_text()))
        return found

    @cached_property
    def reranker(self) -> Remembering:
        return Remembering(rerank.load(), self._cache / "reranked")

    @cached_property
    def sparse(self) -> Weights:
        return Weights(self._cache / "weights.jsonl")

    def encode(self, name: str, texts: Sequence[str], role: Role) -> FloatArray:
        """Vectors of texts by a model, cut to the system's dimensions."""
        model, dimensions = _MODELS[name]
        if name not in self._encoders:
            whole = CachedEncoder(
                load(model, precision="small" if model.startswith("bge") else "exact"),
                VectorCache(),
            )
            self._encoders[name] = whole if dimensions is None else truncate(whole, dimensions)
        return self._encoders[name].encode(texts, role=role, observe=lambda _: None)


class Weights:
    """Learned weights of texts, kept in a file as they are made.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, dict[int, float]] = {}
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                key, terms, weights = json.loads(line)
                self._known[key] = dict(zip(terms, weights, strict=True))

    @cached_property
    def _model(self) -> sparse.SparseEncoder:
        return sparse.load()

    def encode(self, texts: Sequence[str], role: Role) -> list[dict[int, float]]:
        """Weights of each text by term."""
        keys = [hashlib.sha256(f"{role}\0{text}".encode()).hexdigest()[:24] for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True)}
        missing = {key: text for key, text in missing.items() if key not in self._known}
        names = list(missing)
        for start in range(0, len(names), 128):
            part = names[start : start + 128]
            made = self._model.encode([missing[key] for key in part], role=role)
            with self._path.open("a", encoding="utf-8") as out:
                for key, each in zip(part, made, strict=True):
                    weights = [round(weight, 5) for weight in each.weights.tolist()]
                    terms = each.terms.tolist()
                    out.write(json.dumps([key, terms, weights]) + "\n")
                    self._known[key] = dict(zip(terms, weights, strict=True))
        return [self._known[key] for key in keys]


class _Asked:
    """One condition's scores, kept as long as several systems need them."""

    def __init__(self, condition: Condition, systems: Systems) -> None:
        self._condition = condition
        self._systems = systems
        self._ids = list(condition.documents)
        self._texts = list(condition.documents.values())
        self._queries = list(condition.queries.values())
        self._kept: dict[str, Scores] = {}

    def scores(self, name: str) -> Scores:
        """Score of every document for every question, shape (questions, documents)."""
        if name not in self._kept:
            self._kept[name] = self._computed(name)
        return self._kept[name]

    def ndcg(self, scores: Scores) -> Scores:
        values = []
        for row, judged in zip(scores, self._condition.judged.values(), strict=True):
            best = np.argsort(-row, kind="stable")[:_DEPTH]
            values.append(ndcg([self._ids[at] for at in best if np.isfinite(row[at])], judged))
        return np.array(values)

    def _computed(self, name: str) -> Scores:
        if name in _BM25:
            k1, b = _BM25[name]
            return self._by_words(k1, b)
        if name in _MODELS:
            documents = self._systems.encode(name, self._texts, Role.DOCUMENT)
            questions = self._systems.encode(name, self._queries, Role.QUERY)
            return np.asarray(_unit(questions) @ _unit(documents).T, dtype=np.float64)
        if name == _SPLADE:
            return self._by_weights()
        if name == _HYBRID:
            return self._mixed()
        return self._reranked()

    def _by_words(self, k1: float, b: float) -> Scores:
        index = Lexical.in_memory()
        index.extend_tail(self._texts)
        scores = np.zeros((len(self._queries), len(self._texts)))
        for row, query in zip(scores, self._queries, strict=True):
            found = index.search(_plain(query), len(self._texts), k1=k1, b=b)
            row[found.slots] = found.scores
        return scores

    def _by_weights(self) -> Scores:
        model = self._systems.sparse
        scores = np.zeros((len(self._queries), len(self._texts)))
        with tempfile.TemporaryDirectory() as folder:
            index = Impacts.create(Path(folder) / "impacts")
            index.append(model.encode(self._texts, Role.DOCUMENT))
            wanted = model.encode(self._queries, Role.QUERY)
            for row, weights in zip(scores, wanted, strict=True):
                found = index.search(weights, len(self._texts))
                row[found.slots] = found.scores
        return scores

    def _mixed(self) -> Scores:
        meaning, words = self.scores("MiniLM 384d"), self.scores("BM25 k1=1.2 b=0.75")
        rows = [
            (1 - _WORDS_WEIGHT) * lower_bound_scaled(near, -1.0)
            + _WORDS_WEIGHT * lower_bound_scaled(said, 0.0)
            for near, said in zip(meaning, words, strict=True)
        ]
        return np.array(rows)

    def _reranked(self) -> Scores:
        first = self.scores(_HYBRID)
        scores = np.full_like(first, -np.inf)
        for row, before, query in zip(scores, first, self._queries, strict=True):
            best = np.argsort(-before, kind="stable")[:_RERANKED]
            read = self._systems.reranker.score(query, [self._texts[at] for at in best])
            row[best] = _RERANK_WEIGHT * _spanned(read) + (1 - _RERANK_WEIGHT) * _spanned(
                before[best]
            )
        return scores


def _plain(query: str) -> str:
    """Words only: quotes, signs and stars of a question are no operators here."""
    return " ".join("".join(c if c.isalnum() else " " for c in query).split()) or "?"


def _unit(rows: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), dtype=np.float32)


def _spanned(values: npt.NDArray[np.floating]) -> Scores:
    return lower_bound_scaled(values, float(values.min()))


def _digest(condition: Condition) -> str:
    """What decides a condition's figures."""
    parts = [*condition.documents.items(), *condition.queries.items()]
    judged = [(query, sorted(grades.items())) for query, grades in condition.judged.items()]
    return hashlib.sha256(json.dumps([parts, judged]).encode()).hexdigest()[:24]
