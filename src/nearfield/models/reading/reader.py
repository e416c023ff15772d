"""Reads a question with passages: whether each answers it, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nearfield.errors import InputError
from nearfield.models.precision import Precision
from nearfield.models.reading.window import Window, window_of
from nearfield.models.transformer.runtime import Runtime, pack
from nearfield.tokenization import SubwordTokenizer
from nearfield.types import FloatArray, IntArray

__all__ = ["MAX_TOKENS", "Heads", "PassageReader", "Reading"]

MAX_TOKENS = 128
"""Question and part of a passage, special tokens included."""

_LONGEST_ANSWER = 20
"""Tokens of an answer."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read in one passage.

    Attributes
    ----------
    answered : float
        Logit that the passage answers the question: any number, higher for yes.
    margin : float
        How much better the best words are as an answer than none, in logits.
    start, end : int
        The best words' characters in the passage's text, half open, whole words; equal where the
        text has no word.
    """

    answered: float
    margin: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Heads:
    """What makes readings of token vectors of width w.

    Attributes
    ----------
    pool, pool_bias : ndarray of float32, shapes (w, w) and (w,)
        Of the first token, before tanh.
    answered, answered_bias : ndarray of float32, shapes (w,) and ()
    span, span_bias : ndarray of float32, shapes (2, w) and (2,)
        Of an answer's first and last token.
    """

    pool: FloatArray
    pool_bias: FloatArray
    answered: FloatArray
    answered_bias: FloatArray
    span: FloatArray
    span_bias: FloatArray


class PassageReader:
    """A model that reads a question and a passage together. Safe to use from several threads.

    Parameters
    ----------
    name : str
    tokenizer : SubwordTokenizer
    runtime : Runtime
        Its vocabulary holds every word twice: as a question's, and as a passage's, the difference
        of the token types added. So runtimes for single texts serve.
    heads : Heads
    vocabulary : int
        Words of the tokenizer.
    """

    def __init__(
        self,
        name: str,
        tokenizer: SubwordTokenizer,
        runtime: Runtime,
        heads: Heads,
        vocabulary: int,
    ) -> None:
        self.name = name
        self._tokenizer = tokenizer
        self._runtime = runtime
        self._heads = heads
        self._vocabulary = vocabulary

    @property
    def precision(self) -> Precision:
        """The class of its results."""
        return self._runtime.precision

    def __repr__(self) -> str:
        return f"PassageReader({self.name!r}, {self._runtime.name})"

    def read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        """Read a question with each text.

        Of a text that is longer than :data:`MAX_TOKENS` with the question, the part is read that
        holds most of the question's words.

        Raises
        ------
        InputError
            The question is blank.
        """
        if not question.strip():
            raise InputError("the question is blank: ask something")
        if not texts:
            return []
        windows = [window_of(self._tokenizer, question, text, MAX_TOKENS) for text in texts]
        batch = pack([self._two_kinds(window) for window in windows])
        states = self._runtime.hidden_states(batch)
        return [
            self._reading(states[batch.borders[i] : batch.borders[i + 1]], window, text)
            for i, (window, text) in enumerate(zip(windows, texts, strict=True))
        ]

    def _two_kinds(self, window: Window) -> IntArray:
        ids = window.ids.copy()
        ids[window.first :] += self._vocabulary
        return ids

    def _reading(self, states: FloatArray, window: Window, text: str) -> Reading:
        heads = self._heads
        pooled = np.tanh(heads.pool @ states[0] + heads.pool_bias)
        answered = float(heads.answered @ pooled + heads.answered_bias)
        scores = states @ heads.span.T + heads.span_bias
        own = scores[window.first : window.first + len(window.spans)]
        if not len(own):
            return Reading(answered, 0.0, 0, 0)
        first, last, best = _best_span(own[:, 0], own[:, 1])
        start, end = _whole_words(text, int(window.spans[first, 0]), int(window.spans[last, 1]))
        return Reading(answered, best - float(scores[0].sum()), start, end)


def _best_span(firsts: FloatArray, lasts: FloatArray) -> tuple[int, int, float]:
    """The best first and last token, at most twenty apart, and their score."""
    sums = firsts[:, None] + lasts[None, :]
    apart = np.arange(len(lasts))[None, :] - np.arange(len(firsts))[:, None]
    sums[(apart < 0) | (apart >= _LONGEST_ANSWER)] = -np.inf
    first, last = np.unravel_index(int(sums.argmax()), sums.shape)
    return int(first), int(last), float(sums[first, last])


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span until it cuts no word; tokens may be parts of words."""
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return start, end
