"""Cuts a filter text into tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from nearfield.errors import FilterSyntaxError
from nearfield.filters.tree import Value

__all__ = ["KEYWORDS", "NAME", "Kind", "Token", "tokenise"]

KEYWORDS = frozenset({"and", "or", "not", "in", "is", "null", "like", "true", "false"})
NAME = re.compile(r"[^\W\d]\w*(?:[.-]\w+)*")

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_SPACE = re.compile(r"\s+")
_OPERATORS = {"==": "=", "!=": "!=", "<=": "<=", ">=": ">=", "=": "=", "<": "<", ">": ">"}
_ESCAPES = {"\\": "\\", '"': '"', "'": "'", "n": "\n", "r": "\r", "t": "\t"}
_FOREIGN = {"&&": "and", "&": "and", "||": "or", "|": "or", "<>": "!=", "=>": ">=", "!": "not"}
_QUOTES = "\"'`"


class Kind(Enum):
    """What a token is."""

    NAME = auto()
    KEYWORD = auto()
    TEXT = auto()
    NUMBER = auto()
    OPERATOR = auto()
    OPEN = auto()
    CLOSE = auto()
    COMMA = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes
    ----------
    kind : Kind
    value : str, int or float
        Keywords in lower case, operators in their canonical spelling, texts without quotes
        and escapes.
    start, end : int
        Character offsets in the filter text, half open.
    """

    kind: Kind
    value: Value
    start: int
    end: int


def tokenise(text: str) -> list[Token]:
    """Tokens of `text`, closed by one of kind END.

    Raises
    ------
    FilterSyntaxError
        A character belongs to no token, a quote is not closed, or a number is malformed.

    Examples
    --------
    >>> [token.value for token in tokenise("year>=2020 AND x != 'it''s'")]
    ['year', '>=', 2020, 'and', 'x', '!=', "it's", '']
    """
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        space = _SPACE.match(text, position)
        if space:
            position = space.end()
            continue
        token = _next(text, position)
        tokens.append(token)
        position = token.end
    tokens.append(Token(Kind.END, "", len(text), len(text)))
    return tokens


def _next(text: str, start: int) -> Token:
    character = text[start]
    if character in _QUOTES:
        value, end = _quoted(text, start)
        return Token(Kind.NAME if character == "`" else Kind.TEXT, value, start, end)
    if name := NAME.match(text, start):
        word = name.group()
        if word.lower() in KEYWORDS:
            return Token(Kind.KEYWORD, word.lower(), start, name.end())
        return Token(Kind.NAME, word, start, name.end())
    if number := _NUMBER.match(text, start):
        return _number(text, number)
    return _symbol(text, start)


def _symbol(text: str, start: int) -> Token:
    pair = text[start : start + 2]
    if pair in _FOREIGN:
        raise FilterSyntaxError(f"{pair!r} is written {_FOREIGN[pair]!r} here", text, start)
    for spelling in (pair, text[start]):
        if spelling in _OPERATORS:
            return Token(Kind.OPERATOR, _OPERATORS[spelling], start, start + len(spelling))
    character = text[start]
    kinds = {"(": Kind.OPEN, ")": Kind.CLOSE, ",": Kind.COMMA}
    if character in kinds:
        return Token(kinds[character], character, start, start + 1)
    if character in _FOREIGN:
        raise FilterSyntaxError(
            f"{character!r} is written {_FOREIGN[character]!r} here", text, start
        )
    if character in "[]{}":
        raise FilterSyntaxError(f"{character!r}: lists are written in parentheses", text, start)
    raise FilterSyntaxError(f"unexpected {character!r}", text, start)


def _quoted(text: str, start: int) -> tuple[str, int]:
    """Read a text or a back-quoted name; returns its value and the offset behind it."""
    quote = text[start]
    parts: list[str] = []
    position = start + 1
    while position < len(text):
        character = text[position]
        if character == quote:
            if text[position + 1 : position + 2] != quote:
                return "".join(parts), position + 1
            parts.append(quote)
            position += 2
        elif character == "\\" and quote != "`":
            escaped = text[position + 1 : position + 2]
            if escaped not in _ESCAPES:
                raise FilterSyntaxError(
                    f"unknown escape '\\{escaped}': write a backslash as '\\\\'", text, position
                )
            parts.append(_ESCAPES[escaped])
            position += 2
        else:
            parts.append(character)
            position += 1
    raise FilterSyntaxError(f"the quote {quote} is never closed", text, start)


def _number(text: str, found: re.Match[str]) -> Token:
    end = found.end()
    tail = re.compile(r"[\w.:/-]+").match(text, end)
    if tail:
        word = text[found.start() : tail.end()]
        raise FilterSyntaxError(
            f'{word!r} is no number: texts and dates go in quotes, "{word}"', text, found.start()
        )
    digits = found.group()
    try:
        value: int | float = int(digits)
    except ValueError:
        # Either not whole, or longer than Python converts (4,300 digits).
        value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise FilterSyntaxError("the number is too large", text, found.start())
    return Token(Kind.NUMBER, value, found.start(), end)
