"""Compile the library of this folder: ``python build.py [--sanitize] [OUTPUT]``."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parent / "libnearfield_lexical.so"

# By its path: nothing of the package can be imported while it is being installed.
_SHARED = HERE.parents[1] / "_build" / "compile.py"
_spec = importlib.util.spec_from_file_location("nearfield_build_compile", _SHARED)
if _spec is None or _spec.loader is None:
    raise ImportError(f"{_SHARED} cannot be loaded")
_compile = importlib.util.module_from_spec(_spec)
sys.modules.setdefault(_spec.name, _compile)
_spec.loader.exec_module(_compile)

BuildError = _compile.BuildError
find_compiler = _compile.find_compiler


def build(output: Path = LIBRARY, *, sanitize: bool = False) -> tuple[str, ...]:
    """Compile every ``*.c`` beside this file; notes say what was left out."""
    notes: tuple[str, ...] = _compile.build_folder(HERE, output, sanitize=sanitize)
    return notes


if __name__ == "__main__":
    _compile.main(HERE, LIBRARY)
