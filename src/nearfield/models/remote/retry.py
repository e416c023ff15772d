"""When a request is sent again, and how long to wait before.

Waits are drawn evenly between nothing and a limit that doubles ("full jitter"), so that clients
that failed together do not come back together (Brooker 2015, "Exponential Backoff And Jitter").
"""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["RetryPolicy", "is_passing", "retry_after"]

_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_FINAL_WORDS = (
    "insufficient_quota",
    "billing_hard_limit_reached",
    "credit balance is too low",
    "too large to process",  # llama.cpp's server, with status 500
)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently.

    Attributes
    ----------
    attempts : int
        Most times that a request is sent.
    first, most : float
        Seconds up to which the first wait is drawn, and the longest wait that is drawn.
    patience : float
        Longest wait in seconds that a server may ask for; beyond it the request fails.
    """

    attempts: int = 6
    first: float = 0.5
    most: float = 30.0
    patience: float = 120.0

    def wait(self, failures: int, asked: float | None, draw: float | None = None) -> float:
        """Seconds to wait after so many failures.

        Parameters
        ----------
        failures : int
            At least 1.
        asked : float or None
            What the server asked for; never undercut.
        draw : float, optional
            A number in [0, 1) instead of a random one.

        Examples
        --------
        >>> RetryPolicy().wait(3, None, draw=0.5), RetryPolicy().wait(1, 7.0, draw=0.5)
        (1.0, 7.25)
        """
        share = random.random() if draw is None else draw
        jitter: float = share * min(self.most, self.first * 2.0 ** (failures - 1))
        return jitter if asked is None else asked + jitter


def is_passing(status: int, text: str) -> bool:
    """Whether a status is worth another try; a used-up quota answers 429 and is not.

    Examples
    --------
    >>> is_passing(429, ""), is_passing(400, ""), is_passing(429, '"code":"insufficient_quota"')
    (True, False, False)
    """
    return status in _PASSING and not any(word in text for word in _FINAL_WORDS)


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds that a server asks to wait (RFC 9110, 10.2.3), or None.

    Parameters
    ----------
    headers : mapping
        With names in lower case; ``retry-after-ms`` is understood as well.
    now : float, optional
        Seconds since 1970.

    Examples
    --------
    >>> retry_after({"retry-after": "2"}), retry_after({"retry-after-ms": "250"})
    (2.0, 0.25)
    >>> retry_after({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, now=50.0)
    10.0
    """
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) * unit
        except ValueError:
            try:
                date = email.utils.parsedate_to_datetime(value)
            except (ValueError, TypeError):
                continue
            seconds = date.timestamp() - (time.time() if now is None else now)
        if seconds == seconds and seconds != float("inf"):  # noqa: PLR0124 - NaN is not itself
            return max(seconds, 0.0)
    return None
