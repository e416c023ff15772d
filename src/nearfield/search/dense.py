"""Dense search: the query becomes a vector, and the nearest chunks are its answers."""

from __future__ import annotations

from nearfield.errors import InputError
from nearfield.filters import Filter
from nearfield.protocols import Encoder, VectorStore
from nearfield.types import Hit, Role

__all__ = ["search"]


def search(
    store: VectorStore, encoder: Encoder, query: str, *, k: int, where: Filter | None = None
) -> list[Hit]:
    """Return the `k` chunks nearest in meaning to `query`, best first.

    Raises
    ------
    InputError
        The query is blank or k < 1.
    """
    if not query.strip():
        raise InputError("the query is blank: ask something")
    if k < 1:
        raise InputError(f"k is {k}: ask for at least 1 hit")
    vector = encoder.encode([query], role=Role.QUERY)
    return store.search(vector, k, where=where)[0]
