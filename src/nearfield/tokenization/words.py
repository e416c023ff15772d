"""Word vocabularies: the plain lists of words that GloVe and word2vec come with.

Such a list says nothing about how texts are cut, so the rules are here. A text is cut into runs
of letters, marks and digits, which single joiners (``. , ' - _ / & @ :``) hold together, and into
single signs. A run that the list does not hold as it is (``don't``) is cut further, the way the
Penn Treebank does it, on which GloVe's own list stands (``do`` + ``n't``), and at last at its
joiners (``parka-like`` → ``parka`` + ``like``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from itertools import repeat

import numpy as np

from nearfield.tokenization.cut import Cut, Prepared, room_for_text
from nearfield.tokenization.text import check_texts, marks, well_formed
from nearfield.types import IntArray

__all__ = ["WordTokenizer"]

# Raise it when the rules below cut any text otherwise: old and new vectors must not mix.
_RULES = 1
_UNKNOWN = -1
_CLITIC = re.compile(r"(?i)(n['’]t|['’](?:s|re|ve|ll|d|m))$")


class WordTokenizer:
    """Cuts texts into the words of a list.

    Parameters
    ----------
    words : sequence of str
        The list; a word's place is its id. Where a word occurs twice the first place counts.

    Examples
    --------
    >>> tokenizer = WordTokenizer(["king", "do", "n't", "."])
    >>> tokenizer.tokens("Kings don't.")
    ['kings', 'do', "n't", '.']
    >>> tokenizer.prepare(["Kings don't."]).ids[0].tolist()
    [-1, 1, 2, 3]
    """

    unknown_id = _UNKNOWN

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words

    def __repr__(self) -> str:
        return f"WordTokenizer({self.vocabulary_size} words)"

    @property
    def vocabulary_size(self) -> int:
        """Number of words in the list."""
        return len(self.words)

    @cached_property
    def lower(self) -> bool:
        """Whether texts are lower-cased: the list holds no word in capitals."""
        text = "\n".join(self.words)
        return text == text.lower()

    @cached_property
    def index(self) -> Mapping[str, int]:
        """The id of each word."""
        count = len(self.words)
        ids = dict(zip(self.words, range(count), strict=True))
        if len(ids) < count:
            ids = dict(zip(reversed(self.words), range(count - 1, -1, -1), strict=True))
        return ids

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) of the list and of the rules that cut texts."""
        text = f"words {_RULES}\n" + "\n".join(self.words)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def word_id(self, word: str) -> int:
        """Id of exactly this word, else of it in lower case, else -1."""
        found = self.index.get(word)
        if found is None and self.lower:
            found = self.index.get(word.lower())
        return _UNKNOWN if found is None else found

    def spans(self, text: str) -> IntArray:
        return self.cut(text).spans

    def tokens(self, text: str) -> list[str]:
        """Words as they are looked up; those that the list does not hold are among them."""
        return self.cut(text).tokens

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in self._ids(check_texts(texts))]

    def prepare(
        self, texts: Sequence[str], *, max_tokens: int | None = None, special: bool = True
    ) -> Prepared:
        """Cut texts into ids; -1 stands for a word that the list does not hold.

        Parameters
        ----------
        texts : sequence of str
            May be empty, may hold empty strings.
        max_tokens : int, optional
            Longest result; None keeps everything.
        special : bool
            Without effect: a list of words has no special tokens.

        Returns
        -------
        Prepared
        """
        room = room_for_text(max_tokens, 0)
        ids: list[IntArray] = []
        truncated: list[int] = []
        empty: list[int] = []
        for position, own in enumerate(self._ids(check_texts(texts))):
            if not own:
                empty.append(position)
            if room is not None and len(own) > room:
                truncated.append(position)
            ids.append(np.array(own[:room], dtype=np.int64))
        return Prepared(ids, tuple(truncated), tuple(empty))

    def cut(self, text: str) -> Cut:
        """Cut one text in full detail."""
        tokens: list[str] = []
        ids: list[int] = []
        spans: list[tuple[int, int]] = []
        groups: list[int] = []
        words: list[tuple[int, int]] = []
        for group, match in enumerate(_pattern().finditer(well_formed(text))):
            start = match.start()
            if _part().search(match.group()):
                words.append(match.span())
            for a, b, piece in self._pieces(match.group()):
                tokens.append(piece)
                ids.append(self.index.get(piece, _UNKNOWN))
                spans.append((start + a, start + b))
                groups.append(group)
        return Cut(
            tokens=tokens,
            ids=np.array(ids, dtype=np.int64),
            spans=np.array(spans, dtype=np.int64).reshape(-1, 2),
            special=np.zeros(len(ids), dtype=np.bool_),
            groups=np.array(groups, dtype=np.int64),
            words=np.array(words, dtype=np.int64).reshape(-1, 2),
        )

    def _ids(self, texts: Sequence[str]) -> Iterator[list[int]]:
        # Most words are hits and pass through two C loops; only misses are looked at one by one.
        pattern, index, lower = _pattern(), self.index, self.lower
        for text in texts:
            words = pattern.findall(text)
            if lower:
                words = list(map(str.lower, words))
            ids = list(map(index.get, words, repeat(_UNKNOWN)))
            if _UNKNOWN in ids:
                ids = [
                    i
                    for word, known in zip(words, ids, strict=True)
                    for i in ([known] if known != _UNKNOWN else self._piece_ids(word))
                ]
            yield ids

    def _piece_ids(self, word: str) -> list[int]:
        return [self.index.get(piece, _UNKNOWN) for _, _, piece in self._pieces(word)]

    def _pieces(self, word: str) -> list[tuple[int, int, str]]:
        """Cut a run further where the list does not hold it: (start, end, as looked up)."""
        whole = self._spelling(word)
        if whole in self.index:
            return [(0, len(word), whole)]
        clitic = _CLITIC.search(word)
        if clitic and clitic.start() > 0:
            head, tail = word[: clitic.start()], self._spelling(clitic.group())
            if tail in self.index:
                return [*self._parts(head), (len(head), len(word), tail)]
        return self._parts(word)

    def _parts(self, word: str) -> list[tuple[int, int, str]]:
        whole = (0, len(word), self._spelling(word))
        if whole[2] in self.index:
            return [whole]
        parts = [(*match.span(), self._spelling(match.group())) for match in _part().finditer(word)]
        return parts or [whole]

    def _spelling(self, word: str) -> str:
        """The form under which the list may hold a word."""
        spelled = word.lower() if self.lower else word
        if spelled not in self.index:
            straight = spelled.replace("’", "'")
            if straight in self.index:
                return straight
        return spelled


@cache
def _pattern() -> re.Pattern[str]:
    run = rf"\w[\w{marks()}]*"
    return re.compile(
        r"(?:[^\W\d_]\.){2,}(?!\w)"  # U.S., a.m.
        rf"|{run}(?:[.,:/&@'’\-]{run})*"
        r"|\.{2,}|-{2,}|[^\w\s]"
    )


@cache
def _part() -> re.Pattern[str]:
    return re.compile(rf"[^\W_](?:[^\W_]|[{marks()}])*")
