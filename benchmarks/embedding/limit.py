"""The machine's limit at multiplying matrices, measured between the contenders' turns.

Two figures: the best product of oneDNN at a model's shapes, through torch, and the processor's
multiply instruction itself with operands in registers (``workers/peak.c``), which no product of
real size reaches.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.contenders import WORKERS, Process, process
from benchmarks.embedding.environments import Environments, PeerMissing
from benchmarks.harness import BenchmarkError, Json, run_process, summary

__all__ = ["Limit", "opened"]

ROWS = 4096
_DTYPES = {"fp32": "float32", "bf16": "bfloat16"}
_RAW = {"bf16": ("amx_bf16", "avx512_bf16"), "fp32": ("avx512f", "avx2")}
"""Instructions in the order of preference, by the processor's flags."""


@dataclass(slots=True)
class Limit:
    """Measures in every round; keeps all repetitions, in operations a second.

    Attributes
    ----------
    shapes : sequence of (m, k, n)
    threads : int
    products : Process or None
        Multiplies with torch.
    binary : Path or None
        The compiled ``peak.c``.
    flags : sequence of str
        The processor's.
    missing : dict of str to str
        What could not be measured, and why.
    """

    shapes: Sequence[tuple[int, int, int]]
    threads: int
    products: Process | None
    binary: Path | None
    flags: Sequence[str]
    missing: dict[str, str]
    runs: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def measure(self) -> None:
        """One repetition of everything."""
        for dtype, name in _DTYPES.items():
            if self.products is not None:
                self._measure_products(self.products, dtype, name)
            kind = next((kind for kind in _RAW[dtype] if kind in self.flags), None)
            if kind is not None and self.binary is not None:
                _, output = run_process([str(self.binary), kind, str(self.threads)])
                self.runs.setdefault((dtype, f"raw {kind}"), []).append(float(output))

    def _measure_products(self, products: Process, dtype: str, name: str) -> None:
        answer = products.call({"shapes": self.shapes, "dtype": name})
        for (m, k, n), seconds in zip(self.shapes, answer["seconds"], strict=True):
            self.runs.setdefault((dtype, f"{m}×{k}→{n}"), []).append(2.0 * m * k * n / seconds)

    def figures(self, operations: float) -> dict[str, Json]:
        """TFLOP/s and the tokens a second that they would allow, medians.

        Parameters
        ----------
        operations : float
            Of a token.
        """
        found: dict[str, dict[str, Json]] = {}
        for (dtype, what), runs in self.runs.items():
            found.setdefault(dtype, {})[what] = {
                "tflops": summary([run / 1e12 for run in runs], 3),
                "tokens per second": round(statistics.median(runs) / operations),
            }
        for dtype, kinds in found.items():
            products = {what: self._median(dtype, what) for what in kinds if "raw" not in what}
            if products:
                best = max(products, key=lambda what: products[what])
                kinds["best product"] = {
                    "shape": best,
                    "tflops": round(products[best] / 1e12, 3),
                    "tokens per second": round(products[best] / operations),
                }
        versions = self.products.ready["versions"] if self.products is not None else {}
        return {"threads": self.threads, **found, **versions, "not measured": dict(self.missing)}

    def _median(self, dtype: str, what: str) -> float:
        return statistics.median(self.runs[dtype, what])


@contextmanager
def opened(
    shapes: Sequence[tuple[int, int, int]],
    threads: int,
    flags: Sequence[str],
    environments: Environments,
    folder: Path,
) -> Iterator[Limit]:
    """Start torch and compile the loop; what cannot be had is named with its reason."""
    missing: dict[str, str] = {}
    products, binary = None, None
    with ExitStack() as stack:
        try:
            python = environments.python("sentence-transformers")
            command = [str(python), str(WORKERS / "products.py"), str(threads)]
            products = stack.enter_context(process(command))
        except BenchmarkError as error:
            missing["oneDNN through torch"] = str(error)
        try:
            binary = _compiled(folder)
        except PeerMissing as error:
            missing["raw instructions"] = str(error)
        yield Limit(shapes, threads, products, binary, flags, missing)


def _compiled(folder: Path) -> Path:
    compiler = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    if compiler is None:
        raise PeerMissing("there is no C compiler (cc, gcc or clang)")
    target = folder / "peak"
    done = subprocess.run(
        [compiler, "-O2", "-pthread", "-o", str(target), str(WORKERS / "peak.c")],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr)
        raise PeerMissing(f"{compiler} refuses peak.c: {said[-200:]}")
    return target
