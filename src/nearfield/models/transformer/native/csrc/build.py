"""Compile the library of this folder: ``python build.py [--sanitize] [OUTPUT]``."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parent / "libnearfield_native.so"

# By its path: nothing of the package can be imported while it is being installed.
_compile = SimpleNamespace(**runpy.run_path(str(HERE.parents[3] / "_build" / "compile.py")))

BuildError = _compile.BuildError
find_compiler = _compile.find_compiler

# Products and sums may be fused into one rounding; nothing else is relaxed, -ffast-math least.
_FLAGS = ("-ffp-contract=fast",)
_BF16 = (*_compile.AVX512, "-mavx512bf16")

_PORTABLE = (
    "kernel_plain.c", "panels.c", "check.c", "threads.c", "memory.c", "cpu.c", "api.c",
)  # fmt: skip
_KERNELS = (
    (("kernel_avx2.c",), _compile.AVX2, "NF_WITH_AVX2"),
    (("kernel_avx512.c",), _compile.AVX512, "NF_WITH_AVX512"),
    (("kernel_avx512bf16.c", "kernel_amx_emulated.c"), _BF16, "NF_WITH_AVX512BF16"),
    (("kernel_amx.c",), (*_BF16, "-mamx-tile", "-mamx-bf16"), "NF_WITH_AMX"),
)


def build(output: Path = LIBRARY, *, sanitize: bool = False) -> tuple[str, ...]:
    """Compile the encoder; notes say which kernels were left out."""
    portable = [HERE / name for name in _PORTABLE]
    special = [
        _compile.Processor(tuple(HERE / name for name in names), flags, switch)
        for names, flags, switch in _KERNELS
    ]
    notes: tuple[str, ...] = _compile.build_library(
        output, portable, special, _FLAGS, sanitize=sanitize
    )
    return notes


if __name__ == "__main__":
    _compile.main(build, LIBRARY)
