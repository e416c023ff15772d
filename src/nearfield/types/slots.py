"""Construction of frozen dataclasses that are made by the thousand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

__all__ = ["setters"]


def setters(cls: type, first: int, last: int) -> list[Callable[[object, object], None]]:
    """What sets the fields of a slotted dataclass, frozen or not."""
    return [cls.__dict__[each.name].__set__ for each in fields(cls)[first:last]]
