"""Compile the library with the system's C compiler: ``python build.py [--sanitize] [OUTPUT]``.

Needs nothing but the standard library, as it runs while the package is being installed. A kernel
that the compiler is too old for is left out; without a compiler there is no library, and the
package works without it.
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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parent / "libnearfield_native.so"

_COMMON = ["-std=gnu11", "-O3", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-pthread"]
# Products and sums may be fused into one rounding; nothing else is relaxed, -ffast-math least.
_COMMON += ["-ffp-contract=fast"]
_SANITIZED = ["-g", "-O1", "-fno-omit-frame-pointer", "-fno-sanitize-recover=undefined"]
_SANITIZED += ["-fsanitize=address,undefined"]

_AVX2 = ["-mavx2", "-mfma"]
_AVX512 = [*_AVX2, "-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl"]
_AVX512 += ["-mprefer-vector-width=512"]
_BF16 = [*_AVX512, "-mavx512bf16"]

_COMPILERS = ("cc", "gcc", "clang")


class BuildError(Exception):
    """There is no compiler, or it refused; the message says which and why."""


@dataclass(frozen=True)
class Kernel:
    """A translation unit with flags of its own.

    Attributes
    ----------
    sources : tuple of str
    flags : list of str
    switch : str
        Macro that puts it into the library's list.
    """

    sources: tuple[str, ...]
    flags: list[str]
    switch: str


_PORTABLE = ("kernel_plain.c", "cpu.c", "memory.c", "panels.c", "threads.c", "check.c")
_X86_KERNELS = (
    Kernel(("kernel_avx2.c",), _AVX2, "NF_WITH_AVX2"),
    Kernel(("kernel_avx512.c",), _AVX512, "NF_WITH_AVX512"),
    Kernel(("kernel_avx512bf16.c", "kernel_amx_emulated.c"), _BF16, "NF_WITH_AVX512BF16"),
    Kernel(("kernel_amx.c",), [*_BF16, "-mamx-tile", "-mamx-bf16"], "NF_WITH_AMX"),
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


def build(output: Path = LIBRARY, *, sanitize: bool = False) -> tuple[str, ...]:
    """Compile everything and link it to `output`; an existing file is replaced in one step.

    Returns
    -------
    tuple of str
        Notes about kernels that were left out.

    Raises
    ------
    BuildError
        There is no library, and why.
    """
    if os.name != "posix":
        raise BuildError(f"the library is built on Linux and macOS, not on {platform.system()}")
    compiler = find_compiler()
    common = [*_COMMON, *(_SANITIZED if sanitize else [])]
    kernels = _X86_KERNELS if _targets_x86_64(compiler) else ()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        place = Path(folder)
        optional = [
            (kernel, [pool.submit(_compile, compiler, [*common, *kernel.flags], source, place)
                      for source in kernel.sources])
            for kernel in kernels
        ]  # fmt: skip
        objects = list(pool.map(lambda s: _compile(compiler, common, s, place), _PORTABLE))
        switches, notes = [], []
        for kernel, jobs in optional:
            try:
                objects += [job.result() for job in jobs]
                switches.append(f"-D{kernel.switch}")
            except BuildError as error:
                notes.append(f"left out {kernel.switch[8:].lower()}: {error}")
        objects.append(_compile(compiler, [*common, *switches], "api.c", place))
        linked = place / output.name
        _run([*compiler, "-shared", *common, *map(str, objects), "-o", str(linked), "-lm"])
        draft = output.with_name(f"{output.name}.{os.getpid()}")
        shutil.copyfile(linked, draft)
        draft.replace(output)
    return tuple(notes)


def _targets_x86_64(compiler: list[str]) -> bool:
    return _run([*compiler, "-dumpmachine"]).startswith(("x86_64", "amd64"))


def _compile(compiler: list[str], flags: list[str], source: str, folder: Path) -> Path:
    compiled = folder / f"{source}.o"
    _run([*compiler, *flags, "-c", str(HERE / source), "-o", str(compiled)])
    return compiled


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or "").strip().splitlines() or [f"status {error.returncode}"]
        raise BuildError(f"{command[0]} failed: {lines[0]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{command[0]} could not be run: {error}") from error
    return done.stdout


def main() -> None:
    """Build from the command line."""
    parser = argparse.ArgumentParser(description="Compile Nearfield's native encoder.")
    parser.add_argument("output", nargs="?", type=Path, default=LIBRARY)
    parser.add_argument("--sanitize", action="store_true", help="with ASan and UBSan")
    arguments = parser.parse_args()
    try:
        notes = build(arguments.output, sanitize=arguments.sanitize)
    except BuildError as error:
        sys.exit(f"not built: {error}")
    sys.stdout.write("".join(f"{line}\n" for line in (*notes, f"built {arguments.output}")))


if __name__ == "__main__":
    main()
