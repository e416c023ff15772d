"""Words inside words: "Versicherung" finds "Krankenversicherungskarte", and the other way round.

No dictionary of a language is needed: the collection's own vocabulary is. A word of at least four
letters also stands for the longer terms that contain it, in a clause of its own with less weight.
That is done for every word in languages that write compounds as one word; elsewhere for words
that are in few texts, where a rare spelling or ending would otherwise cost all results and where
longer words by chance cannot crowd out many. A word that is in no text is also cut into words that
are, with linking letters in between.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from nearfield.lexical.characters import letters_only
from nearfield.lexical.segment import Packed, Segment

__all__ = ["RARE", "WEIGHT", "may_be_part", "split", "wider"]

WEIGHT = 0.1
"""Weight of a clause of longer terms, and of parts, relative to the word itself."""

RARE = 10
"""Words in fewer texts are looked for inside others whatever the language."""

_SHORTEST = 4
_REST = 3  # letters that must be left before the part; endings may be shorter
_LINKS = ("", "s", "es", "n", "en", "er", "e")


def may_be_part(term: str) -> bool:
    """Whether a term is looked for inside others."""
    return len(term) >= _SHORTEST and letters_only(term)


def wider(segment: Segment, term: str) -> list[Packed]:
    """Terms that contain a term at their beginning, or after at least three other letters."""
    found = []
    for rank in segment.keys.with_part(term.encode()):
        key = segment.keys.key(rank).decode("utf-8", "replace")
        apart = key.startswith(term) or key.rfind(term) >= _REST
        if apart and key != term and letters_only(key):
            found.append(segment.packed(rank))
    return found


def split(word: str, stem: Callable[[str], str], known: Callable[[str], bool]) -> tuple[str, ...]:
    """Cut a word into known words.

    Parameters
    ----------
    word : str
        Folded.
    stem : callable
    known : callable
        Whether a term is in the collection.

    Returns
    -------
    tuple of str
        Terms of the fewest parts that make up the whole word; empty where there are none.

    Examples
    --------
    >>> split("versicherungskarte", str, {"versicherung", "karte"}.__contains__)
    ('versicherung', 'karte')
    """

    @cache
    def rest(begin: int) -> tuple[str, ...] | None:
        if begin == len(word):
            return ()
        best: tuple[str, ...] | None = None
        for end in range(begin + _SHORTEST, len(word) + 1):
            if end - begin == len(word):
                break
            term = _known_part(word[begin:end], stem, known, last=end == len(word))
            after = rest(end) if term else None
            if term and after is not None and (best is None or len(after) + 1 < len(best)):
                best = (term, *after)
        return best

    return rest(0) or ()


def _known_part(
    piece: str, stem: Callable[[str], str], known: Callable[[str], bool], *, last: bool
) -> str:
    for link in ("",) if last else _LINKS:
        if piece.endswith(link) and len(piece) - len(link) >= _SHORTEST:
            term = stem(piece.removesuffix(link))
            if known(term):
                return term
    return ""
