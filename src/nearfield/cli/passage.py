"""A passage on the terminal: wrapped, shortened around its best sentence, that sentence marked."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Sequence

import click

from nearfield.cli.output import safe, width

__all__ = ["wrapped"]

_SHOWN = 420
"""Characters of a long passage that are shown around its best sentence."""

_INDENT = 6

# Stand for the marks while the text is wrapped, so that styling takes no room; `safe` has
# replaced every control character of the text itself.
_OPEN, _CLOSE = "\x01", "\x02"


def wrapped(text: str, mark: tuple[int, int] | None, *, full: bool) -> list[str]:
    """Lines of a passage with its best sentence bold on a terminal, between ``**`` elsewhere.

    Parameters
    ----------
    text : str
        The passage.
    mark : (start, end) or None
        The sentence to mark.
    full : bool
        Show all of it; otherwise about 420 characters around the mark.
    """
    start, end = (0, len(text)) if full else _window(text, mark)
    a, b = mark or (start, start)
    a, b = max(a, start), min(b, end)
    before, best, after = text[start:a], text[a:b], text[b:end]
    marked = (
        f"{safe(before)}{_OPEN}{safe(best)}{_CLOSE}{safe(after)}" if best else safe(before + after)
    )
    marked = ("… " if start else "") + marked.strip() + (" …" if end < len(text) else "")
    lines = [
        line
        for paragraph in marked.splitlines()
        for line in textwrap.wrap(paragraph, width() - _INDENT, break_on_hyphens=False)
    ]
    return _styled(lines)


def _window(text: str, mark: tuple[int, int] | None) -> tuple[int, int]:
    if len(text) <= _SHOWN:
        return 0, len(text)
    a, b = mark or (0, 0)
    spare = max(0, _SHOWN - (b - a))
    start = max(0, min(a - spare // 3, len(text) - _SHOWN))
    end = min(len(text), max(b, start + _SHOWN))
    if start:
        start = text.find(" ", start, a) + 1 or start
    if end < len(text):
        end = max(text.rfind(" ", b, end), b) if b < end else end
    return start, end


def _styled(lines: Sequence[str]) -> list[str]:
    on_terminal = sys.stdout.isatty()
    inside = False
    styled = []
    for line in lines:
        shown = ""
        for piece in re.split(f"([{_OPEN}{_CLOSE}])", line):
            if piece in {_OPEN, _CLOSE}:
                inside = piece == _OPEN
                shown += "" if on_terminal else "**"
            else:
                shown += click.style(piece, bold=True) if inside and on_terminal else piece
        styled.append(shown)
    return styled
