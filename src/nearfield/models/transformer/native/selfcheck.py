"""What a kernel's check found, remembered for this machine.

The check itself is ``nf_kernel_check``: some milliseconds, in a child process. Its result is kept
in the cache folder under the library's build, the processor and the system, any of which may
change what a kernel does. A missing, damaged or unwritable note means that the check runs again.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nearfield.paths import cache_dir

__all__ = ["remembered"]


def remembered(subject: str, check: Callable[[], str]) -> str:
    """Return what `check` found about a subject on this machine, now or an earlier time.

    Parameters
    ----------
    subject : str
        Library and kernel.
    check : callable
        Returns the fault, or nothing.
    """
    key = hashlib.sha256(f"{subject}|{_machine()}".encode()).hexdigest()[:32]
    note = cache_dir() / "kernels" / f"{key}.json"
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = None
    if isinstance(known, dict) and isinstance(known.get("fault"), str):
        return str(known["fault"])
    found = check()
    draft = note.with_name(f"{note.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps({"subject": subject, "fault": found}), encoding="utf-8")
        draft.replace(note)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return found


def _machine() -> str:
    """Processor and system, as far as they are known without asking other programs."""
    system = os.uname()
    return f"{system.sysname} {system.release} {system.machine} {_processor()}"


def _processor() -> str:
    """Model and features of the first core; a long read would list all of them."""
    try:
        with Path("/proc/cpuinfo").open("rb", buffering=0) as file:
            first = file.read(4096).decode("ascii", errors="replace").split("\n\n")[0]
    except OSError:
        return platform.processor()
    return "|".join(
        line.partition(":")[2].strip()
        for line in first.splitlines()
        if line.startswith(("vendor_id", "cpu family", "model", "stepping", "microcode", "flags"))
    )
