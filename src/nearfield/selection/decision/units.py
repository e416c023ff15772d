"""Figures, times and sizes as records write them."""

from __future__ import annotations

from math import isnan

__all__ = ["signed", "size", "time_text"]


def time_text(seconds: float) -> str:
    """A latency.

    Examples
    --------
    >>> time_text(0.00123), time_text(0.045), time_text(2.5)
    ('1.2 ms', '45 ms', '2.5 s')
    """
    if isnan(seconds):
        return "–"
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1e3:.1f} ms" if seconds < 0.01 else f"{seconds * 1e3:.0f} ms"


def size(value: float) -> str:
    """Bytes.

    Examples
    --------
    >>> size(90_868_376)
    '91 MB'
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= factor:
            number = value / factor
            return f"{number:.1f} {unit}" if number < 10 else f"{number:.0f} {unit}"
    return f"{value:.0f} B"


def signed(value: float) -> str:
    """A difference, with its sign.

    Examples
    --------
    >>> signed(0.0123), signed(-0.5)
    ('+0.012', '−0.500')
    """
    return f"{value:+.3f}".replace("-", "−")
