"""Small plots as SVG text, readable on light and on dark pages.

Written by hand: a plotting library would be a dependency of the pages' test, and its files are
ten times as large and fix their colours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Bar", "Point", "bars", "scatter"]

WIDTH = 760
_NAMES, _VALUES = 236, 118
_ROW, _BAR, _TOP = 26, 16, 62
_CHARACTER = 6.3
"""Mean width of a character of the labels, which are 12 pixels high."""

_STYLE = """
text { font: 12px ui-sans-serif, system-ui, "Segoe UI", Roboto, sans-serif; fill: #24292f; }
.title { font-size: 15px; font-weight: 600; }
.quiet { fill: #57606a; }
.ours { fill: #00897b; } text.ours { fill: #00695c; font-weight: 600; }
.theirs { fill: #9fb0bb; }
.grid { stroke: #d0d7de; stroke-width: 1; } .lead { stroke: #9fb0bb; stroke-width: 0.7; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .quiet { fill: #9aa6b2; }
  .ours { fill: #26a69a; } text.ours { fill: #4db6ac; }
  .theirs { fill: #5c6b77; } .grid { stroke: #3d444d; } .lead { stroke: #768390; }
}
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """A value with its name and the words that stand behind it."""

    name: str
    value: float
    label: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Point:
    """A named place."""

    name: str
    x: float
    y: float
    ours: bool


def bars(title: str, subtitle: str, values: Sequence[Bar]) -> str:
    """Horizontal bars, in the order given.

    Parameters
    ----------
    title, subtitle : str
    values : sequence of Bar
        Values above 0.
    """
    room = WIDTH - _NAMES - _VALUES
    largest = max(bar.value for bar in values)
    lengths = [room * bar.value / largest for bar in values]
    parts = list(_heading(title, subtitle))
    for number, (bar, length) in enumerate(zip(values, lengths, strict=True)):
        top = _TOP + number * _ROW
        kind, base = "ours" if bar.ours else "theirs", top + _BAR - 4
        parts += [
            _text(_NAMES - 10, base, bar.name, "ours" if bar.ours else "", anchor="end"),
            f'<rect class="{kind}" x="{_NAMES}" y="{top}" width="{max(length, 1.5):.1f}" '
            f'height="{_BAR}" rx="2"/>',
            _text(_NAMES + length + 7, base, bar.label, "ours" if bar.ours else "quiet"),
        ]
    return _svg(_TOP + len(values) * _ROW + 6, parts, f"{title}. {subtitle}")


def scatter(title: str, subtitle: str, points: Sequence[Point], y_label: str) -> str:
    """Points over a logarithmic x axis.

    Labels stand in rows, each with a line to its point: above the points of the upper half and
    below the others.
    """
    low, high = _y_range([point.y for point in points])
    ticks = _decades([point.x for point in points])
    fastest = max(points, key=lambda point: point.x)
    left, right, height = 64, WIDTH - max(40, _width(fastest.name)), 190

    def across(x: float) -> float:
        span = math.log10(ticks[-1] / ticks[0])
        return left + (right - left) * math.log10(x / ticks[0]) / span

    middle = (low + high) / 2
    upper = _levels([p for p in points if p.y >= middle], across)
    lower = _levels([p for p in points if p.y < middle], across)
    top = _TOP + 16 * (1 + max((level for _, level in upper), default=-1))
    bottom = top + height

    def down(y: float) -> float:
        return bottom - height * (y - low) / (high - low)

    parts = [*_heading(title, subtitle), _text(8, top - 10, y_label, "quiet")]
    for y in (low, middle, high):
        parts += [
            f'<path class="grid" d="M{left} {down(y):.1f}H{right}"/>',
            _text(left - 8, down(y) + 4, f"{y:.3g}", "quiet", anchor="end"),
        ]
    under = bottom + 18 + 16 * (1 + max((level for _, level in lower), default=-1))
    for x in ticks:
        parts.append(_text(across(x), under, f"{x:,.0f}", "quiet", anchor="middle"))
    for levels, base, step in ((upper, top - 12, -16), (lower, bottom + 14, 16)):
        for point, level in levels:
            parts += _labelled(point, across(point.x), down(point.y), base + step * level)
    return _svg(under + 10, parts, f"{title}. {subtitle}")


def _labelled(point: Point, x: float, y: float, label: float) -> list[str]:
    kind = "ours" if point.ours else "theirs"
    return [
        f'<path class="lead" d="M{x:.1f} {y:.1f}V{label - 4:.1f}"/>',
        f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>',
        _text(x + 4, label, point.name, "ours" if point.ours else ""),
    ]


def _levels(points: Sequence[Point], across: Callable[[float], float]) -> list[tuple[Point, int]]:
    """A row for each label, so that it meets neither another one nor another's line.

    A label covers what lies right of its point; it goes beyond the rows of the points there.
    """
    found: list[tuple[Point, int]] = []
    for point in sorted(points, key=lambda each: -each.x):
        end = across(point.x) + _width(point.name)
        found.append((point, 1 + max((row for p, row in found if across(p.x) < end), default=-1)))
    return found


def _width(label: str) -> float:
    return _CHARACTER * len(label) + 10


def _y_range(values: Sequence[float]) -> tuple[float, float]:
    """From a round value below the lowest to 1, which an agreement cannot exceed."""
    return min(math.floor(min(values) * 100) / 100, 0.98), 1.0


def _decades(values: Sequence[float]) -> list[float]:
    """1, 2, 5, 10, … around the values."""
    steps = [base * 10.0**power for power in range(-3, 9) for base in (1, 2, 5)]
    first = max(i for i, step in enumerate(steps) if step <= min(values))
    last = min(i for i, step in enumerate(steps) if step >= max(values))
    return steps[first : max(last, first + 1) + 1]


def _heading(title: str, subtitle: str) -> Iterator[str]:
    yield _text(8, 20, title, "title")
    yield _text(8, 40, subtitle, "quiet")


def _text(x: float, y: float, words: str, kind: str, *, anchor: str = "start") -> str:
    of_kind = f' class="{kind}"' if kind else ""
    side = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}"{of_kind}{side}>{escape(words)}</text>'


def _svg(height: float, parts: Iterable[str], words: str) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
            f'width="{WIDTH}" height="{height:.0f}" role="img" '
            f'aria-label="{escape(words, quote=True)}">',
            f"<style>{_STYLE}</style>",
            *parts,
            "</svg>",
            "",
        ]
    )
