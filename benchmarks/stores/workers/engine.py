"""What every engine does for the benchmark of stores, and the rows that it does it with."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

__all__ = ["DIMENSION_FIELDS", "Batch", "Condition", "Engine", "Rows", "number_of", "row_id"]

DIMENSION_FIELDS = ("category", "author", "section", "year", "flag", "region")
RANK_CONSTANT = 60


@dataclass(frozen=True, slots=True)
class Condition:
    """A field equals a value, or is a whole number from `low` to below `high`."""

    field: str
    equal: str | bool | None = None
    low: int = 0
    high: int = 0

    @classmethod
    def of(cls, given: dict[str, Any] | None) -> Condition | None:
        return None if given is None else cls(**given)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows as an application has them: ids, vectors, texts, and a dictionary of fields each."""

    first: int
    vectors: npt.NDArray[np.float32]
    texts: list[str]
    metadata: list[dict[str, Any]]

    @property
    def numbers(self) -> range:
        return range(self.first, self.first + len(self.texts))

    @property
    def ids(self) -> list[str]:
        return [row_id(number) for number in self.numbers]


@dataclass(frozen=True, slots=True)
class Rows:
    """The prepared data of a run; see ``benchmarks/stores/workload.py``."""

    folder: Path

    @property
    def about(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "about.json").read_text(encoding="utf-8"))
        return found

    def queries(self) -> npt.NDArray[np.float32]:
        found: npt.NDArray[np.float32] = np.load(self.folder / "queries.npy")
        return found

    def words(self) -> list[str]:
        found: list[str] = json.loads((self.folder / "words.json").read_text(encoding="utf-8"))
        return found

    def fields(self) -> dict[str, npt.NDArray[np.generic]]:
        with np.load(self.folder / "fields.npz") as stored:
            return {name: stored[name] for name in DIMENSION_FIELDS}

    def batches(self, first: int, last: int, size: int) -> Iterator[Batch]:
        about, fields = self.about, self.fields()
        vectors = np.load(about["vectors"], mmap_mode="r")
        with Path(about["texts"]).open(encoding="utf-8") as lines:
            texts = map(json.loads, itertools.islice(lines, first, last))
            for start in range(first, last, size):
                stop = min(start + size, last)
                columns = [fields[name][start:stop].tolist() for name in DIMENSION_FIELDS]
                yield Batch(
                    start,
                    np.array(vectors[start:stop], dtype=np.float32),
                    list(itertools.islice(texts, stop - start)),
                    [
                        dict(zip(DIMENSION_FIELDS, row, strict=True))
                        for row in zip(*columns, strict=True)
                    ],
                )


class Engine:
    """One contender in one folder. Answers are numbers of rows, best first.

    An answer is complete when its text and metadata are in this process as well, for everyone that
    stores them; the bare libraries store neither.
    """

    knobs: ClassVar[tuple[str, ...]] = ("default",)
    """Settings of a search, from the fastest to the one that finds most."""
    kept: ClassVar[str] = "vectors, text, metadata"
    """What it stores."""
    packages: ClassVar[tuple[str, ...]] = ()
    """Distributions whose versions are named."""
    settings: ClassVar[str] = ""
    """How it was set up, in words."""

    def create(self, folder: Path, dimension: int) -> None:
        raise NotImplementedError

    def extend(self, folder: Path) -> None:
        """Open what was filled before, to add more."""
        raise NotImplementedError

    def add(self, batch: Batch) -> None:
        raise NotImplementedError

    def finish(self) -> None:
        """Build what is not built yet and close; everything is on disk afterwards."""
        raise NotImplementedError

    def open(self, folder: Path) -> None:
        raise NotImplementedError

    def set_knob(self, knob: str) -> None:
        """Take one of `knobs`."""

    def search(
        self, vector: npt.NDArray[np.float32], k: int, where: Condition | None
    ) -> Sequence[int]:
        raise NotImplementedError

    def lexical(self, text: str, k: int) -> Sequence[int]:
        """By BM25; NotImplementedError where it has none."""
        raise NotImplementedError

    def hybrid(self, text: str, vector: npt.NDArray[np.float32], k: int) -> Sequence[int]:
        """By words and vectors; NotImplementedError where it has none."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the folder."""


def row_id(number: int) -> str:
    return f"row-{number}"


def number_of(id_: str) -> int:
    return int(id_[4:])
