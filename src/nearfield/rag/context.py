"""The passages that a generator reads: as many as there is room for, in the order that helps it.

Language models use what stands at the beginning and at the end of a long context, and overlook what
stands in its middle (Liu et al. 2024, "Lost in the middle", https://aclanthology.org/2024.tacl-1.9/).
So the best passage comes first, the second best last, and the weakest stand in the middle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from nearfield.collection.asking import Order
from nearfield.documents.sentences import spans
from nearfield.rag.fence import close_mark, defused, nonce, open_mark
from nearfield.rag.passages import Passage
from nearfield.types import Chunk

__all__ = ["Context", "build", "place"]

_WIDEST = 99
"""Takes as many tokens as any passage's number."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a generator is given to answer from.

    Attributes
    ----------
    passages : tuple of Passage
        In the order of the prompt; the first is number 1.
    text : str
        All of them with their marks.
    tokens : int
        Of the text, as the generator counts them.
    left_out : dict of str to int
        ``no room``: passages; ``shortened``: passages that lost their ends.
    """

    passages: tuple[Passage, ...]
    text: str
    tokens: int
    left_out: dict[str, int] = field(default_factory=dict)


def build(
    passages: Sequence[Passage],
    count: Callable[[str], int],
    budget: int,
    *,
    order: Order = Order.ENDS,
) -> Context:
    """Take the best passages that fit and number them.

    Parameters
    ----------
    passages : sequence of Passage
        Best first.
    count : callable
        Tokens of a text, as the generator counts them.
    budget : int
        Most tokens of the whole text, marks included.
    order : Order

    Notes
    -----
    A passage that does not fit is passed over and the next, perhaps shorter one is tried. Only the
    best one is shortened, by whole sentences, so that there is something to answer from.
    """
    word = nonce([passage.text for passage in passages])
    taken: list[tuple[Passage, str]] = []
    used = shortened = 0
    for passage in passages:
        need = _need(count, word, passage, passage.text)
        if used + need > budget and not taken:
            text = _shortened(passage, partial(_need, count, word, passage), budget)
            if not text:
                continue
            shortened += 1
            taken.append((passage, text))
            used = budget
        elif used + need <= budget:
            taken.append((passage, passage.text))
            used += need
    placed = place(taken, order)
    blocks = [
        _block(number, word, passage, text)
        for number, (passage, text) in enumerate(placed, start=1)
    ]
    whole = "\n".join(blocks)
    return Context(
        tuple(passage for passage, _ in placed),
        whole,
        count(whole),
        {"no room": len(passages) - len(taken), "shortened": shortened},
    )


def place(ranked: Sequence[tuple[Passage, str]], order: Order) -> list[tuple[Passage, str]]:
    """Put passages, best first, into the order of the prompt.

    Examples
    --------
    >>> from nearfield.types import Chunk
    >>> given = [(Passage((Chunk(c, c, c, 0, 1),), n), c) for n, c in enumerate("abcde", start=1)]
    >>> "".join(text for _, text in place(given, Order.ENDS))
    'acedb'
    """
    match order:
        case Order.ENDS:
            return [*ranked[0::2], *reversed(ranked[1::2])]
        case Order.RANK:
            return list(ranked)
        case Order.DOCUMENT:
            return sorted(ranked, key=lambda pair: _position(pair[0].chunks[0]))


def _need(count: Callable[[str], int], word: str, passage: Passage, text: str) -> int:
    return count(_block(_WIDEST, word, passage, text)) + 1


def _position(chunk: Chunk) -> tuple[str, str, int]:
    return chunk.source, chunk.document_id, chunk.start


def _block(number: int, word: str, passage: Passage, text: str) -> str:
    first = passage.chunks[0]
    name = (first.source or first.document_id).replace("\\", "/").rpartition("/")[2]
    page = "" if first.page is None else f", page {first.page}"
    about = " › ".join([name + page, *first.headings])
    return f"{open_mark(number, word, about)}\n{defused(text)}\n{close_mark(number, word)}"


def _shortened(passage: Passage, need: Callable[[str], int], budget: int) -> str:
    """The longest beginning, in whole sentences, that fits; empty where not even one does."""
    text = passage.text
    low, high, ends = 0, 0, [end for _, end in spans(text)]
    high = len(ends)
    while low < high:
        middle = (low + high + 1) // 2
        if need(text[: ends[middle - 1]]) <= budget:
            low = middle
        else:
            high = middle - 1
    return text[: ends[low - 1]] if low else ""
