"""Compile the library of this folder: ``python build.py [--sanitize] [OUTPUT]``."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parent / "libnearfield_rows.so"

# By its path: nothing of the package can be imported while it is being installed.
_compile = SimpleNamespace(**runpy.run_path(str(HERE.parents[2] / "_build" / "compile.py")))

BuildError = _compile.BuildError
find_compiler = _compile.find_compiler


def build(output: Path = LIBRARY, *, sanitize: bool = False) -> tuple[str, ...]:
    """Compile every ``*.c`` beside this file; notes say what was left out."""
    notes: tuple[str, ...] = _compile.build_folder(HERE, output, sanitize=sanitize)
    return notes


if __name__ == "__main__":
    _compile.main(build, LIBRARY)
