"""One way to keep and search vectors, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nearfield.evaluation.compression.reduction import Reduction
from nearfield.evaluation.compression.storage import Storage

__all__ = ["Variant", "variants"]

_GRAPHS = ((8, 32), (16, 32), (16, 64), (16, 128), (32, 128))


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to keep vectors.

    Attributes
    ----------
    dimensions : int
        That stay.
    reduction : Reduction
    storage : Storage
    m, ef : int
        Of an HNSW graph over int8 rows whose candidates are scored exactly; 0 for a full scan.
    """

    dimensions: int
    reduction: Reduction = Reduction.NONE
    storage: Storage = Storage.FLOAT32
    m: int = 0
    ef: int = 0

    @property
    def name(self) -> str:
        """As tables call it.

        Examples
        --------
        >>> Variant(128, Reduction.PCA, Storage.INT8).name, Variant(384, m=16, ef=64).name
        ('pca 128 int8', '384 float32 hnsw m=16 ef=64')
        """
        parts = [str(self.dimensions), self.storage.value]
        if self.reduction is not Reduction.NONE:
            parts.insert(0, self.reduction.value)
        if self.m:
            parts.append(f"hnsw m={self.m} ef={self.ef}")
        return " ".join(parts)


def variants(dimension: int, kept: Sequence[int] | None = None, *, graphs: bool) -> list[Variant]:
    """What a study compares: float32 of all dimensions first.

    Parameters
    ----------
    dimension : int
        Of the model.
    kept : sequence of int, optional
        Fewer dimensions to try; by default halves, quarters and eighths of the model's.
    graphs : bool
        Whether HNSW graphs are among them.

    Examples
    --------
    >>> [variant.name for variant in variants(64, [16], graphs=False)][:3]
    ['64 float32', '64 float16', '64 int8']
    """
    fewer = [dimension // part for part in (2, 4, 8)] if kept is None else list(kept)
    fewer = [size for size in dict.fromkeys(fewer) if 8 <= size < dimension]
    found = [Variant(dimension, storage=storage) for storage in Storage]
    for size in fewer:
        for reduction in (Reduction.FIRST, Reduction.PCA):
            found += [
                Variant(size, reduction, storage)
                for storage in (Storage.FLOAT32, Storage.INT8, Storage.BINARY_RESCORED)
            ]
    if graphs:
        found += [Variant(dimension, m=m, ef=ef) for m, ef in _GRAPHS]
    return found
