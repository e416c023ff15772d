"""The decision records of the docs, each made by one command.

``python -m benchmarks decisions --data FOLDER [NAME ...]`` copies a data set, runs ``nearfield
choose`` on it and puts the page and the Markdown into ``docs/decisions``. The machine should be
quiet: latencies are a part of the records.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs" / "decisions"

COMMANDS = {
    "cranfield": (
        "--models all-MiniLM-L6-v2,bge-small-en-v1.5,wordllama-l2-supercat-256,glove-6b-50d "
        "--dimensions full --chunkers recursive:200,recursive:100,sentences:200 "
        "--storages exact,quantised,quantised:0.9,graph --budget 8m"
    ),
    "scifact": (
        "--models all-MiniLM-L6-v2,bge-small-en-v1.5,wordllama-l2-supercat-256,glove-6b-50d "
        "--dimensions full --chunkers recursive:200,sentences:100 --budget 8m"
    ),
    "tech-docs": (
        "--models all-MiniLM-L6-v2,bge-small-en-v1.5,wordllama-l2-supercat-256,glove-6b-50d "
        "--chunkers recursive:200,sentences:60 --budget 8m"
    ),
}
"""Arguments of ``nearfield choose`` by the name of the data set."""


def main(arguments: Sequence[str]) -> int:
    """Make the named records, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks decisions", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(COMMANDS))
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in COMMANDS]
    if unknown:
        parser.error(f"no record is called {unknown[0]!r}; known: {', '.join(COMMANDS)}")
    failed = 0
    for name in options.names or COMMANDS:
        failed += make(name, options.data / name)
    return min(failed, 1)


def make(name: str, data: Path) -> int:
    """Make one record; returns the exit code of the command."""
    if not data.is_dir():
        print(f"{data} is missing")
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        # In a folder of its own, so that the record names no path of this machine.
        shutil.copytree(data, Path(scratch) / name, ignore=shutil.ignore_patterns("*.md"))
        command = [sys.executable, "-m", "nearfield", "choose", name, *COMMANDS[name].split()]
        done = subprocess.run(command, cwd=scratch, check=False)
        if done.returncode == 0:
            DOCS.mkdir(exist_ok=True)
            for ending in ("html", "md"):
                made = Path(scratch) / f"{name}.decision" / f"decision.{ending}"
                shutil.copy(made, DOCS / f"{name}.{ending}")
        return done.returncode
