"""Puts the newest results into the docs and the README: ``python -m benchmarks.page [--check]``.

No figure in the page is typed by hand: whatever stands between the two markers is replaced, and the
plots are drawn again. A benchmark is shown as a list of its figures; one of :data:`_SECTIONS` has a
module of its own for its part of the page and for its plots.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import readme, stores_page
from benchmarks.harness import REPOSITORY, Json
from benchmarks.markdown import table
from benchmarks.results import RESULTS, newest

__all__ = ["IMAGES", "PAGE", "README", "drawings", "files", "filled", "render"]

PAGE = REPOSITORY / "docs" / "benchmarks.md"
README = REPOSITORY / "README.md"
IMAGES = REPOSITORY / "docs" / "images"
_BEGIN = "<!-- results: made by python -m benchmarks.page, do not edit -->"
_END = "<!-- end of results -->"
_SECTIONS = {
    "embedding": "benchmarks.embedding.section",
    "agreement": "benchmarks.agreement.section",
    "compression": "benchmarks.compression.section",
    "answers": "benchmarks.answers.section",
}
"""Modules with ``lines(figures)``, Markdown, and ``drawings(figures)``, SVG by file name."""

_TARGETS = ("What", "Measured", "Target", "Holds")
_STORES = ("stores", "retrieval")
"""Benchmarks that :mod:`benchmarks.stores_page` shows together."""


def render(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown of results by name: targets, then medians, then where they were measured.

    Examples
    --------
    >>> print(render({}))
    No results yet.
    """
    if not results:
        return "No results yet."
    parts: list[str] = []
    for name in (name for name in _SECTIONS if name in results):
        parts += [f"### {name}", "", _origin(results[name]), ""]
        parts += [*_section(name).lines(results[name]["figures"]), ""]
    for name in (name for name in _STORES if name in results):
        parts += [f"### {name}", "", _origin(results[name]), ""]
        parts += [stores_page.render({name: results[name]}), ""]
        parts += [*table(_TARGETS, _checks([results[name]])), ""]
    shown = {*_SECTIONS, *_STORES}
    others = {name: result for name, result in results.items() if name not in shown}
    if others:
        parts += table(_TARGETS, _checks(others.values()))
        parts.append("")
    for name, result in others.items():
        parts += [f"### {name}", "", _origin(result), ""]
        parts += [*table(("Figure", "Value"), _leaves(result["figures"])), ""]
    return "\n".join([*parts, *_machines(results.values())])


def drawings(results: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Every plot of the page: SVG by its file name in ``docs/images``."""
    found: dict[str, str] = {}
    for name in (name for name in _SECTIONS if name in results):
        found |= _section(name).drawings(results[name]["figures"])
    return found | stores_page.drawings(results)


def filled(page: str, content: str) -> str:
    """The page with the part between the markers replaced.

    Raises
    ------
    ValueError
        A marker is missing.
    """
    head, begin, rest = page.partition(_BEGIN)
    _, end, tail = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"the page needs both markers: {_BEGIN} and {_END}")
    return f"{head}{begin}\n\n{content}\n\n{end}{tail}"


def _section(name: str) -> ModuleType:
    return importlib.import_module(_SECTIONS[name])


def _checks(results: Iterable[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    for result in results:
        for check in result["checks"]:
            holds = "yes" if check["holds"] else "**no**" if check["required"] else "not yet"
            measured = f"{check['measured']:,.6g} {check['unit']}".rstrip()
            target = check["target"] + ("" if check["required"] else " (aim)")
            yield check["what"], measured, target, holds


def _leaves(value: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Each measured value with its path; repetitions are left to the JSON."""
    if isinstance(value, Mapping) and "median" in value:
        value = value["median"]
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _leaves(part, (*path, name.replace("_", " ")))
    elif isinstance(value, int | float):
        yield " · ".join(path), f"{value:,}"
    elif isinstance(value, str) and "fingerprint" not in path:
        yield " · ".join(path), value


def _origin(result: Mapping[str, Any]) -> str:
    commit = result["commit"] + (" with changes" if result["modified"] else "")
    load = result["hardware"]["load_average"]
    return (
        f"`{result['command']}`, {result['date'][:10]}, commit {commit}; load average of the "
        f"machine when it began: {load}."
    )


def _machines(results: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line for each distinct machine and set of versions."""
    lines: dict[str, None] = {}
    for result in results:
        hardware, versions = result["hardware"], result["versions"]
        text = (
            f"Measured on {hardware['cpu']}, {hardware['cores']} cores "
            f"({', '.join(hardware['flags'])}), {hardware['memory_gb']} GB, {hardware['system']}, "
            f"Python {hardware['python']}, "
            + ", ".join(f"{name} {number}" for name, number in versions.items())
            + "."
        )
        lines[text] = None
    # A run without a peer names fewer versions: a line that another one contains says nothing.
    return [a for a in lines if not any(a != b and a.rstrip(".") in b for b in lines)]


def files(results: Mapping[str, Mapping[str, Any]]) -> dict[Path, str]:
    """Everything that is made from results, as it should be."""
    pages = {PAGE: render(results), README: readme.table(results)}
    made = {path: filled(path.read_text("utf-8"), content) for path, content in pages.items()}
    return made | {IMAGES / name: drawing for name, drawing in drawings(results).items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite the page, or with ``--check`` say whether it is up to date (exit code 1: no)."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    results = newest(options.results)
    stale = False
    for path, made in files(results).items():
        stale |= not path.is_file() or path.read_text(encoding="utf-8") != made
        if not options.check:
            path.write_text(made, encoding="utf-8")
    if options.check:
        print("not up to date: python -m benchmarks.page" if stale else "up to date")
    return int(options.check and stale)


if __name__ == "__main__":
    sys.exit(main())
