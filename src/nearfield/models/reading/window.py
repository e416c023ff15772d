"""Which part of a passage a reader sees beside a question."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from nearfield.tokenization import SubwordTokenizer
from nearfield.types import IntArray

__all__ = ["Window", "window_of"]

_WORD = re.compile(r"\w+")
_LEAST_LETTERS = 4
_MOST_QUESTION = 64


@dataclass(frozen=True, slots=True)
class Window:
    """A question and a part of a passage, as one sequence of tokens.

    Attributes
    ----------
    ids : ndarray of int64, shape (tokens,)
        ``[CLS] question [SEP] passage [SEP]``.
    first : int
        Where the passage's tokens begin; they end before the last ``[SEP]``.
    spans : ndarray of int64, shape (tokens of the passage, 2)
        Their characters in the passage's text, half open.
    """

    ids: IntArray
    first: int
    spans: IntArray


def window_of(tokenizer: SubwordTokenizer, question: str, text: str, max_tokens: int) -> Window:
    """The part of a text that holds most of the question's words; the whole text where it fits.

    Of several such parts the middle one is taken, so that what stands around them is seen.

    Parameters
    ----------
    tokenizer : SubwordTokenizer
        Of BERT's kind: both texts are cut alike alone and as a pair.
    question : str
        Longer ones than 64 tokens lose their tails.
    text : str
    max_tokens : int
        Of the whole sequence.
    """
    asked = tokenizer.cut(question)
    head = np.concatenate([asked.ids[:-1][: _MOST_QUESTION - 1], asked.ids[-1:]])
    told = tokenizer.cut(text)
    own = ~told.special
    ids, spans = told.ids[own], told.spans[own]
    room = max_tokens - len(head) - 1
    start = 0
    if len(ids) > room:
        words = {w.lower() for w in _WORD.findall(question) if len(w) >= _LEAST_LETTERS}
        met = np.array([text[a:b].lower() in words for a, b in spans], dtype=np.int64)
        sums = np.concatenate([[0], np.cumsum(met)])
        inside = sums[room:] - sums[: len(sums) - room]
        best = np.flatnonzero(inside == inside.max())
        start = int(best[len(best) // 2])
    ids, spans = ids[start : start + room], spans[start : start + room]
    return Window(np.concatenate([head, ids, asked.ids[-1:]]), len(head), spans)
