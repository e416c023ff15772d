"""What a vocabulary makes of a text: fragments, unknown words, and what is never read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from nearfield.errors import InputError
from nearfield.tokenization.cut import Cut, Cutter, room_for_text
from nearfield.tokenization.text import word_spans
from nearfield.types import IntArray

__all__ = ["Inspection", "Token", "Word", "WordStatus", "inspect", "word_table"]

# Marks that stand for a space before a word; alone they are no fragment of it.
_SPACE_MARKS = frozenset({"▁", "Ġ", "▁▁", "Ċ"})


class WordStatus(StrEnum):
    """How a vocabulary covers a word.

    ``whole``: the word is one entry. ``split``: it is out of vocabulary, but known pieces (or
    bytes) spell it. ``unknown``: some of it became the unknown token, or no token at all, and
    the model cannot see what stood there.
    """

    WHOLE = "whole"
    SPLIT = "split"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a text.

    Attributes
    ----------
    text : str
        As the vocabulary spells it.
    id : int
        Number in the vocabulary; -1 for a word that a word list does not hold.
    start, end : int
        Character offsets, half open; 0, 0 for special tokens.
    special : bool
        Whether the model's template added it.
    unknown : bool
        Whether it stands for something that the vocabulary cannot spell.
    read : bool
        False when the limit cuts it off.
    """

    text: str
    id: int
    start: int
    end: int
    special: bool
    unknown: bool
    read: bool


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text and what became of it.

    Attributes
    ----------
    text : str
        The word as it stands in the text.
    start, end : int
        Character offsets, half open.
    fragments : tuple of Token
        Tokens that cover some of it, in order.
    status : WordStatus
        Whole, split or unknown.
    coverage : float
        Share of its characters that known tokens cover, 0 to 1.
    """

    text: str
    start: int
    end: int
    fragments: tuple[Token, ...]
    status: WordStatus
    coverage: float


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a vocabulary makes of one text.

    Attributes
    ----------
    text : str
        The text itself.
    tokens : tuple of Token
        Every token, special ones included.
    words : tuple of Word
        Runs of letters, marks and digits of any script, divided further where the tokenizer's
        own pre-tokenisation divides them (Chinese characters in BERT, for one). A list of words
        keeps together what its rules keep together, such as ``e-mail``.
    max_tokens : int or None
        The limit that was asked about, special tokens included.
    read_end : int
        Character offset at which the model stops reading; ``len(text)`` when nothing is cut.
    """

    text: str
    tokens: tuple[Token, ...]
    words: tuple[Word, ...]
    max_tokens: int | None
    read_end: int

    @property
    def truncated(self) -> bool:
        """Whether the limit cuts any token off."""
        return not all(token.read for token in self.tokens)

    @property
    def cut_text(self) -> str:
        """The part of the text that the model does not read."""
        return self.text[self.read_end :]

    @property
    def out_of_vocabulary(self) -> tuple[Word, ...]:
        """Words that are not one entry of the vocabulary: split and unknown ones."""
        return tuple(word for word in self.words if word.status is not WordStatus.WHOLE)

    @property
    def fertility(self) -> float:
        """Tokens a word, 1 at best; 0 for a text without words."""
        if not self.words:
            return 0.0
        return sum(len(word.fragments) for word in self.words) / len(self.words)

    @property
    def coverage(self) -> float:
        """Share of the words' characters that known tokens cover, 0 to 1; 1 without words."""
        characters = sum(word.end - word.start for word in self.words)
        if not characters:
            return 1.0
        return sum(word.coverage * (word.end - word.start) for word in self.words) / characters


def inspect(tokenizer: Cutter, text: str, *, max_tokens: int | None = None) -> Inspection:
    """Show what a vocabulary makes of a text.

    Parameters
    ----------
    tokenizer : SubwordTokenizer or WordTokenizer
        The vocabulary.
    text : str
        Any text; may be empty.
    max_tokens : int, optional
        Show what this limit, special tokens included, would cut off.

    Returns
    -------
    Inspection

    Raises
    ------
    InputError
        `text` is not a string, or the limit leaves no room for a single token.

    Examples
    --------
    >>> from nearfield.tokenization import WordTokenizer
    >>> seen = inspect(WordTokenizer(["warm", "parka"]), "Warm parka, anorak", max_tokens=2)
    >>> [(word.text, str(word.status)) for word in seen.words]
    [('Warm', 'whole'), ('parka', 'whole'), ('anorak', 'unknown')]
    >>> seen.cut_text
    ', anorak'
    """
    if not isinstance(text, str):
        raise InputError(f"expected one text, got {type(text).__name__}")
    cut = tokenizer.cut(text)
    read, read_end = _reading(cut, len(text), max_tokens)
    unknown = _unknown(cut, tokenizer.unknown_id)
    tokens = tuple(
        Token(token, int(i), int(start), int(end), bool(special), bool(lost), bool(kept))
        for token, i, (start, end), special, lost, kept in zip(
            cut.tokens, cut.ids, cut.spans, cut.special, unknown, read, strict=True
        )
    )
    table = word_table(text, cut, tokenizer.unknown_id)
    words = tuple(_word(text, tokens, table, row) for row in range(len(table.spans)))
    return Inspection(text, tokens, words, max_tokens, read_end)


