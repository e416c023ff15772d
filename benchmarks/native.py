"""Measure the native encoder's kernels beside each other and ONNX Runtime.

    python benchmarks/native.py --data DATA [--model FOLDER] [--kernels NAMES] [--output JSON]

DATA is a ``corpus.jsonl`` or ``corpus.jsonl.gz`` with a ``text`` a line. Every runtime embeds the
same passages in turn, round after round, so that a change of the machine's speed meets all of
them; the medians' ratios are what counts. Texts go in and vectors come out: tokenising is
included. Processor time is given too, which other work on the machine disturbs less. The kernel
of plain C takes minutes and is measured where it is named. Other libraries are measured by
``python -m benchmarks embedding``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from nearfield.cores import usable_cores
from nearfield.models.transformer import load
from nearfield.models.transformer.native.library import KERNEL_VARIABLE, available, kernels
from nearfield.models.transformer.runtime import Precision
from nearfield.paths import models_dir
from nearfield.types import BatchReport


@dataclass(frozen=True)
class Result:
    """What one runtime reached.

    Attributes
    ----------
    name : str
    passages_per_second, passages_per_cpu_second : float
        Medians over the rounds.
    ratio, cpu_ratio : float
        Of the above to the first runtime of the run.
    query_ms : float
        Median time of one short query.
    mean_cosine, worst_cosine : float
        To the first runtime's vectors.
    """

    name: str
    passages_per_second: float
    passages_per_cpu_second: float
    ratio: float
    cpu_ratio: float
    query_ms: float
    mean_cosine: float
    worst_cosine: float


@dataclass(frozen=True)
class Timed:
    """Vectors, with the seconds and processor seconds that they took."""

    vectors: np.ndarray
    wall: float
    processor: float


def nearfield(
    folder: Path, runtime: str, precision: Precision, kernel: str = ""
) -> Callable[[list[str]], Timed]:
    os.environ[KERNEL_VARIABLE] = kernel
    encoder = load(folder, name="benchmark", precision=precision, runtime=runtime)
    del os.environ[KERNEL_VARIABLE]

    def counted(_report: BatchReport) -> None:
        """Take reports, so that truncation is not a warning."""

    def run(texts: list[str]) -> Timed:
        wall, processor = time.perf_counter(), time.process_time()
        vectors = encoder.encode(texts, observe=counted)
        return Timed(vectors, time.perf_counter() - wall, time.process_time() - processor)

    return run


def read_passages(path: Path, count: int) -> list[str]:
    """Return passages spread evenly over the file, as neighbours are of one document."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        texts = [json.loads(line)["text"] for line in file]
    return texts[:: max(1, len(texts) // count)][:count]


def measure(
    runs: dict[str, Callable[[list[str]], Timed]], passages: list[str], rounds: int
) -> list[Result]:
    query = ["how to read a file line by line"]
    taken: dict[str, list[Timed]] = {name: [] for name in runs}
    single: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run(passages[:64])
    for turn in range(rounds):
        for name, run in runs.items():
            taken[name].append(run(passages))
            spent = taken[name][-1].wall
            sys.stderr.write(f"round {turn + 1} of {rounds}: {name} {spent:.2f} s\n")
            single[name] += [run(query).wall for _ in range(20)]
    first = next(iter(runs))
    wall = {name: statistics.median(t.wall for t in times) for name, times in taken.items()}
    cpu = {name: statistics.median(t.processor for t in times) for name, times in taken.items()}
    results = []
    for name, times in taken.items():
        similar = cosines(times[0].vectors, taken[first][0].vectors)
        results.append(
            Result(
                name=name,
                passages_per_second=round(len(passages) / wall[name], 1),
                passages_per_cpu_second=round(len(passages) / cpu[name], 1),
                ratio=round(wall[first] / wall[name], 3),
                cpu_ratio=round(cpu[first] / cpu[name], 3),
                query_ms=round(1e3 * statistics.median(single[name]), 3),
                mean_cosine=round(float(similar.mean()), 7),
                worst_cosine=round(float(similar.min()), 7),
            )
        )
    return results


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=models_dir() / "all-MiniLM-L6-v2")
    parser.add_argument("--passages", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kernels", help="comma-separated; all but plain C if not given")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()

    runs = {"onnxruntime": nearfield(arguments.model, "onnxruntime", Precision.EXACT)}
    found = available().kernels
    fast = [k.name for k in kernels() if k.name != "plain" and not k.only_by_name] if found else []
    wanted = arguments.kernels.split(",") if arguments.kernels else fast
    for kernel in kernels() if found else ():
        if kernel.name in found and kernel.name in wanted:
            name = f"native {kernel.name} ({kernel.precision})"
            runs[name] = nearfield(arguments.model, "native", kernel.precision, kernel.name)
    passages = read_passages(arguments.data, arguments.passages)
    report = {
        "model": arguments.model.name,
        "passages": len(passages),
        "rounds": arguments.rounds,
        "cores": usable_cores(),
        "machine": platform.machine(),
        "load_before": os.getloadavg()[0],
        "results": [asdict(r) for r in measure(runs, passages, arguments.rounds)],
    }
    text = json.dumps(report, indent=2) + "\n"
    sys.stdout.write(text)
    if arguments.output:
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()
