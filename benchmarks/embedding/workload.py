"""What is encoded: passages, samples of them with the same lengths, and short queries."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.contenders import write_texts
from benchmarks.data import passages
from benchmarks.harness import Json
from nearfield.tokenization import load as load_tokenizer

__all__ = ["Encoder", "Sample", "Workload", "queries"]

_SEED = 13
_QUERY_TOKENS = (8, 16)
_GROUP = 32


@dataclass(frozen=True, slots=True)
class Sample:
    """Texts in a file.

    Attributes
    ----------
    file : Path
    count : int
        Passages.
    tokens : int
        What a model reads of them, special tokens included.
    worth : float
        Passages of the mean length of all, not of the sample, that have as many tokens.
    """

    file: Path
    count: int
    tokens: int
    worth: float


@dataclass(frozen=True, slots=True)
class Encoder:
    """The size of a model, from its folder.

    Attributes
    ----------
    layers, hidden, intermediate : int
    max_tokens : int
        Longer texts are cut.
    """

    layers: int
    hidden: int
    intermediate: int
    max_tokens: int

    @classmethod
    def read(cls, folder: Path) -> Encoder:
        """Read config.json and sentence_bert_config.json."""
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        limits = json.loads((folder / "sentence_bert_config.json").read_text(encoding="utf-8"))
        return cls(
            config["num_hidden_layers"],
            config["hidden_size"],
            config["intermediate_size"],
            limits["max_seq_length"],
        )

    def products(self, rows: int) -> list[tuple[int, int, int]]:
        """Shapes (m, k, n) of a layer's matrix products over `rows` tokens.

        In the order: attention's output, wide, narrow, and query, key and value in one.
        """
        hidden, wide = self.hidden, self.intermediate
        return [
            (rows, hidden, hidden),
            (rows, hidden, wide),
            (rows, wide, hidden),
            (rows, hidden, 3 * hidden),
        ]

    def operations(self, lengths: npt.NDArray[np.int64]) -> float:
        """Mean floating-point operations a token: products with weights, and attention.

        A token meets 4 H² + 2 H F weights in a layer, two operations each; in attention it meets
        every token of its own text twice, 2 H operations each time.

        Examples
        --------
        >>> minilm = Encoder(6, 384, 1536, 256)
        >>> minilm.operations(np.full(8, 135)) / 1e6
        22.477824
        """
        weights = 4 * self.hidden**2 + 2 * self.hidden * self.intermediate
        met = float((lengths.astype(np.float64) ** 2).sum() / lengths.sum())
        return self.layers * (2 * weights + 4 * self.hidden * met)


@dataclass(frozen=True, slots=True)
class Workload:
    """Passages, from short to long.

    Attributes
    ----------
    texts : sequence of str
    lengths : ndarray of int64, shape (texts,)
        Tokens of each, cut at the model's limit.
    origin : str
        Where they came from.
    folder : Path
        Samples are written here.
    """

    texts: Sequence[str]
    lengths: npt.NDArray[np.int64]
    origin: str
    folder: Path

    @classmethod
    def read(cls, data: Path | None, count: int, model: Path, limit: int, folder: Path) -> Workload:
        """Take `count` passages and count their tokens with the model's tokenizer."""
        chosen = passages(data, count)
        lengths = np.minimum(load_tokenizer(model).count(chosen.texts), limit).astype(np.int64)
        order = np.argsort(lengths, kind="stable")
        texts = [chosen.texts[place] for place in order]
        return cls(texts, lengths[order], chosen.origin, folder)

    def sample(self, count: int) -> Sample:
        """Groups of 32 passages of neighbouring lengths, at equal distances, all of them mixed.

        So samples of any size have about the same distribution of lengths, and libraries that
        sort by length pad as little as they would in a long list: 32 is their batch size. Thin
        samples of single passages would make them pad half as much again.

        Parameters
        ----------
        count : int
            A multiple of 32, or up to 32; larger than all takes all.
        """
        size = min(_GROUP, count)
        groups = min(count, len(self.texts)) // size
        middles = (np.arange(groups) + 0.5) * len(self.texts) / groups
        starts = (middles - size / 2).astype(int)
        places = (starts[:, None] + np.arange(size)).ravel()
        mixed = places.tolist()
        random.Random(_SEED).shuffle(mixed)
        file = self.folder / f"passages-{len(mixed)}.json"
        if not file.is_file():
            write_texts(file, [self.texts[place] for place in mixed])
        tokens = int(self.lengths[places].sum())
        return Sample(file, len(mixed), tokens, tokens / float(self.lengths.mean()))

    def described(self) -> dict[str, Json]:
        """What results say of it."""
        percentiles = np.percentile(self.lengths, (5, 50, 95)).round().astype(int).tolist()
        return {
            "texts": self.origin,
            "tokens per passage": {
                "mean": round(float(self.lengths.mean()), 1),
                **dict(zip(("p5", "p50", "p95"), percentiles, strict=True)),
            },
        }


def queries(workload: Workload, model: Path, count: int) -> list[str]:
    """Beginnings of passages, 8 to 16 tokens long, special ones included."""
    low, high = _QUERY_TOKENS
    chance, tokenizer = random.Random(_SEED), load_tokenizer(model)
    found: list[str] = []
    for text in chance.sample(list(workload.texts), len(workload.texts)):
        words, wanted = text.split()[:high], chance.randint(low, high)
        while words and tokenizer.count([" ".join(words)])[0] > wanted:
            words.pop()
        if tokenizer.count([" ".join(words)])[0] >= low:
            found.append(" ".join(words))
        if len(found) == count:
            break
    return found