@dataclass(frozen=True, slots=True)
class WordTable:
    """Words of one text as columns, one row a word.

    Attributes
    ----------
    spans : ndarray of int64, shape (words, 2)
        Character offsets.
    fragments : ndarray of int64, shape (fragments,)
        Positions of tokens in the cut that are fragments of some word, in order.
    first, last : ndarray of int64, shape (words,)
        Half-open range of each word in `fragments`.
    split, unknown : ndarray of bool, shape (words,)
        Not one entry of the vocabulary, although known; not wholly known.
    covered : ndarray of int64, shape (words,)
        Characters that known tokens cover.
    """

    spans: IntArray
    fragments: IntArray
    first: IntArray
    last: IntArray
    split: npt.NDArray[np.bool_]
    unknown: npt.NDArray[np.bool_]
    covered: IntArray


def word_table(text: str, cut: Cut, unknown_id: int | None) -> WordTable:
    """Relate the words of a text to its tokens, without a Python loop over either."""
    wide = cut.spans[:, 1] > cut.spans[:, 0]
    marks = np.fromiter((token in _SPACE_MARKS for token in cut.tokens), np.bool_, len(wide))
    fragments = np.flatnonzero(wide & ~marks & ~cut.special)
    starts, ends = cut.spans[fragments, 0], cut.spans[fragments, 1]
    spans = cut.words
    if spans is None:
        spans = _divide(word_spans(text), starts, cut.groups[fragments])
    first = np.searchsorted(ends, spans[:, 0], side="right")
    last = np.maximum(first, np.searchsorted(starts, spans[:, 1], side="left"))
    lost = _unknown(cut, unknown_id)[fragments]
    losses = _running(lost)
    edges = np.zeros(len(text) + 1, dtype=np.int64)
    np.add.at(edges, starts[~lost], 1)
    np.add.at(edges, ends[~lost], -1)
    known_characters = _running(np.cumsum(edges)[:-1] > 0)
    covered = known_characters[spans[:, 1]] - known_characters[spans[:, 0]]
    unknown = (losses[last] > losses[first]) | (last == first)
    return WordTable(
        spans=spans,
        fragments=fragments,
        first=first,
        last=last,
        split=(last - first > 1) & ~unknown,
        unknown=unknown,
        covered=covered,
    )


def _word(text: str, tokens: tuple[Token, ...], table: WordTable, row: int) -> Word:
    start, end = (int(offset) for offset in table.spans[row])
    own = table.fragments[table.first[row] : table.last[row]]
    status = WordStatus.SPLIT if table.split[row] else WordStatus.WHOLE
    return Word(
        text=text[start:end],
        start=start,
        end=end,
        fragments=tuple(tokens[i] for i in own),
        status=WordStatus.UNKNOWN if table.unknown[row] else status,
        coverage=float(table.covered[row] / (end - start)),
    )


def _divide(words: IntArray, starts: IntArray, groups: IntArray) -> IntArray:
    """Cut words where the tokenizer begins another pre-token inside of them."""
    borders = np.unique(starts[1:][groups[1:] != groups[:-1]])
    at = np.searchsorted(words[:, 0], borders, side="left") - 1
    borders, at = borders[at >= 0], at[at >= 0]
    inner = borders[borders < words[at, 1]]
    return np.stack(
        [np.sort(np.append(words[:, 0], inner)), np.sort(np.append(words[:, 1], inner))], axis=1
    )


def _unknown(cut: Cut, unknown_id: int | None) -> npt.NDArray[np.bool_]:
    if unknown_id is None:
        return np.zeros(len(cut.ids), dtype=np.bool_)
    lost: npt.NDArray[np.bool_] = (cut.ids == unknown_id) & ~cut.special
    return lost


def _running(flags: npt.NDArray[np.bool_]) -> IntArray:
    return np.concatenate([[0], np.cumsum(flags, dtype=np.int64)])


def _reading(cut: Cut, length: int, max_tokens: int | None) -> tuple[npt.NDArray[np.bool_], int]:
    """Which tokens the limit leaves, and the character offset where reading stops."""
    read = np.ones(len(cut.ids), dtype=np.bool_)
    room = room_for_text(max_tokens, int(cut.special.sum()))
    own = np.flatnonzero(~cut.special)
    if room is None or len(own) <= room:
        return read, length
    gone = own[room:]
    read[gone] = False
    # A character whose bytes are spread over kept and cut tokens is not read as itself.
    return read, min(int(cut.spans[gone[0], 0]), length)
