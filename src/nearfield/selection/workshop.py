"""Everything that candidates share: models, passages, vectors and stores, each made once.

A text is embedded once by a model, whatever number of chunkers, dimensions, prompts and storages
use its vector: documents go through the cache of this machine, so that indexing the recommendation
later finds them there as well; questions are encoded one by one, because that time is a part of
every candidate's latency, and kept.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nearfield.collection.model import describe
from nearfield.collection.options import Chunking, chunker_for
from nearfield.errors import UnsupportedOperation
from nearfield.metric import Metric, normalise
from nearfield.models.cache import CachedEncoder, VectorCache
from nearfield.models.prompts import with_prompts
from nearfield.models.resolve import load
from nearfield.passage import embedding_text
from nearfield.protocols import Encoder, Reranker
from nearfield.selection.applying import refined
from nearfield.selection.budget import Budget
from nearfield.selection.counting import Counted
from nearfield.selection.embedding import embed
from nearfield.selection.pipeline import ModelChoice, Pipeline
from nearfield.selection.writing import Writer
from nearfield.stores.local import CODES_FROM, RECALL, LocalStore, Mode, SearchPath
from nearfield.types import BatchReport, Chunk, Document, FloatArray, ModelCard, Role

__all__ = ["Load", "Passages", "Workshop"]

_ADDED_AT_ONCE = 4096

Load = Callable[[ModelChoice], Encoder]


@dataclass(frozen=True, slots=True)
class Passages:
    """What a chunker made of the documents, with the whole vectors of one model.

    Attributes
    ----------
    chunks : list of Chunk
        Those with a usable vector.
    vectors : ndarray of float32, shape (len(chunks), dimension)
    characters, tokens : int
        Of all passages together, as the model reads them.
    left_out : int
        Passages without a usable vector.
    """

    chunks: list[Chunk]
    vectors: FloatArray
    characters: int
    tokens: int
    left_out: int


class Asked(NamedTuple):
    """A question's whole vector and the seconds that it took."""

    vector: FloatArray
    seconds: float


class _Cutting(NamedTuple):
    """Whose passages and whole vectors: candidates that agree in this share them."""

    model: str
    precision: str
    chunking: Chunking


class _Place(NamedTuple):
    """What a store is made of: candidates that agree in this share one."""

    cutting: _Cutting
    dimensions: int | None
    metric: Metric
    recall: float


@dataclass(slots=True)
class Built:
    """A store on disk.

    Attributes
    ----------
    store : LocalStore
        Open to read.
    path : Path
    seconds : float
        To write it, words, codes and graph included.
    """

    store: LocalStore
    path: Path
    seconds: float


