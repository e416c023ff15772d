"""What a call says beside its options: that goes before them."""

from __future__ import annotations

from dataclasses import replace

from nearfield.collection.asking import AskOptions
from nearfield.filters import Filter, parse
from nearfield.search.options import SearchOptions

__all__ = ["as_filter", "asked_with", "searched_with"]


def searched_with(
    options: SearchOptions | None, k: int | None, where: Filter | str | None
) -> SearchOptions:
    """Options of a search, with what a call says beside them."""
    chosen = options or SearchOptions()
    if k is not None:
        chosen = replace(chosen, k=k)
    return chosen if where is None else replace(chosen, where=as_filter(where))


def asked_with(options: AskOptions | None, k: int | None, where: Filter | str | None) -> AskOptions:
    """The same for an answer."""
    chosen = options or AskOptions()
    return replace(chosen, search=searched_with(chosen.search, k, where))


def as_filter(where: Filter | str | None) -> Filter | None:
    """The filter that a text says, or the filter itself."""
    return parse(where) if isinstance(where, str) else where
