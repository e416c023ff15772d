"""Which part of a data set is meant when nobody says."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from nearfield.errors import InputError

__all__ = ["SPLITS", "choose_split"]

_PREFERRED = ("test", "dev", "val", "validation")

SPLITS = (*_PREFERRED, "train")
"""Names that files of a data set usually have."""


def choose_split(splits: Collection[str], asked: str | None, place: Path | str) -> str:
    """The split that was asked for; without a word ``test``, else ``dev``, else the only one.

    Raises
    ------
    InputError
        There is no such split, or none of the usual names among several.

    Examples
    --------
    >>> choose_split(["train", "test"], None, Path("scifact"))
    'test'
    """
    known = ", ".join(sorted(splits))
    if asked is not None:
        if asked not in splits:
            raise InputError(f"{place} has no split {asked!r}: it has {known}")
        return asked
    for name in _PREFERRED:
        if name in splits:
            return name
    if len(splits) == 1:
        return next(iter(splits))
    raise InputError(f"{place} has several splits and none is called test: choose one of {known}")
