"""Every code block of the README and the docs runs, and prints what the page says it prints.

================  ==============================================================================
fence             what is done
================  ==============================================================================
``python``        run; the blocks of a page share their names. ``>>>`` examples are compared.
``console``       lines after ``$`` run in a shell; the output below them is compared.
``console norun``  shown only: installation, servers, other people's machines.
``… hosts NAME``  runs where the module of that name is installed (``make test-hosts``).
``… compiled``    needs vector search in C; without it the page is skipped from there on.
================  ==============================================================================

Outputs are compared with spaces folded; ``...`` stands for anything.
"""

from __future__ import annotations

import doctest
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nearfield.ann import library as ann_library

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])
_FENCE = re.compile(r"^```(?P<info>[^\n`]+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    info: str
    body: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        yield Block(match["info"].strip(), match["body"], text.count("\n", 0, match.start()) + 2)


def commands(body: str) -> Iterator[tuple[str, str]]:
    """Pairs of a command and the output that the page shows for it."""
    command, output = "", []
    for line in body.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, "\n".join(output)
            command, output = line[2:], []
        elif command.endswith("\\"):
            command = command[:-1] + line.strip()
        else:
            output.append(line)
    if command:
        yield command, "\n".join(output)


def check_python(block: Block, names: dict[str, object], page: Path) -> None:
    if ">>>" not in block.body:
        exec(compile("\n" * (block.line - 1) + block.body, str(page), "exec"), names)
        return
    example = doctest.DocTestParser().get_doctest(
        block.body, names, page.name, str(page), block.line
    )
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=_OPTIONS)
    runner.run(example, out=report.append, clear_globs=False)
    names.update(example.globs)
    assert runner.failures == 0, "".join(report)


def check_console(block: Block, folder: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for command, wanted in commands(block.body):
        done = subprocess.run(
            command,
            shell=True,
            executable="/bin/bash",
            cwd=folder,
            env={**os.environ, "PATH": path, "COLUMNS": "100"},
            capture_output=True,
            text=True,
            check=False,
        )
        shown = done.stdout + done.stderr
        assert done.returncode == 0, f"line {block.line}: {command}\n{shown}"
        if wanted.strip():
            same = doctest.OutputChecker().check_output(wanted + "\n", shown + "\n", _OPTIONS)
            assert same, f"line {block.line}: {command}\n--- page\n{wanted}\n--- real\n{shown}"


def missing_host(flags: str) -> str | None:
    """The module that a block needs and that is not installed."""
    word, _, host = flags.partition(" ")
    return host if word == "hosts" and importlib.util.find_spec(host) is None else None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minilm_path: Path
) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    # Pages show the numbers of the class that every machine has.
    monkeypatch.setenv("NEARFIELD_PRECISION", "exact")
    monkeypatch.setenv("HAYSTACK_TELEMETRY_ENABLED", "False")
    names: dict[str, object] = {"__name__": "__main__"}
    left_out: dict[str, list[int]] = {}
    for block in blocks(page):
        kind, _, flags = block.info.partition(" ")
        if "compiled" in flags and ann_library.choose() is None:
            pytest.skip(f"from line {block.line} on: vector search in C is missing or switched off")
        if (host := missing_host(flags)) is not None:
            left_out.setdefault(host, []).append(block.line)
        elif kind == "python":
            check_python(block, names, page)
        elif kind == "console" and "norun" not in flags:
            check_console(block, tmp_path)
    if left_out:
        each = (f"{host} (lines {', '.join(map(str, at))})" for host, at in left_out.items())
        pytest.skip(f"ran, but for what is not installed: {'; '.join(each)}: make test-hosts")
