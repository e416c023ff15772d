"""Choices that callers may name by a plain word."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Self

from nearfield.errors import InputError

__all__ = ["Modality", "Role", "SectionKind", "Speaker", "Word"]


class Word(StrEnum):
    """Base of enums whose members callers may name by a plain word."""

    @classmethod
    def of(cls, value: str) -> Self:
        """The member that a caller's word names.

        Raises
        ------
        InputError
            It names none; the message lists those there are.

        Examples
        --------
        >>> Role.of("query")
        <Role.QUERY: 'query'>
        """
        try:
            return cls(value)
        except ValueError:
            noun = re.findall("[A-Z][a-z]*", cls.__name__)[-1].lower()  # SearchPath: path
            raise InputError(f"{noun} is {value!r}, expected one of {', '.join(cls)}") from None


class Role(Word):
    """What a text is to the model: asymmetric models prompt the two sides differently."""

    QUERY = "query"
    DOCUMENT = "document"


class Modality(StrEnum):
    """What an encoder takes."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"


class SectionKind(StrEnum):
    """Why a span of a document belongs together."""

    HEADING = "heading"
    PAGE = "page"
    SLIDE = "slide"
    SHEET = "sheet"
    SYMBOL = "symbol"
    CELL = "cell"


class Speaker(Word):
    """Who says a message of a conversation."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
