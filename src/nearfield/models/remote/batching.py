"""Texts into requests: as many as the provider takes at once, long ones alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nearfield.models.remote.hosted_models import Limits
from nearfield.models.remote.tokens import OVERHEAD, TOKENIZER, cut, most_tokens

__all__ = ["Part", "parts"]

_FILL = 0.8
"""Share of a request's token limit that estimates may fill; a refused request is halved."""


@dataclass(frozen=True, slots=True)
class Part:
    """What goes into one request.

    Attributes
    ----------
    positions : tuple of int
        Places in the job's texts.
    texts : tuple of str
    cut : bool
        The one text lost its tail already.
    risky : bool
        The one text may be longer than the model reads.
    """

    positions: tuple[int, ...]
    texts: tuple[str, ...]
    cut: bool = False
    risky: bool = False


def parts(
    texts: Sequence[str], positions: Sequence[int], limits: Limits, max_tokens: int | None
) -> Iterator[Part]:
    """Cut a job into requests.

    A text that certainly fits, by its bytes, travels in company. One that may not fit travels
    alone, cut to the limit by estimate, so that a refusal is about this text and how it is cut in
    the end depends on nothing else.

    Parameters
    ----------
    texts : sequence of str
        All texts of the job.
    positions : sequence of int
        Those to send; none of them is empty.
    limits : Limits
    max_tokens : int or None
        Longest text; None where it is not known.
    """
    batch, tokens, room = list[int](), 0, int(limits.tokens * _FILL)
    for at in positions:
        text = texts[at]
        if max_tokens is not None and most_tokens(text) + OVERHEAD > max_tokens:
            short = cut(text, max_tokens)
            yield Part((at,), (short,), cut=len(short) < len(text), risky=True)
            continue
        count = sum(TOKENIZER.count([text])) + 1
        if batch and (len(batch) >= limits.texts or tokens + count > room):
            yield _part(batch, texts)
            batch, tokens = [], 0
        batch.append(at)
        tokens += count
    if batch:
        yield _part(batch, texts)


def _part(batch: list[int], texts: Sequence[str]) -> Part:
    return Part(tuple(batch), tuple(texts[at] for at in batch))
