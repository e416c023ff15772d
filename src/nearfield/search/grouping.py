"""Hits by document: the best passages of each, documents in order of their best one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nearfield.errors import InputError
from nearfield.types import Hit

__all__ = ["by_document", "group_key"]


def group_key(hit: Hit, field: str) -> str:
    """What `field` says about a hit, for grouping; a list counts as a whole.

    Examples
    --------
    >>> from nearfield.types import Chunk
    >>> group_key(Hit(Chunk("a#0-1", "a", "x", 0, 1), 0.5, 1, "exact"), "document")
    "'a'"
    """
    return repr(hit.chunk.fields().get(field))


def by_document(
    hits: Sequence[Hit], k: int, *, per_group: int = 1, field: str = "document"
) -> list[Hit]:
    """Keep the best `per_group` hits of each of the first `k` groups.

    Parameters
    ----------
    hits : sequence of Hit
        Best first; take more than `k`, or late groups are missed.
    k : int
        Most groups.
    per_group : int
        Most hits of one group, at least 1.
    field : str
        What groups: ``document``, ``source`` or a name of the metadata.

    Returns
    -------
    list of Hit
        Groups in order of their best hits, hits of a group together, ranks counted anew.
    """
    if per_group < 1:
        raise InputError(f"hits per group is {per_group}: keep at least 1")
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        members = groups.setdefault(group_key(hit, field), [])
        if len(members) < per_group:
            members.append(hit)
    kept = [hit for members in list(groups.values())[:k] for hit in members]
    return [replace(hit, rank=rank) for rank, hit in enumerate(kept, start=1)]
