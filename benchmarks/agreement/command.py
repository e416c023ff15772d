"""Options of ``python -m benchmarks agreement``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import page
from benchmarks.agreement import run
from benchmarks.agreement.conditions import SETS, Asked
from benchmarks.agreement.systems import SYSTEMS, Systems
from benchmarks.harness import BenchmarkError, Context
from benchmarks.results import RESULTS, origin, record, save
from nearfield.paths import cache_dir
from nearfield.rag.generators.registry import load as load_generator
from nearfield.rag.remembering import RememberingGenerator

__all__ = ["main"]

_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, save and put the result into the page; 2 for wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks agreement",
        description="Whether questions without labels rank systems as people's questions do.",
    )
    parser.add_argument("--data", type=Path, required=True, help=f"holds {', '.join(SETS)}")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--without", nargs="*", default=[], choices=SYSTEMS, help="systems")
    parser.add_argument("--count", type=int, default=200, help="questions of each kind")
    parser.add_argument("--documents", type=int, help="most documents of a set  [all]")
    parser.add_argument("--generator", help="writes questions as well")
    parser.add_argument("--generated", type=int, default=40, help="so many (40)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--cache", type=Path, default=cache_dir() / "agreement", help="a killed run goes on there"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON file")
    parser.add_argument("--page", action="store_true", help="put the result into the docs")
    options = parser.parse_args(arguments)
    begun, made = time.perf_counter(), origin()
    systems = Systems(options.cache, options.without)
    generator = None
    if options.generator is not None:
        generator = RememberingGenerator(load_generator(options.generator))
    asked = Asked(options.count, options.seed, options.documents, generator, options.generated)
    try:
        outcome = run(options.data, options.sets, systems, asked)
    except BenchmarkError as error:
        print(f"  failed: {error}")
        return _USAGE
    result = record("agreement", _command(options), outcome, Context(data=options.data), made)
    saved = save(result, options.out)
    for line in outcome.lines:
        print(f"  {line}")
    print(f"  {time.perf_counter() - begun:,.0f} s · {saved}", flush=True)
    return page.main(["--results", str(options.out)]) if options.page else 0


def _command(options: argparse.Namespace) -> str:
    """The command as anyone would type it, without this machine's folders."""
    parts = [f"python -m benchmarks agreement --data DATA --count {options.count}"]
    if options.documents is not None:
        parts.append(f"--documents {options.documents}")
    if options.generator is not None:
        parts.append(f"--generator {options.generator} --generated {options.generated}")
    if options.without:
        parts.append("--without " + " ".join(f'"{name}"' for name in options.without))
    return " ".join(parts)
