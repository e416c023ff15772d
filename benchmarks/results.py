"""Results on disk: one small JSON a benchmark and commit, free of the machine's paths."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.harness import REPOSITORY, Context, Json, Outcome

__all__ = ["FORMAT", "RESULTS", "commit", "hardware", "newest", "origin", "record", "save"]

FORMAT = 1
RESULTS = Path(__file__).resolve().parent / "results"

_PACKAGES = ("nearfield", "numpy", "onnxruntime", "onnx", "tokenizers")
_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_int8", "amx_bf16")


def origin() -> dict[str, Json]:
    """Where and when a benchmark runs; asked before it starts, for commits go on meanwhile."""
    short, modified = commit()
    return {
        "commit": short,
        "modified": modified,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": hardware(),
    }


def record(
    name: str, command: str, outcome: Outcome, context: Context, made: Mapping[str, Json]
) -> dict[str, Json]:
    """Everything a result says, ready for JSON; `made` is what :func:`origin` said."""
    whole: dict[str, Json] = {
        "format": FORMAT,
        "benchmark": name,
        **made,
        "command": command,
        "repeat": context.repeat,
        "versions": {**_versions(), **outcome.versions},
        "checks": [asdict(check) for check in outcome.checks],
        "figures": outcome.figures,
    }
    clean = _without_paths(whole, context)
    assert isinstance(clean, dict)
    return clean


def save(result: Mapping[str, Json], folder: Path) -> Path:
    """Write ``<commit>-<name>.json`` and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result['commit']}-{result['benchmark']}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def newest(folder: Path) -> dict[str, dict[str, Json]]:
    """The newest result of each benchmark, by name."""
    found: dict[str, dict[str, Json]] = {}
    for path in sorted(folder.glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        name = result["benchmark"]
        if name not in found or str(found[name]["date"]) < result["date"]:
            found[name] = result
    return dict(sorted(found.items()))


def commit() -> tuple[str, bool]:
    """Short hash of the checked-out commit, and whether the sources differ from it."""
    try:
        short = _git("rev-parse", "--short=10", "HEAD")
        changed = _git("status", "--porcelain", "--", "src", "benchmarks/*.py", "pyproject.toml")
    except (OSError, subprocess.CalledProcessError):
        return "unknown", False
    return short, bool(changed)


def hardware() -> dict[str, Json]:
    """Processor, cores, instruction sets, memory and load; no host name."""
    fields = _cpu_fields()
    flags = fields.get("flags", "").split()
    return {
        "cpu": fields.get("model name") or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
        "flags": [flag for flag in _FLAGS if flag in flags],
        "memory_gb": _memory_gb(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        # Other work on the same cores is the first thing to ask about a slow figure.
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _cpu_fields() -> dict[str, str]:
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    first = path.read_text(encoding="utf-8").split("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _memory_gb() -> float | None:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(REPOSITORY), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _without_paths(value: Json, context: Context) -> Json:
    """Replace this machine's folders by what they are."""
    places = {str(REPOSITORY): ".", str(Path.home()): "~", tempfile.gettempdir(): "TMP"}
    if context.data is not None:
        places = {str(context.data.resolve()): "DATA", **places}
    if context.peer_python is not None:
        places = {str(context.peer_python): "PEER_PYTHON", **places}
    if context.peers_home is not None:
        places = {str(context.peers_home): "PEERS_HOME", **places}
    if isinstance(value, str):
        for path, name in places.items():
            # Whole names only: a folder beside this one may begin with the same letters.
            value = re.sub(rf"{re.escape(path)}(?![\w.-])", lambda _, new=name: new, value)
        return value
    if isinstance(value, Mapping):
        return {key: _without_paths(part, context) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_paths(part, context) for part in value]
    return value
