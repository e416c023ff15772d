"""What all engines store and are asked: real sentences and vectors, fields made from a seed.

Random fields: ``flag`` (1 in 2), ``category`` (1 in 10), ``section`` (1 in 100), ``author``
(1 in 1,000) and ``year``. ``region`` depends on the vector: the rows are split by k-means into 2
groups of equal size, each into 5, each into 10, each into 10, so that ranges of the whole number
``region`` are parts of the space that hold 50, 10, 1 and 0.1% of the rows.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.harness import DataMissing
from nearfield.types import FloatArray, IntArray

__all__ = ["HELD_OUT", "SHARES", "Filters", "Workload"]

SHARES = ("50%", "10%", "1%", "0.1%")
_RANDOM = ("flag", "category", "section", "author")
_SPLITS = (2, 5, 10, 10)
_REGIONS = 1000
HELD_OUT = 10_000
_SEED = 29
_SAMPLE = 20_000
_LEAST_LETTERS = 4
_WORDS = 3
_SLICE = 100


@dataclass(frozen=True, slots=True)
class Filters:
    """One condition a query, all of the same kind.

    Attributes
    ----------
    kind : str
        ``random``, ``near`` (the part of the space where the query's nearest row is) or ``far``
        (the part farthest from it).
    share : str
        Of all rows that match, on average.
    conditions : list of dict
        As the workers read them.
    """

    kind: str
    share: str
    conditions: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Workload:
    """The first rows of a folder of sentences, and queries from its last rows.

    Attributes
    ----------
    folder : Path
        Prepared files, which the workers read.
    rows : int
    vectors : ndarray of float32, shape (rows, dimension)
        Mapped.
    queries : ndarray of float32, shape (queries, dimension)
    fields : dict of str to ndarray, shape (rows,)
    """

    folder: Path
    rows: int
    vectors: FloatArray
    queries: FloatArray
    fields: dict[str, npt.NDArray[Any]]

    @classmethod
    def prepare(cls, source: Path, home: Path, rows: int, queries: int) -> Workload:
        """Make the files, or take those of an earlier run with the same data.

        Raises
        ------
        DataMissing
            The folder is not one of ``benchmarks.sentences``, or holds too few rows.
        """
        texts, path = source / "texts.jsonl", source / "vectors.npy"
        if not (texts.is_file() and path.is_file()):
            raise DataMissing(
                f"{source} holds no texts.jsonl and vectors.npy: make them with "
                "python -m benchmarks.sentences --data DATA --out FOLDER"
            )
        stored = np.load(path, mmap_mode="r")
        if rows + HELD_OUT > len(stored) or queries > HELD_OUT:
            raise DataMissing(
                f"{path} holds {len(stored):,} vectors: {rows:,} rows and {HELD_OUT:,} queries "
                "need more"
            )
        asked = np.array(stored[len(stored) - HELD_OUT :][:queries])
        key = hashlib.sha256(asked[:100].tobytes() + bytes(stored[:100])).hexdigest()[:10]
        folder = home / f"{rows}-{queries}-{key}"
        if not (folder / "about.json").is_file():
            folder.mkdir(parents=True, exist_ok=True)
            np.savez(folder / "fields.npz", **_fields(stored[:rows]))
            np.save(folder / "queries.npy", asked)
            words = _words(texts, len(stored) - HELD_OUT, queries)
            (folder / "words.json").write_text(json.dumps(words), encoding="utf-8")
            about = {"vectors": str(path.resolve()), "texts": str(texts.resolve()), "rows": rows}
            (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")
        with np.load(folder / "fields.npz") as found:
            fields = dict(found)
        return cls(folder, rows, stored[:rows], asked, fields)

    def first(self, rows: int) -> Workload:
        """The same with fewer rows."""
        fields = {name: values[:rows] for name, values in self.fields.items()}
        return Workload(self.folder, rows, self.vectors[:rows], self.queries, fields)

    def truth(self, count: int, filters: Filters | None, k: int) -> list[set[int]]:
        """Rows that may stand in each query's exact answer.

        Rows as near as the k-th one count as well, up to rounding. Fewer than `k` match a narrow
        filter: then all of them.
        """
        found = []
        for start in range(0, count, _SLICE):
            stop = min(start + _SLICE, count)
            scores = self.queries[start:stop] @ self.vectors.T
            for query, row in zip(range(start, stop), scores, strict=True):
                if filters is not None:
                    row[~self.matches(filters.conditions[query])] = -np.inf
                found.append(_best(row, k))
        return found

    def matches(self, condition: dict[str, Any]) -> npt.NDArray[np.bool_]:
        """Which rows a condition lets through."""
        values = self.fields[condition["field"]]
        if "equal" in condition:
            found: npt.NDArray[np.bool_] = values == condition["equal"]
        else:
            found = (values >= condition["low"]) & (values < condition["high"])
        return found

    def filters(self, count: int) -> list[Filters]:
        """Conditions for the first `count` queries, of every kind and share."""
        chance = np.random.default_rng(_SEED)
        nearest = np.concatenate(
            [
                (self.queries[start : start + _SLICE] @ self.vectors.T).argmax(axis=1)
                for start in range(0, count, _SLICE)
            ]
        )[:count]
        homes = self.fields["region"][nearest]
        made = []
        for name, share in zip(_RANDOM, SHARES, strict=True):
            drawn = self.fields[name][chance.integers(0, self.rows, count)].tolist()
            made.append(
                Filters("random", share, [{"field": name, "equal": value} for value in drawn])
            )
        for level, share in enumerate(SHARES, start=1):
            width = _REGIONS // int(np.prod(_SPLITS[:level]))
            near = homes // width
            made.append(Filters("near", share, _ranges(near, width)))
            made.append(Filters("far", share, _ranges(self._farthest(count, width), width)))
        return made

    def _farthest(self, count: int, width: int) -> IntArray:
        """The part whose centre is farthest from each query."""
        parts = self.fields["region"] // width
        order = np.argsort(parts, kind="stable")
        bounds = np.searchsorted(parts[order], np.arange(_REGIONS // width + 1))
        centres = [
            self.vectors[np.sort(order[a:b][:200])].mean(axis=0) if b > a else None
            for a, b in itertools.pairwise(bounds.tolist())
        ]
        known = np.array([place for place, centre in enumerate(centres) if centre is not None])
        matrix = np.array([centre for centre in centres if centre is not None])
        farthest: IntArray = known[(self.queries[:count] @ matrix.T).argmin(axis=1)]
        return farthest


def _best(scores: FloatArray, k: int) -> set[int]:
    matching = int(np.isfinite(scores).sum())
    if matching <= k:
        return set(np.flatnonzero(np.isfinite(scores)).tolist())
    least = np.partition(scores, -k)[-k] - 1e-6
    return set(np.flatnonzero(scores >= least).tolist())


def _ranges(parts: IntArray, width: int) -> list[dict[str, Any]]:
    return [
        {"field": "region", "low": part * width, "high": (part + 1) * width}
        for part in parts.tolist()
    ]


def _fields(vectors: FloatArray) -> dict[str, Any]:
    chance, rows = np.random.default_rng(_SEED), len(vectors)
    kinds = {"category": 10, "section": 100, "author": _REGIONS}
    named = {
        name: np.array([f"{name[0]}{number}" for number in range(count)])[
            chance.integers(0, count, rows)
        ]
        for name, count in kinds.items()
    }
    return {
        **named,
        "year": chance.integers(1970, 2027, rows),
        "flag": chance.integers(0, 2, rows).astype(np.bool_),
        "region": _regions(np.asarray(vectors), chance),
    }


def _regions(vectors: FloatArray, chance: np.random.Generator) -> IntArray:
    """Numbers from 0 to 999: the path of each row down the splits."""
    regions = np.zeros(len(vectors), dtype=np.int64)
    groups = [np.arange(len(vectors))]
    for parts in _SPLITS:
        regions *= parts
        children = []
        for group in groups:
            own = _split(vectors, group, parts, chance)
            regions[group] += own
            children += [group[own == part] for part in range(parts)]
        groups = children
    return regions


def _split(
    vectors: FloatArray, group: IntArray, parts: int, chance: np.random.Generator
) -> IntArray:
    """Part of each row of a group; the parts are of equal size, up to one."""
    if len(group) < parts:
        return np.arange(len(group), dtype=np.int64)
    rows = vectors[group]
    sample = rows[np.sort(chance.choice(len(rows), min(len(rows), _SAMPLE), replace=False))]
    centres = sample[chance.choice(len(sample), parts, replace=False)]
    for _ in range(10):
        nearest = (sample @ centres.T).argmax(axis=1)
        for part in range(parts):
            if (nearest == part).any():
                centre = sample[nearest == part].mean(axis=0)
                centres[part] = centre / np.linalg.norm(centre)
    affinity = rows @ centres.T
    found, free = np.full(len(group), parts - 1, dtype=np.int64), np.arange(len(group))
    for part in range(parts - 1):
        # Those that lose most if they go elsewhere come first.
        size = -(-(len(group) - part) // parts)
        loss = affinity[free, part] - affinity[free][:, part + 1 :].max(axis=1)
        chosen = np.argsort(-loss, kind="stable")[:size]
        found[free[chosen]] = part
        free = np.delete(free, chosen)
    return found


def _words(texts: Path, first: int, count: int) -> list[str]:
    """Three words of each held-out sentence, or fewer where it has no more."""
    chance = np.random.default_rng(_SEED)
    found = []
    with texts.open(encoding="utf-8") as lines:
        for line in itertools.islice(lines, first, first + count):
            words = _plain(json.loads(line))
            size = min(_WORDS, len(words))
            found.append(" ".join(words[i] for i in sorted(chance.choice(len(words), size, False))))
    return found


def _plain(text: str) -> Sequence[str]:
    """Words that no engine's query language could take for anything else."""
    words = dict.fromkeys(text.lower().split())
    plain = [word for word in words if word.isascii() and word.isalpha()]
    return [word for word in plain if len(word) >= _LEAST_LETTERS] or plain or ["nothing"]
