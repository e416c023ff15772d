"""What a first installation takes on disk: the base package and the default model."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import (
    REPOSITORY,
    Context,
    Json,
    Outcome,
    at_most,
    run_process,
    scratch,
)

__all__ = ["run"]

_MODEL = "all-MiniLM-L6-v2"
_LIMIT_MB = 400
_SHOWN = 10


def run(context: Context) -> Outcome:
    """Install into a temporary folder, measure, and delete it again."""
    with scratch() as folder:
        environment, home = folder / "environment", folder / "home"
        run_process([sys.executable, "-m", "venv", str(environment)])
        empty, present = _bytes(environment), {path.name for path in _parts(environment)}
        binaries = environment / ("Scripts" if os.name == "nt" else "bin")
        run_process([str(binaries / "python"), "-m", "pip", "install", str(REPOSITORY)])
        run_process(
            [str(binaries / "nearfield"), "models", "install", _MODEL],
            environment={"NEARFIELD_HOME": str(home), "NEARFIELD_MODELS": str(home / "models")},
        )
        packages, model = _bytes(environment) - empty, _bytes(home)
        parts = [(path.name, _bytes(path)) for path in _parts(environment)]
        parts = [part for part in parts if part[0] not in present]
        parts += [(f"model {path.name}", _bytes(path)) for path in (home / "models").iterdir()]
    total = (packages + model) / 1e6
    largest = sorted(parts, key=lambda part: -part[1])[:_SHOWN]
    figures: dict[str, Json] = {
        "total_mb": round(total, 1),
        "packages_mb": round(packages / 1e6, 1),
        "models_home_mb": round(model / 1e6, 1),
        "empty_environment_mb": round(empty / 1e6, 1),
        "largest_mb": {name: round(size / 1e6, 1) for name, size in largest},
    }
    what = "base install with the default model, without the empty environment's pip"
    return Outcome((at_most(what, total, _LIMIT_MB, "MB"),), figures)


def _parts(environment: Path) -> Iterator[Path]:
    for site in environment.glob("[Ll]ib/**/site-packages"):
        yield from site.iterdir()


def _bytes(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    files = (each for each in path.rglob("*") if each.is_file() and not each.is_symlink())
    return sum(each.stat().st_size for each in files)