@dataclass(slots=True)
class Workshop:
    """Makes what candidates need, and keeps it.

    Parameters
    ----------
    documents : mapping of str to Document
    folder : Path
        For stores; emptied when the workshop is closed.
    cache : VectorCache, optional
    load : callable, optional
        From a model's choice, without its prompts, to the whole encoder.
    budget : Budget
        Looked at while embedding and storing; without a limit by default.
    written : Path, optional
        What generators wrote; a file of this machine's cache by default.
    """

    documents: Mapping[str, Document]
    folder: Path
    cache: VectorCache = field(default_factory=VectorCache)
    load: Load = field(default=lambda model: load(model.name, precision=model.precision))
    budget: Budget = field(default_factory=Budget)
    written: Path | None = None
    _encoders: dict[tuple[str, str], Counted] = field(default_factory=dict)
    _cuts: dict[_Cutting, list[Chunk]] = field(default_factory=dict)
    _passages: dict[_Cutting, Passages] = field(default_factory=dict)
    _asked: dict[tuple[tuple[str, str], str, str], Asked] = field(default_factory=dict)
    _stores: dict[_Place, Built] = field(default_factory=dict)
    _rerankers: dict[str, Reranker] = field(default_factory=dict)
    _writers: dict[str, Writer] = field(default_factory=dict)
    wanted: dict[_Place, set[SearchPath]] = field(default_factory=dict)

    def counted(self, model: ModelChoice) -> Counted:
        """The whole model, loaded once."""
        space = (model.name, model.precision)
        if space not in self._encoders:
            encoder = Counted(self.load(model), self.budget.clock)
            encoder.inner.encode(["warm up"], role=Role.QUERY, observe=_silent)
            self._encoders[space] = encoder
        return self._encoders[space]

    @property
    def models(self) -> Mapping[tuple[str, str], Counted]:
        """Every model that was loaded, by name and precision asked for."""
        return self._encoders

    def documents_encoder(self, model: ModelChoice) -> Encoder:
        """The model for documents, behind the cache; prompts go before the cache, not behind it."""
        cached = CachedEncoder(self.counted(model), self.cache)
        return cached if model.prompts is None else with_prompts(cached, model.prompts)

    def card(self, model: ModelChoice) -> ModelCard:
        """The model's card, prompted as it says but whole."""
        return self._prompted(model).card

    def _prompted(self, model: ModelChoice) -> Encoder:
        whole = self.counted(model)
        return whole if model.prompts is None else with_prompts(whole, model.prompts)

    def passages(
        self, pipeline: Pipeline, progress: Callable[[int, int], None] | None = None
    ) -> Passages:
        """Cut the documents and embed what is new.

        Raises
        ------
        OutOfTime
            In the middle; what was embedded is in the cache.
        """
        where = _cutting(pipeline)
        if where not in self._passages:
            model = pipeline.model
            encoder = self.documents_encoder(model)
            chunks = self._chunks(pipeline)
            texts = [embedding_text(chunk) for chunk in chunks]
            vectors = embed(encoder, texts, self.budget, self.counted(model), progress)
            sound = np.asarray(np.isfinite(vectors).all(axis=1) & vectors.any(axis=1))
            kept = [chunk for chunk, is_sound in zip(chunks, sound, strict=True) if is_sound]
            self._passages[where] = Passages(
                kept,
                vectors[sound],
                sum(chunk.end - chunk.start for chunk in kept),
                sum(encoder.tokenizer.count(texts)),
                len(chunks) - len(kept),
            )
            del self._cuts[where]
        return self._passages[where]

    def has_passages(self, pipeline: Pipeline) -> bool:
        """Whether a candidate's passages were embedded."""
        return _cutting(pipeline) in self._passages

    def missing(self, pipeline: Pipeline) -> float:
        """Share of a candidate's passages that are not in the cache yet."""
        if self.has_passages(pipeline):
            return 0.0
        prompt = pipeline.model.document_prompt or ""
        texts = [prompt + embedding_text(chunk) for chunk in self._chunks(pipeline)]
        cached = CachedEncoder(self.counted(pipeline.model), self.cache)
        return len(cached.missing(texts)) / max(1, len(set(texts)))

    def _chunks(self, pipeline: Pipeline) -> list[Chunk]:
        where = _cutting(pipeline)
        if where not in self._cuts:
            chunker = chunker_for(pipeline.chunking, self.documents_encoder(pipeline.model))
            self._cuts[where] = [
                chunk for document in self.documents.values() for chunk in chunker.chunk(document)
            ]
        return self._cuts[where]

    def ask(self, model: ModelChoice, question: str, role: Role = Role.QUERY) -> Asked:
        """A question's vector, cut as the model says, and what encoding it took.

        With another role it is that of a passage that a generator made up.
        """
        encoder = self._prompted(model)
        prompt = f"{role}:{encoder.card.prompts.get(role, '')}"
        where = ((model.name, model.precision), prompt, question)
        if where not in self._asked:
            begun = self.budget.clock()
            vector = encoder.encode([question], role=role, observe=_silent)[0]
            self._asked[where] = Asked(vector, self.budget.clock() - begun)
        whole = self._asked[where]
        return Asked(_cut(whole.vector[None, :], model, encoder.card)[0], whole.seconds)

    def announce(self, pipelines: Sequence[Pipeline]) -> None:
        """Say which candidates come, so that a store is made with all that they need."""
        for pipeline in pipelines:
            self.wanted.setdefault(_place(pipeline), set()).add(pipeline.storage.path)

    def store(self, pipeline: Pipeline) -> Built:
        """The store that a candidate searches, made at first use."""
        place = _place(pipeline)
        if place not in self._stores:
            self._stores[place] = self._built(pipeline, place)
        return self._stores[place]

    def reranker(self, name: str) -> Reranker | None:
        """A reranker by name, loaded once; None for no name."""
        if not name:
            return None
        if name not in self._rerankers:
            from nearfield.models.rerank import load as load_reranker

            self._rerankers[name] = load_reranker(name)
        return self._rerankers[name]

    def writer(self, name: str) -> Writer:
        """What expands questions by a generator, loaded once."""
        if name not in self._writers:
            from nearfield.rag.generators.registry import load as load_generator

            self._writers[name] = Writer(load_generator(name), self.budget.clock, self.written)
        return self._writers[name]

    def release(self, pipelines: Sequence[Pipeline]) -> None:
        """Let go of stores and vectors that none of these candidates needs."""
        kept = {_place(pipeline) for pipeline in pipelines}
        for place in [place for place in self._stores if place not in kept]:
            built = self._stores.pop(place)
            built.store.close()
            shutil.rmtree(built.path, ignore_errors=True)

    def close(self) -> None:
        """Remove every store."""
        self.release(())
        self._cuts.clear()
        self._passages.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _built(self, pipeline: Pipeline, place: _Place) -> Built:
        passages = self.passages(pipeline)
        card = self.card(pipeline.model)
        vectors = _cut(passages.vectors, pipeline.model, card)
        paths = self.wanted.get(place, {pipeline.storage.path})
        encoder = refined(self.counted(pipeline.model).inner, pipeline.model)
        properties = describe(pipeline.model.name, encoder.card, pipeline.model.dimensions)
        properties |= {
            RECALL: repr(place.recall),
            "chunking": json.dumps(asdict(pipeline.chunking)),
        }
        if SearchPath.QUANTISED in paths:
            properties[CODES_FROM] = "1"
        path = self.folder / f"{len(self._stores):03}-{pipeline.key}.nf"
        shutil.rmtree(path, ignore_errors=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        begun = self.budget.clock()
        with LocalStore.create(
            path,
            dimension=vectors.shape[1],
            metric=place.metric,
            fingerprint=encoder.card.fingerprint,
            properties=properties,
        ) as store:
            for start in range(0, len(vectors), _ADDED_AT_ONCE):
                self.budget.look(f"{start:,} of {len(vectors):,} passages were stored")
                stop = start + _ADDED_AT_ONCE
                store.add(passages.chunks[start:stop], vectors[start:stop])
            if SearchPath.GRAPH in paths and passages.chunks:
                # Without the compiled part there is no graph: only those who walk it fail.
                with suppress(UnsupportedOperation):
                    store.build_graph(
                        m=pipeline.storage.links,
                        ef_construction=pipeline.storage.ef_construction,
                        progress=self._inserted,
                    )
        seconds = self.budget.clock() - begun
        return Built(LocalStore.open(path, mode=Mode.READ), path, seconds)

    def _inserted(self, done: int, of: int) -> None:
        if done < of:
            self.budget.look(f"a graph of {done:,} of {of:,} passages was built")


def _cutting(pipeline: Pipeline) -> _Cutting:
    model = pipeline.model
    return _Cutting(
        f"{model.name}{model.document_prompt or ''}", model.precision, pipeline.chunking
    )


def _place(pipeline: Pipeline) -> _Place:
    storage = pipeline.storage
    dimensions = pipeline.model.dimensions
    return _Place(_cutting(pipeline), dimensions, storage.metric, storage.recall)


def _cut(vectors: FloatArray, model: ModelChoice, card: ModelCard) -> FloatArray:
    """What :func:`nearfield.models.matryoshka.truncate` would have given."""
    if model.dimensions is None or model.dimensions >= card.dimension:
        return vectors
    cut = np.ascontiguousarray(vectors[:, : model.dimensions])
    return normalise(cut) if card.normalised else cut


def _silent(_: BatchReport) -> None:
    """Long questions are cut as in every search; the ledger of documents counts what matters."""
