"""Where and with what an experiment was made: enough to make it again."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import nearfield
from nearfield.cores import usable_cores
from nearfield.selection.data import Source
from nearfield.selection.pipeline import Pipeline
from nearfield.selection.request import Request
from nearfield.selection.workshop import Workshop

__all__ = ["describe"]

_PACKAGES = ("numpy", "onnxruntime", "openvino", "tokenizers")


def describe(
    request: Request, source: Source, pipelines: Sequence[Pipeline], workshop: Workshop
) -> dict[str, str]:
    """Names and values, in the order to show them."""
    found = {
        "command": request.command,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": str(request.seed),
        "nearfield": nearfield.__version__,
        "python": platform.python_version(),
    }
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    found["system"] = f"{platform.system()} {platform.machine()}"
    found["processor"] = f"{_processor()}, {usable_cores()} cores"
    memory = _memory()
    if memory:
        found["memory"] = f"{memory / 1e9:.0f} GB"
    found["documents (SHA-256)"] = source.digest
    names = dict.fromkeys((each.model.name, each.model.precision) for each in pipelines)
    for key in names:
        model = workshop.models.get(key)
        if model is not None:
            card = model.card
            found[f"model {key[0]}"] = f"{card.fingerprint} ({card.precision}, {card.runtime})"
    return {name: value for name, value in found.items() if value}


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory() -> int:
    if sys.platform == "win32":
        return 0
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0
