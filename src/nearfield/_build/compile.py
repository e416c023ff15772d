"""Compile a folder of C files to one shared library with the system's compiler.

A file's name says which processor it is for, and its flags follow from that:

=====================  ============================================================
``*_avx2.c``           AVX2 and FMA; ``NF_WITH_AVX2`` is defined when it compiles
``*_avx512.c``         AVX-512 F, BW, DQ and VL; ``NF_WITH_AVX512``
any other              any processor; compiled last, with these switches defined
=====================  ============================================================

A kind that the compiler is too old for is left out with a note. Neither fused multiply-add nor
reordered sums are left to the compiler, so that every kernel computes the same numbers.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BuildError", "build_folder", "find_compiler", "main"]

_COMMON = ["-std=gnu11", "-O3", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-pthread"]
_COMMON += ["-ffp-contract=off", "-fno-math-errno", "-Wno-psabi"]
_SANITIZED = ["-g", "-O1", "-fno-omit-frame-pointer", "-fno-sanitize-recover=undefined"]
_SANITIZED += ["-fsanitize=address,undefined"]
_COMPILERS = ("cc", "gcc", "clang")


class BuildError(Exception):
    """There is no compiler, or it refused; the message says which and why."""


@dataclass(frozen=True)
class Processor:
    """Files with this ending are compiled with these flags."""

    ending: str
    flags: tuple[str, ...]
    switch: str


_AVX2 = ("-mavx2", "-mfma")
_AVX512 = (*_AVX2, "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl")
_X86 = (
    Processor("_avx2.c", _AVX2, "NF_WITH_AVX2"),
    Processor("_avx512.c", (*_AVX512, "-mprefer-vector-width=512"), "NF_WITH_AVX512"),
)


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
    """Compile every ``*.c`` of `folder` and link it to `output`, replaced in one step.

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
    common = [*compiler, *_COMMON, *(_SANITIZED if sanitize else [])]
    sources = sorted(folder.glob("*.c"))
    if not sources:
        raise BuildError(f"there is no C file in {folder}")
    special = {p: [s for s in sources if s.name.endswith(p.ending)] for p in _X86}
    portable = [s for s in sources if not any(s in files for files in special.values())]
    objects: list[Path] = []
    switches: list[str] = []
    notes: list[str] = []
    x86 = _run([*compiler, "-dumpmachine"]).startswith(("x86_64", "amd64"))
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {
            processor: [pool.submit(_compile, [*common, *processor.flags], s, place) for s in files]
            for processor, files in special.items()
            if x86 and files
        }
        for processor, compiled in jobs.items():
            try:
                objects += [job.result() for job in compiled]
                switches.append(f"-D{processor.switch}")
            except BuildError as error:
                notes.append(f"left out {processor.switch[8:].lower()}: {error}")
        objects += pool.map(lambda s: _compile([*common, *switches], s, place), portable)
        linked = Path(place) / output.name
        _run([*common, "-shared", *map(str, objects), "-o", str(linked), "-lm"])
        draft = output.with_name(f"{output.name}.{os.getpid()}")
        shutil.copyfile(linked, draft)
        draft.replace(output)
    return tuple(notes)


def main(folder: Path, library: Path) -> None:
    """Build from the command line: ``[--sanitize] [OUTPUT]``."""
    words = [word for word in sys.argv[1:] if word != "--sanitize"]
    output = Path(words[0]) if words else library
    try:
        notes = build_folder(folder, output, sanitize="--sanitize" in sys.argv)
    except BuildError as error:
        sys.exit(f"not built: {error}")
    sys.stdout.write("".join(f"{line}\n" for line in (*notes, f"built {output}")))


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
