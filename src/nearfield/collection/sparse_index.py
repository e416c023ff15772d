"""The index of learned term weights (SPLADE) of a collection: derived from its texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nearfield.errors import StoreError
from nearfield.lexical import Impacts
from nearfield.models.sparse import DEFAULT_SPARSE, SparseEncoder, SparseVector
from nearfield.models.sparse import load as load_sparse
from nearfield.search.options import SearchOptions
from nearfield.stores.local import LocalStore
from nearfield.types import Hit, Role

__all__ = ["SparseIndex"]

_AT_ONCE = 2048
_MODEL_CHARACTERS = 12

Progress = Callable[[int, int], None]


class SparseIndex:
    """Encodes the texts of a collection with a sparse model and searches their weights.

    The first search encodes everything; later ones encode what came since. What was encoded is
    kept with the collection, for each model apart.

    Parameters
    ----------
    store : callable
        Gives the store, open to read.
    model : str
        Name of the sparse model.
    """

    def __init__(self, store: Callable[[], LocalStore], model: str = DEFAULT_SPARSE) -> None:
        self._store = store
        self._name = model
        self._model: SparseEncoder | None = None

    @property
    def model(self) -> SparseEncoder:
        """The model, loaded at first use."""
        if self._model is None:
            self._model = load_sparse(self._name)
        return self._model

    def search(
        self, query: str, options: SearchOptions, progress: Progress | None = None
    ) -> list[Hit]:
        """The chunks whose terms weigh most for the query."""
        (wanted,) = self.model.encode([query], role=Role.QUERY)
        with self._store().view() as view:
            index = self._covering(view.derived_folder, view.slots, view.texts, progress)
            found = index.search(
                _mapping(wanted), options.k, allowed=view.allowed_within(options.where, len(index))
            )
            chunks = view.chunks(found.slots)
        scores = found.scores.tolist()
        return [
            Hit(chunk, score, rank, f"sparse:{self._name}")
            for rank, (chunk, score) in enumerate(zip(chunks, scores, strict=True), start=1)
        ]

    def _covering(
        self,
        folder: Path,
        slots: int,
        texts: Callable[[int, int], list[str]],
        progress: Progress | None,
    ) -> Impacts:
        """The index, with the weights of every slot; one process at a time encodes."""
        from filelock import FileLock

        path = folder / f"sparse-{self.model.fingerprint[:_MODEL_CHARACTERS]}"
        path.mkdir(parents=True, exist_ok=True)
        with FileLock(path / "writer.lock"):
            index = _opened(path)
            for start in range(len(index), slots, _AT_ONCE):
                count = min(_AT_ONCE, slots - start)
                index.append([_mapping(each) for each in self.model.encode(texts(start, count))])
                if progress is not None:
                    progress(start + count, slots)
        return index


def _opened(path: Path) -> Impacts:
    try:
        return Impacts.open(path, write=True)
    except (StoreError, OSError):
        return Impacts.create(path)


def _mapping(vector: SparseVector) -> dict[int, float]:
    return dict(zip(vector.terms.tolist(), vector.weights.tolist(), strict=True))
