"""Options of ``python -m benchmarks stores``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import BenchmarkError, Context
from benchmarks.results import RESULTS, origin, record, save
from benchmarks.stores import Settings, run
from benchmarks.stores.session import ENGINES, OURS

__all__ = ["main"]

_MISSED, _USAGE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print and save; 0 when every required check holds, 1 when not, 2 for wrong usage."""
    parser = _parser()
    options = parser.parse_args(arguments)
    peers = [name for name in options.peers.split(",") if name]
    unknown = sorted({*peers} - {*ENGINES})
    if unknown:
        parser.error(f"no peer {', '.join(unknown)}: known are {', '.join(ENGINES)}")
    context = Context(peers_home=options.peers_home, quick=options.quick)
    settings = Settings(
        options.vectors, options.rows, (OURS, *peers), not options.no_growth, options.anew
    )
    begun, made = time.perf_counter(), origin()
    try:
        outcome = run(context, settings)
    except BenchmarkError as error:
        print(f"  failed: {error}")
        return _USAGE
    result = record("stores", _command(options), outcome, context, made)
    keep = not options.quick or options.out != RESULTS
    saved = str(save(result, options.out)) if keep else "not saved: --quick"
    for line in outcome.lines:
        print(f"  {line}")
    print(f"  {time.perf_counter() - begun:,.0f} s · {saved}", flush=True)
    return _MISSED if any(c.required and not c.holds for c in outcome.checks) else 0


def _command(options: argparse.Namespace) -> str:
    return f"python -m benchmarks stores --vectors FOLDER --rows {options.rows}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks stores",
        description="The local store beside the databases people use, in one run.",
    )
    parser.add_argument(
        "--vectors", type=Path, required=True, help="folder made by python -m benchmarks.sentences"
    )
    parser.add_argument("--rows", type=int, default=100_000, help="rows that all store (100,000)")
    parser.add_argument(
        "--peers",
        default=",".join(name for name in ENGINES if name != OURS),
        help="who stands beside Nearfield (all); empty for none",
    )
    parser.add_argument("--no-growth", action="store_true", help="leave out the million rows")
    parser.add_argument(
        "--anew", action="store_true", help="let the peers store their rows again, minutes"
    )
    parser.add_argument("--peers-home", type=Path, help="where environments and stores are kept")
    parser.add_argument("--quick", action="store_true", help="10,000 rows, little of everything")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
