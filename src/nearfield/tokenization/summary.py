"""What a vocabulary makes of many texts, in one table: lengths, truncation, unknown words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nearfield.tokenization.cut import Cutter, room_for_text
from nearfield.tokenization.inspection import word_table
from nearfield.tokenization.text import check_texts

__all__ = ["Summary", "summarise"]

_PERCENTILES = (0, 50, 90, 99, 100)


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts over many texts.

    Attributes
    ----------
    texts : int
        How many texts there are.
    tokens : int
        Tokens of all texts before truncation, special tokens included.
    lengths : dict of int to int
        Tokens a text, special tokens included, at percentiles 0 (shortest), 50, 90, 99 and
        100 (longest); each is the length of a text that occurs. Empty without texts.
    max_tokens : int or None
        The limit that was asked about.
    truncated : int
        Texts that are longer than the limit.
    cut_tokens : int
        Tokens that the limit cuts off, over all texts.
    empty : int
        Texts without a token of their own.
    words : int
        Words of all texts.
    split_words : int
        Words that are out of vocabulary but spelled by known pieces.
    unknown_words : int
        Words that are not wholly known.
    fragments : int
        Tokens of all words.
    """

    texts: int
    tokens: int
    lengths: dict[int, int]
    max_tokens: int | None
    truncated: int
    cut_tokens: int
    empty: int
    words: int
    split_words: int
    unknown_words: int
    fragments: int

    @property
    def truncated_share(self) -> float:
        """Share of texts that are cut, 0 to 1."""
        return self.truncated / self.texts if self.texts else 0.0

    @property
    def out_of_vocabulary_rate(self) -> float:
        """Share of words that are not one entry of the vocabulary, 0 to 1."""
        return (self.split_words + self.unknown_words) / self.words if self.words else 0.0

    @property
    def unknown_rate(self) -> float:
        """Share of words that are not wholly known, 0 to 1."""
        return self.unknown_words / self.words if self.words else 0.0

    @property
    def fertility(self) -> float:
        """Tokens a word, 1 at best; 0 without words."""
        return self.fragments / self.words if self.words else 0.0


def summarise(tokenizer: Cutter, texts: Sequence[str], *, max_tokens: int | None = None) -> Summary:
    """Count what a vocabulary makes of many texts.

    Parameters
    ----------
    tokenizer : SubwordTokenizer or WordTokenizer
        The vocabulary.
    texts : sequence of str
        May be empty.
    max_tokens : int, optional
        Count what this limit, special tokens included, would cut off.

    Returns
    -------
    Summary

    Raises
    ------
    InputError
        A bare string, something that is not text, or a limit without room for any token.

    Examples
    --------
    >>> from nearfield.tokenization import WordTokenizer
    >>> seen = summarise(WordTokenizer(["warm", "parka"]), ["warm parka", "anorak"], max_tokens=1)
    >>> seen.truncated_share, round(seen.unknown_rate, 2), seen.lengths[100]
    (0.5, 0.33, 2)
    """
    lengths: list[int] = []
    truncated = cut_tokens = empty = words = split = unknown = fragments = 0
    for text in check_texts(texts):
        cut = tokenizer.cut(text)
        special = int(cut.special.sum())
        own = len(cut.ids) - special
        lengths.append(own + special)
        room = room_for_text(max_tokens, special)
        lost = 0 if room is None else max(0, own - room)
        truncated += lost > 0
        cut_tokens += lost
        empty += own == 0
        table = word_table(text, cut, tokenizer.unknown_id)
        words += len(table.spans)
        split += int(table.split.sum())
        unknown += int(table.unknown.sum())
        fragments += int((table.last - table.first).sum())
    return Summary(
        texts=len(lengths),
        tokens=sum(lengths),
        lengths=_percentiles(lengths),
        max_tokens=max_tokens,
        truncated=truncated,
        cut_tokens=cut_tokens,
        empty=empty,
        words=words,
        split_words=split,
        unknown_words=unknown,
        fragments=fragments,
    )


def _percentiles(lengths: list[int]) -> dict[int, int]:
    if not lengths:
        return {}
    values = np.percentile(lengths, _PERCENTILES, method="inverted_cdf")
    return dict(zip(_PERCENTILES, map(int, values), strict=True))
