"""Run benchmarks: ``python -m benchmarks [NAME ...] [--data FOLDER] [--peer-python PYTHON]``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import page
from benchmarks.harness import (
    BenchmarkError,
    Context,
    DataMissing,
    Outcome,
    clean_environment,
    is_pinned,
)
from benchmarks.results import RESULTS, origin, record, save

_BENCHMARKS = {
    "embedding": "benchmarks.embedding:run",
    "startup": "benchmarks.startup:run",
    "hosted": "benchmarks.hosted:run",
    "size": "benchmarks.size:run",
    "store": "benchmarks.store:run",
    "encode": "benchmarks.encode:run",
    "indexing": "benchmarks.indexing:run",
    "figures": "benchmarks.figures:run_minilm",
    "figures-mpnet": "benchmarks.figures:run_mpnet",
    "evaluation": "benchmarks.published:run_speed",
    "mteb": "benchmarks.published:run_minilm",
    "mteb-mpnet": "benchmarks.published:run_mpnet",
}
_COMMANDS = {
    "stores": "benchmarks.stores.command:main",
    "retrieval": "benchmarks.retrieval.command:main",
    "agreement": "benchmarks.agreement.command:main",
    "compression": "benchmarks.compression:main",
    "answers": "benchmarks.answers.command:main",
    "decisions": "benchmarks.decisions:main",
}
"""Benchmarks with options of their own; they run when they are named."""

_MISSED, _USAGE = 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named benchmarks, print and save what they found.

    Returns
    -------
    int
        0 when every required check holds, 1 when one is missed or a benchmark failed, 2 for
        wrong usage.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in _COMMANDS:
        module, _, attribute = _COMMANDS[given[0]].partition(":")
        return int(getattr(importlib.import_module(module), attribute)(given[1:]))
    options = _parser().parse_args(given)
    if "all" in options.names:
        options.names = list(_BENCHMARKS)
    unknown = [name for name in options.names if name not in _BENCHMARKS]
    if unknown or options.repeat < 1:
        known = ", ".join([*_BENCHMARKS, *_COMMANDS])
        print(f"no benchmark {unknown}: known are {known}; --repeat is at least 1")
        return _USAGE
    context = Context(
        options.data, options.peer_python, options.repeat, options.peers_home, options.quick
    )
    exits = [_run(name, context, options) for name in options.names or _BENCHMARKS]
    if options.page and not options.quick:
        page.main(["--results", str(options.out)])
        print(f"written: {', '.join(path.name for path in (page.PAGE, page.README))}")
    return max(exits)


def _run(name: str, context: Context, options: argparse.Namespace) -> int:
    print(f"{name} …", flush=True)
    begun, made = time.perf_counter(), origin()
    module, _, attribute = _BENCHMARKS[name].partition(":")
    try:
        outcome: Outcome = getattr(importlib.import_module(module), attribute)(context)
    except DataMissing as missing:
        print(f"  left out: {missing}")
        return _USAGE if options.names else 0
    except BenchmarkError as error:
        print(f"  failed: {error}")
        return _MISSED
    result = record(name, _command(name, options), outcome, context, made)
    saved = "not saved: --quick" if context.quick else str(save(result, options.out))
    for line in outcome.lines or _lines(outcome):
        print(f"  {line}")
    print(f"  {time.perf_counter() - begun:,.0f} s · {saved}", flush=True)
    return _MISSED if any(c.required and not c.holds for c in outcome.checks) else 0


def _lines(outcome: Outcome) -> Iterator[str]:
    for check in outcome.checks:
        verdict = "yes" if check.holds else "NO" if check.required else "not yet"
        measured = f"{check.measured:,.8g} {check.unit}".rstrip()
        yield f"{check.what:<64} {measured:>14}   {check.target:<16} {verdict}"
    if not outcome.checks:
        yield "no checks: the figures are in the JSON"


def _command(name: str, options: argparse.Namespace) -> str:
    """The command as anyone would type it, without this machine's folders."""
    given = [
        ("--data", options.data, "DATA"),
        ("--peer-python", options.peer_python, "PYTHON"),
        ("--peers-home", options.peers_home, "PEERS_HOME"),
    ]
    parts = [f"{option} {shown}" for option, value, shown in given if value]
    return " ".join(["python -m benchmarks", name, *parts, f"--repeat {options.repeat}"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(_BENCHMARKS))
    parser.add_argument("--data", type=Path, help="folder that holds scifact/, stsb/, tech-docs/")
    parser.add_argument(
        "--peer-python", type=Path, help="interpreter that imports sentence-transformers"
    )
    parser.add_argument("--repeat", type=int, default=5, help="repetitions of what is timed (5)")
    parser.add_argument("--peers-home", type=Path, help="where peers' environments are kept")
    parser.add_argument("--quick", action="store_true", help="try it: little of everything")
    parser.add_argument("--page", action="store_true", help="put the results into docs and README")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON files")
    return parser


if __name__ == "__main__":
    if is_pinned():
        # BLAS libraries read their variables when they are loaded, so a new process has to start.
        os.execve(
            sys.executable, [sys.executable, "-m", "benchmarks", *sys.argv[1:]], clean_environment()
        )
    sys.exit(main())
