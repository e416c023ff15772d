"""How many requests are under way at once: as many as the server takes without complaint.

Additive increase, multiplicative decrease (Chiu and Jain 1989): every success raises the limit a
little, every "too many" halves it, and all requests wait as long as the server asks.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

__all__ = ["Pace", "duration"]

_PART = re.compile(r"(?P<value>[0-9]+(?:\.[0-9]+)?)(?P<unit>ms|s|m|h|d)")
_UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_KINDS = ("requests", "tokens")
_LONGEST_PAUSE = 60.0


class Pace:
    """Admits requests; shared by all threads that talk to one server.

    Parameters
    ----------
    start, most : int
        Requests at once, in the beginning and at most.
    clock : callable
        Seconds of a steady clock.
    """

    def __init__(
        self, start: int = 4, most: int = 16, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.most = most
        self._limit = float(start)
        self._under_way = 0
        self._resume = float("-inf")
        self._clock = clock
        self._changed = threading.Condition()

    @property
    def limit(self) -> int:
        """Requests that may be under way now, at least 1."""
        return max(1, int(self._limit))

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for a place among the requests under way, and hold it."""
        with self._changed:
            while True:
                pause = self._resume - self._clock()
                if pause <= 0 and self._under_way < self.limit:
                    break
                self._changed.wait(pause if pause > 0 else None)
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def went_well(self, headers: Mapping[str, str]) -> None:
        """Take a success into account, and what its headers say is left of the rate limits."""
        with self._changed:
            self._limit = min(self.most, self._limit + 1.0 / self._limit)
            self._pause(_exhausted(headers))
            self._changed.notify_all()

    def was_too_fast(self, asked: float | None) -> None:
        """Halve the limit after a 429 and hold everything back for the seconds asked for."""
        with self._changed:
            self._limit = max(1.0, self._limit / 2.0)
            self._pause(asked)
            self._changed.notify_all()

    def _pause(self, seconds: float | None) -> None:
        if seconds is not None:
            self._resume = max(self._resume, self._clock() + seconds)


def _exhausted(headers: Mapping[str, str]) -> float | None:
    """Seconds until a used-up rate limit is filled again, by the ``x-ratelimit-*`` headers."""
    waits = []
    for kind in _KINDS:
        if headers.get(f"x-ratelimit-remaining-{kind}") == "0":
            reset = duration(headers.get(f"x-ratelimit-reset-{kind}", ""))
            if reset is not None:
                waits.append(min(reset, _LONGEST_PAUSE))
    return max(waits, default=None)


def duration(text: str) -> float | None:
    """Seconds of a duration as rate limit headers write it, or None.

    Examples
    --------
    >>> duration("6m0s"), duration("20ms"), duration("1.5"), duration("soon")
    (360.0, 0.02, 1.5, None)
    """
    parts = list(_PART.finditer(text))
    if parts and "".join(part.group() for part in parts) == text:
        return sum(float(part["value"]) * _UNITS[part["unit"]] for part in parts)
    return float(text) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) else None
