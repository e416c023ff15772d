"""The index of learned term weights (SPLADE) of a collection: derived from its texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nearfield.errors import StoreError, StoreReadOnly
from nearfield.filters import Filter
from nearfield.lexical import Impacts
from nearfield.models.sparse import DEFAULT_SPARSE, SparseEncoder, SparseVector
from nearfield.models.sparse import load as load_sparse
from nearfield.stores.local.derived.parts import SPARSE
from nearfield.stores.local.view import LocalView
from nearfield.types import Ranking, Role

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
    model : str
        Name of the sparse model.
    """

    def __init__(self, model: str = DEFAULT_SPARSE) -> None:
        self._name = model
        self._model: SparseEncoder | None = None

    @property
    def model(self) -> SparseEncoder:
        """The model, loaded at first use."""
        if self._model is None:
            self._model = load_sparse(self._name)
        return self._model

    def encode(self, view: LocalView, progress: Progress | None = None) -> None:
        """Encode the texts that are not encoded yet."""
        self._covering(view.derived_folder, view.slots, view.words, progress)

    def ranking(
        self,
        view: LocalView,
        query: str,
        k: int,
        where: Filter | None = None,
    ) -> Ranking:
        """The `k` chunks of a view whose terms weigh most for the query."""
        (wanted,) = self.model.encode([query], role=Role.QUERY)
        index = self._covering(view.derived_folder, view.slots, view.words, None)
        allowed = view.allowed_within(where, len(index))
        found = index.search(_mapping(wanted), k, allowed=allowed)
        return Ranking(found.slots, found.scores, f"sparse:{self._name}")

    def _covering(
        self,
        folder: Path,
        slots: int,
        texts: Callable[[int, int], list[str]],
        progress: Progress | None,
    ) -> Impacts:
        """The index, with the weights of every slot; one process at a time encodes."""
        from filelock import FileLock

        path = folder / f"{SPARSE}-{self.model.fingerprint[:_MODEL_CHARACTERS]}"
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreReadOnly(
                f"the weights of mode 'sparse' are kept beside the collection, and {folder} takes "
                f"no files ({error.strerror}): search in another mode, or copy the collection"
            ) from error
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
