"""Tokens of a text where the vocabulary is at the provider: an estimate, and a bound.

The estimate sizes passages and batches; it is a little high for English prose and for code, a
little low for some other languages. The bound is certain for every tokenizer that works on UTF-8
bytes: none makes more tokens than there are bytes. What is paid for is what the server counts.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from nearfield.tokenization import check_texts
from nearfield.types import IntArray

__all__ = ["OVERHEAD", "TOKENIZER", "EstimatedTokenizer", "cut", "most_tokens"]

OVERHEAD = 32
"""Tokens that a provider may add to a text: special tokens and its own prompt for a role."""

_RULES = 1
_PIECES = re.compile(
    r"[A-Za-z]{1,5}"  # most English words are one token; long ones fall apart
    r"|[0-9]{1,3}"
    r"|[\u00c0-\u024f\u0370-\u052f]{1,2}"  # accented Latin, Greek, Cyrillic
    r"|\n+"
    r"|\S"
)


class EstimatedTokenizer:
    """Cuts text into about as many pieces as the tokenizers of hosted models do.

    Examples
    --------
    >>> tokenizer = EstimatedTokenizer()
    >>> tokenizer.count(["A parka keeps you warm.", ""])
    [6, 0]
    >>> [tuple(span) for span in tokenizer.spans("parkas, 12345").tolist()]
    [(0, 5), (5, 6), (6, 7), (8, 11), (11, 13)]
    """

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"estimate {_RULES} {_PIECES.pattern}".encode()).hexdigest()

    def spans(self, text: str) -> IntArray:
        found = [match.span() for match in _PIECES.finditer(text)]
        return np.array(found, dtype=np.int64).reshape(-1, 2)

    def count(self, texts: Sequence[str]) -> list[int]:
        return [sum(1 for _ in _PIECES.finditer(text)) for text in check_texts(texts)]


TOKENIZER = EstimatedTokenizer()
"""The one that all hosted encoders share."""


def most_tokens(text: str) -> int:
    """Tokens that no byte-level tokenizer exceeds: UTF-8 bytes, of the NFKC form if that is longer.

    Examples
    --------
    >>> most_tokens("warm"), most_tokens("é")
    (4, 2)
    """
    if text.isascii():
        return len(text)
    forms = (text, unicodedata.normalize("NFKC", text))
    return max(len(form.encode("utf-8", "replace")) for form in forms)


def cut(text: str, tokens: int) -> str:
    """The beginning of a text, of so many estimated tokens; the same for all longer texts.

    Parameters
    ----------
    text : str
    tokens : int
        At least 1.
    """
    end = 0
    for number, match in enumerate(_PIECES.finditer(text), 1):
        if number > tokens:
            return text[:end]
        end = match.end()
    return text
