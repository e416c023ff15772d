"""Options of ``python -m benchmarks retrieval``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import BenchmarkError, Context
from benchmarks.results import RESULTS, origin, record, save
from benchmarks.retrieval import run

__all__ = ["main"]

_MISSED, _USAGE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print and save; 0 when every required check holds, 1 when not, 2 for wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks retrieval",
        description="nDCG@10 of every mode of search on SciFact and Cranfield.",
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder that holds scifact/, cranfield/, cisi/"
    )
    parser.add_argument("--peers-home", type=Path, help="where scores of the reranker are kept")
    parser.add_argument("--quick", action="store_true", help="a few questions each; no checks")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON file")
    options = parser.parse_args(arguments)
    context = Context(data=options.data, peers_home=options.peers_home, quick=options.quick)
    begun, made = time.perf_counter(), origin()
    try:
        outcome = run(context)
    except BenchmarkError as error:
        print(f"  failed: {error}")
        return _USAGE
    result = record(
        "retrieval", "python -m benchmarks retrieval --data DATA", outcome, context, made
    )
    keep = not options.quick or options.out != RESULTS
    saved = str(save(result, options.out)) if keep else "not saved: --quick"
    for line in outcome.lines:
        print(f"  {line}")
    print(f"  {time.perf_counter() - begun:,.0f} s · {saved}", flush=True)
    return _MISSED if any(c.required and not c.holds for c in outcome.checks) else 0


if __name__ == "__main__":
    sys.exit(main())
