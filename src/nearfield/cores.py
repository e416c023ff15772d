"""How many cores there are to use."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["idle_cores", "usable_cores"]

_RUNNING = Path("/proc/loadavg")
_LOOKS = 5
_SECONDS_BETWEEN = 0.01


def usable_cores() -> int:
    """Cores that this process may use, which in a container are fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def idle_cores() -> int:
    """Usable cores that no other program keeps busy just now, at least 1.

    The system's load average would tell of work that ended up to a minute ago, so on Linux the
    threads that want to run are counted, several times within a few hundredths of a second; the
    least count is what stays busy.
    """
    return max(1, usable_cores() - _running())


def _running() -> int:
    """Threads besides this one that run or want to."""
    with suppress(OSError, ValueError, IndexError):
        counts = []
        for look in range(_LOOKS):
            if look:
                time.sleep(_SECONDS_BETWEEN)
            fields = _RUNNING.read_text(encoding="ascii").split()
            counts.append(int(fields[3].split("/")[0]) - 1)
        return max(0, min(counts))
    return int(os.getloadavg()[0]) if hasattr(os, "getloadavg") else 0
