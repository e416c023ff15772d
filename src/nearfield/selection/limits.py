"""What a pipeline may take at most, as a person writes it: ``2GB``, ``20ms``, ``10m``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nearfield.errors import InputError

__all__ = ["Limits", "bytes_of", "seconds_of"]

_BYTES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
          "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}  # fmt: skip
_SECONDS = {"": 1.0, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_FORM = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits that a candidate must not break.

    Attributes
    ----------
    memory : int or None
        Bytes of model and index together.
    latency : float or None
        Seconds from a question to its hits.
    money : float
        US dollars that hosted models may cost in an experiment.
    """

    memory: int | None = None
    latency: float | None = None
    money: float = 0.0

    def broken(self, seconds: float, memory: int) -> str:
        """Which limit is broken, with both values; empty where none is."""
        if self.memory is not None and memory > self.memory:
            return (
                f"takes {memory / 1e6:,.0f} MB of memory, the limit is {self.memory / 1e6:,.0f} MB"
            )
        if self.latency is not None and seconds > self.latency:
            return (
                f"takes {seconds * 1e3:.1f} ms a question, the limit is {self.latency * 1e3:g} ms"
            )
        return ""


def bytes_of(text: str) -> int:
    """Read a size.

    Examples
    --------
    >>> bytes_of("2GB"), bytes_of("512 MiB")
    (2000000000, 536870912)
    """
    number, unit = _parts(text, "a size such as 2GB")
    if unit.upper() not in _BYTES:
        raise InputError(f"{text!r} is no size: expected a unit of B, kB, MB, GB, TB, MiB, GiB")
    return int(number * _BYTES[unit.upper()])


def seconds_of(text: str) -> float:
    """Read a duration.

    Examples
    --------
    >>> seconds_of("10m"), seconds_of("20ms"), seconds_of("90")
    (600.0, 0.02, 90.0)
    """
    number, unit = _parts(text, "a duration such as 10m or 20ms")
    if unit.lower() not in _SECONDS:
        raise InputError(f"{text!r} is no duration: expected a unit of us, ms, s, m, h")
    return number * _SECONDS[unit.lower()]


def _parts(text: str, wanted: str) -> tuple[float, str]:
    match = _FORM.fullmatch(text.strip())
    if match is None or float(match[1]) <= 0:
        raise InputError(f"{text!r} is not {wanted}")
    return float(match[1]), match[2]
