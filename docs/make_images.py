"""Make the pictures of the documentation from what the commands really print.

Run it in the repository's root, with the default model installed::

    .venv/bin/python docs/make_images.py

The command runs in a pseudo-terminal, so its colours are on; Rich draws what came out.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

from nearfield.paths import models_dir

IMAGES = Path(__file__).parent / "images"
COLUMNS = 100
SEARCH = ["search", "examples/catalogue", "cold weather gear", "-k", "3"]
# Rich's drawing asks a network for its font; the viewer's own monospace font serves as well.
_REMOTE_FONT = re.compile(r"@font-face\s*\{.*?\}\s*", re.DOTALL)
_FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace"


def terminal_output(arguments: list[str]) -> str:
    """What ``nearfield`` prints to a terminal, escape sequences included."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "nearfield", *arguments]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        received = b"".join(_read(ours))
    os.close(ours)
    if process.returncode:
        sys.exit(received.decode("utf-8"))
    return received.decode("utf-8").replace("\r\n", "\n")


def _read(terminal: int) -> Iterator[bytes]:
    try:
        while data := os.read(terminal, 4096):
            yield data
    except OSError:  # Linux says "input/output error" where others say "end of file"
        return


def draw(arguments: list[str], target: Path) -> None:
    """Run a command and save its terminal as an SVG."""
    shown = " ".join(f'"{a}"' if " " in a else a for a in arguments)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        console.print(Text.assemble(("$ ", "bold green"), (f"nearfield {shown}", "bold")))
        console.print(Text.from_ansi(terminal_output(arguments).rstrip("\n") + "\n"))
        svg = console.export_svg(title="nearfield")
    svg = _REMOTE_FONT.sub("", svg).replace("Fira Code, monospace", _FONTS)
    svg = svg.replace("font-family: Fira Code;", f"font-family: {_FONTS};")
    target.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", "utf-8")


def main() -> None:
    """Draw every picture."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "NEARFIELD_MODELS": str(models_dir()),
            "NEARFIELD_HOME": home,
            "COLUMNS": str(COLUMNS),
            "TERM": "xterm-256color",
        }
        terminal_output(SEARCH)  # indexes; the picture is of every later search
        draw(SEARCH, IMAGES / "search.svg")


if __name__ == "__main__":
    main()
