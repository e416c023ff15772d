"""Vectors of many texts, a slice at a time, so that time that is up is noticed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from nearfield.protocols import Encoder
from nearfield.selection.budget import Budget
from nearfield.selection.counting import Counted
from nearfield.types import BatchReport, FloatArray, Role

__all__ = ["embed"]

_FEWEST, _MOST = 8, 2048
_SLICE_SECONDS = 1.0
"""What a slice should take: the most that a budget is overrun by."""


def embed(
    encoder: Encoder,
    texts: Sequence[str],
    budget: Budget,
    counted: Counted,
    progress: Callable[[int, int], None] | None = None,
) -> FloatArray:
    """Embed documents, looking at the clock about once a second.

    Parameters
    ----------
    encoder : Encoder
        Behind a cache, which keeps every slice.
    texts : sequence of str
    budget : Budget
    counted : Counted
        The model itself. What the cache has costs nothing and must not make slices longer.
    progress : callable of (done, all), optional

    Returns
    -------
    ndarray of float32, shape (len(texts), dimension)

    Raises
    ------
    OutOfTime
        Between two slices; the vectors of those before are in the cache.
    """
    vectors = np.empty((len(texts), encoder.card.dimension), dtype=np.float32)
    done, size = 0, 2 * _FEWEST
    while done < len(texts):
        budget.look(f"{done:,} of {len(texts):,} passages were embedded, and are kept")
        part = texts[done : done + size]
        before, begun = counted.texts, counted.seconds
        vectors[done : done + len(part)] = encoder.encode(
            part, role=Role.DOCUMENT, observe=_counted_elsewhere
        )
        passed, new = counted.seconds - begun, counted.texts - before
        if new and passed > 0:
            fitting = _SLICE_SECONDS * new / passed
            size = int(min(max(fitting, _FEWEST), 2 * size, _MOST))
        done += len(part)
        if progress is not None:
            progress(done, len(texts))
    return vectors


def _counted_elsewhere(_: BatchReport) -> None:
    """The model itself counts what is cut; see :class:`nearfield.selection.counting.Counted`."""
