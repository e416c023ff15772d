"""Compile C files to one shared library with the system's compiler.

It runs while the package is being installed, when nothing of the package can be imported: the
standard library is all it needs, and a ``build.py`` loads it by its path.

Files for one kind of processor are compiled with flags of their own, and a macro tells the other
files that they are there. A kind that the compiler is too old for is left out with a note.
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "AVX2", "AVX512", "STEADY", "BuildError", "Processor", "build_folder", "build_library",
    "find_compiler", "main",
]  # fmt: skip

_COMMON = ["-std=gnu11", "-O3", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-pthread"]
_SANITIZED = ["-g", "-O1", "-fno-omit-frame-pointer", "-fno-sanitize-recover=undefined"]
_SANITIZED += ["-fsanitize=address,undefined"]
_COMPILERS = ("cc", "gcc", "clang")

STEADY = ("-ffp-contract=off", "-fno-math-errno", "-Wno-psabi")
"""Products and sums are rounded as they are written, so that every kernel computes the same."""

AVX2 = ("-mavx2", "-mfma")
AVX512 = (
    *AVX2, "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mprefer-vector-width=512",
)  # fmt: skip


class BuildError(Exception):
    """There is no compiler, or it refused; the message says which and why."""


@dataclass(frozen=True)
class Processor:
    """Files for one kind of x86 processor.

    Attributes
    ----------
    sources : tuple of Path
    flags : tuple of str
    switch : str
        Macro that is defined in the files for any processor where these are there, ``NF_WITH_``
        and a name.
    """

    sources: tuple[Path, ...]
    flags: tuple[str, ...]
    switch: str


def find_compiler() -> list[str]:
    """Return the command that ``CC`` names, or the first compiler on the path.

    Raises
    ------
    BuildError
        There is none.
    """
    named = shlex.split(os.environ.get("CC", ""))
    for command in [named] if named else [[name] for name in _COMPILERS]:
        if shutil.which(command[0]):
            return command
    raise BuildError(f"no C compiler was found (looked for {' '.join(named or _COMPILERS)})")


def build_folder(folder: Path, output: Path, *, sanitize: bool = False) -> tuple[str, ...]:
    """Compile every ``*.c`` of `folder`; ``*_avx2.c`` and ``*_avx512.c`` are for such processors.

    It returns and raises like :func:`build_library`.
    """
    sources = sorted(folder.glob("*.c"))
    if not sources:
        raise BuildError(f"there is no C file in {folder}")
    kinds = (("_avx2.c", AVX2, "NF_WITH_AVX2"), ("_avx512.c", AVX512, "NF_WITH_AVX512"))
    special = [
        Processor(tuple(s for s in sources if s.name.endswith(ending)), flags, switch)
        for ending, flags, switch in kinds
    ]
    portable = [s for s in sources if not s.name.endswith(tuple(ending for ending, _, _ in kinds))]
    return build_library(output, portable, special, STEADY, sanitize=sanitize)


def build_library(
    output: Path,
    portable: Sequence[Path],
    special: Sequence[Processor],
    flags: Sequence[str],
    *,
    sanitize: bool = False,
) -> tuple[str, ...]:
    """Compile files and link them to `output`; an existing file is replaced in one step.

    Parameters
    ----------
    output : Path
    portable : sequence of Path
        Files for any processor, compiled last, with the switches of the special ones defined.
    special : sequence of Processor
    flags : sequence of str
        For all files, besides the ones that every library is compiled with.
    sanitize : bool
        With AddressSanitizer and UndefinedBehaviorSanitizer.

    Returns
    -------
    tuple of str
        Notes about kinds of processors that were left out.

    Raises
    ------
    BuildError
        There is no library, and why.
    """
    if os.name != "posix":
        raise BuildError(f"the library is built on Linux and macOS, not on {platform.system()}")
    compiler = find_compiler()
    common = [*compiler, *_COMMON, *flags, *(_SANITIZED if sanitize else [])]
    x86 = _run([*compiler, "-dumpmachine"]).startswith(("x86_64", "amd64"))
    chosen = [processor for processor in special if x86 and processor.sources]
    objects: list[Path] = []
    switches: list[str] = []
    notes: list[str] = []
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [
            [pool.submit(_compile, [*common, *kind.flags], s, place) for s in kind.sources]
            for kind in chosen
        ]
        for kind, compiled in zip(chosen, jobs, strict=True):
            try:
                objects += [job.result() for job in compiled]
                switches.append(f"-D{kind.switch}")
            except BuildError as error:
                notes.append(f"left out {kind.switch.removeprefix('NF_WITH_').lower()}: {error}")
        objects += pool.map(lambda s: _compile([*common, *switches], s, place), portable)
        linked = Path(place) / output.name
        _run([*common, "-shared", *map(str, objects), "-o", str(linked), "-lm"])
        draft = output.with_name(f"{output.name}.{os.getpid()}")
        shutil.copyfile(linked, draft)
        draft.replace(output)
    return tuple(notes)


def main(build: Callable[..., tuple[str, ...]], library: Path) -> None:
    """Run a ``build.py`` from the command line: ``[--sanitize] [OUTPUT]``."""
    parser = argparse.ArgumentParser(description=f"Compile {library.name}.")
    parser.add_argument("output", nargs="?", type=Path, default=library)
    parser.add_argument("--sanitize", action="store_true", help="with ASan and UBSan")
    arguments = parser.parse_args()
    try:
        notes = build(arguments.output, sanitize=arguments.sanitize)
    except BuildError as error:
        sys.exit(f"not built: {error}")
    sys.stdout.write("".join(f"{line}\n" for line in (*notes, f"built {arguments.output}")))


def _compile(command: list[str], source: Path, place: str) -> Path:
    compiled = Path(place) / f"{source.name}.o"
    _run([*command, "-c", str(source), "-o", str(compiled)])
    return compiled


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or "").strip().splitlines() or [f"status {error.returncode}"]
        first = next((line for line in lines if "error:" in line), lines[0])
        raise BuildError(f"{command[0]} failed: {first}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{command[0]} could not be run: {error}") from error
    return done.stdout
