"""Curves as SVG text over a logarithmic x axis, in the style of ``benchmarks.plots``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.plots import WIDTH

__all__ = ["Curve", "curves"]

_LEFT, _RIGHT, _TOP, _BOTTOM, _HEIGHT = 64, 150, 78, 40, 260
_LINE = 15
"""Least distance of two labels."""

_STYLE = """
text { font: 12px ui-sans-serif, system-ui, "Segoe UI", Roboto, sans-serif; fill: #24292f; }
.title { font-size: 15px; font-weight: 600; }
.quiet { fill: #57606a; }
.ours { fill: #00897b; stroke: #00897b; } .theirs { fill: #9fb0bb; stroke: #9fb0bb; }
text.ours { fill: #00695c; stroke: none; font-weight: 600; }
text.theirs { fill: #24292f; stroke: none; }
path.ours, path.theirs { fill: none; stroke-width: 1.8; }
.grid { stroke: #d0d7de; stroke-width: 1; }
.lead { stroke: #9fb0bb; stroke-width: 0.6; fill: none; }
@media (prefers-color-scheme: dark) {
  text, text.theirs { fill: #e6edf3; } .quiet { fill: #9aa6b2; }
  .ours { fill: #26a69a; stroke: #26a69a; } text.ours { fill: #4db6ac; }
  .theirs { fill: #5c6b77; stroke: #5c6b77; } .grid { stroke: #3d444d; } .lead { stroke: #768390; }
}
"""


@dataclass(frozen=True, slots=True)
class Curve:
    """Points in the order in which they are joined; the name stands beside the last one."""

    name: str
    points: Sequence[tuple[float, float]]
    ours: bool


def curves(
    title: str,
    subtitle: str,
    given: Sequence[Curve],
    *,
    x_label: str,
    y_label: str,
    logarithmic: bool,
) -> str:
    """Draw all curves in one frame.

    Parameters
    ----------
    given : sequence of Curve
        At least one point each; x above 0, and y as well if it is logarithmic.
    logarithmic : bool
        Whether the y axis is; otherwise it ends at 1.
    """
    axes = _Axes.around(given, logarithmic=logarithmic)
    base = _TOP + _HEIGHT
    parts = [
        _text(8, 20, title, "title"),
        _text(8, 40, subtitle, "quiet"),
        _text(8, _TOP - 12, y_label, "quiet"),
        _text(WIDTH - _RIGHT, base + 34, x_label, "quiet", "end"),
    ]
    for y in axes.y_ticks:
        down = axes.down(y)
        parts.append(f'<path class="grid" d="M{_LEFT} {down:.1f}H{WIDTH - _RIGHT}"/>')
        parts.append(_text(_LEFT - 8, down + 4, _number(y), "quiet", "end"))
    parts += [_text(axes.across(x), base + 18, _number(x), "quiet", "middle") for x in axes.x_ticks]
    for curve, label in zip(given, _label_places(given, axes), strict=True):
        parts += _drawn(curve, axes, label)
    return _svg(base + _BOTTOM, parts, f"{title}. {subtitle}")


@dataclass(frozen=True, slots=True)
class _Axes:
    x_ticks: Sequence[float]
    y_ticks: Sequence[float]
    logarithmic: bool

    @classmethod
    def around(cls, given: Sequence[Curve], *, logarithmic: bool) -> _Axes:
        xs = [x for curve in given for x, _ in curve.points]
        ys = [y for curve in given for _, y in curve.points]
        return cls(_decades(xs), _decades(ys) if logarithmic else _upto_one(ys), logarithmic)

    def across(self, x: float) -> float:
        span = math.log(self.x_ticks[-1] / self.x_ticks[0])
        return _LEFT + (WIDTH - _RIGHT - _LEFT) * math.log(x / self.x_ticks[0]) / span

    def down(self, y: float) -> float:
        low, high = self.y_ticks[0], self.y_ticks[-1]
        share = (
            math.log(y / low) / math.log(high / low)
            if self.logarithmic
            else (y - low) / (high - low)
        )
        return _TOP + _HEIGHT * (1 - share)


def _drawn(curve: Curve, axes: _Axes, label: float) -> Iterator[str]:
    kind = "ours" if curve.ours else "theirs"
    places = [(axes.across(x), axes.down(y)) for x, y in curve.points]
    if len(places) > 1:
        joined = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        yield f'<path class="{kind}" d="M{joined}"/>'
    for x, y in places:
        yield f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
    x, y = places[-1]
    edge = WIDTH - _RIGHT + 10
    yield f'<path class="lead" d="M{x + 5:.1f} {y:.1f}L{edge - 4} {label:.1f}"/>'
    yield _text(edge, label + 4, curve.name, kind)


def _label_places(given: Sequence[Curve], axes: _Axes) -> list[float]:
    """Heights of the labels beside the frame, none nearer to another than a line."""
    wanted = [axes.down(curve.points[-1][1]) for curve in given]
    # Of those that end at the same height, the one that ends farther right is labelled above.
    order = sorted(range(len(given)), key=lambda i: (wanted[i], -given[i].points[-1][0]))
    places, least = [0.0] * len(given), float(_TOP)
    for place in order:
        places[place] = least = max(wanted[place], least)
        least += _LINE
    return places


def _decades(values: Sequence[float]) -> list[float]:
    """1, 10, 100, … or, within two decades, 1, 2, 5, 10, … around the values."""
    steps = [base * 10.0**power for power in range(-4, 9) for base in (1, 2, 5)]
    if max(values) / min(values) > 50:
        steps = steps[::3]
    first = max(i for i, step in enumerate(steps) if step <= min(values))
    last = min(i for i, step in enumerate(steps) if step >= max(values))
    return steps[first : max(last, first + 1) + 1]


def _upto_one(values: Sequence[float]) -> list[float]:
    low = min(math.floor(min(values) * 50) / 50, 0.98)
    return [round(low + part * (1 - low) / 4, 4) for part in range(5)]


def _number(x: float) -> str:
    """In full: a million is no 1e+06."""
    return f"{x:,.0f}" if x >= 1 and x == round(x) else f"{x:g}"


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{kind}" {place}>{escape(words)}</text>'


def _svg(height: float, parts: Sequence[str], words: str) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}" role="img" '
        f'aria-label="{escape(words, quote=True)}">'
    )
    return "\n".join([head, f"<style>{_STYLE}</style>", *parts, "</svg>", ""])
