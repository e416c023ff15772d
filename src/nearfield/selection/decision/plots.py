"""Plots of a decision as SVG that stands in the page and takes its colours from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from nearfield.search.options import Mode
from nearfield.selection.decision.units import time_text

__all__ = ["Mark", "bar_of", "colours_of", "pareto", "rungs"]

_WIDTH, _HEIGHT = 760, 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 18, 48
_COLOURS = 8


@dataclass(frozen=True, slots=True)
class Mark:
    """A candidate in the plot of quality and time.

    Attributes
    ----------
    label, model : str
    mode : Mode
    quality, seconds : float
    front, recommended : bool
    """

    label: str
    model: str
    mode: Mode
    quality: float
    seconds: float
    front: bool = False
    recommended: bool = False


def colours_of(models: Sequence[str]) -> dict[str, str]:
    """A colour of the page's palette for each model."""
    distinct = list(dict.fromkeys(models))
    return {name: f"var(--c{place % _COLOURS})" for place, name in enumerate(distinct)}


def pareto(marks: Sequence[Mark], quality_name: str) -> str:
    """Quality over latency; the front as steps, the recommendation ringed.

    All marks are of the same questions: others do not compare.
    """
    if not marks:
        return ""
    axes = _Axes.of(marks)
    colours = colours_of([mark.model for mark in marks])
    parts = [
        f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(quality_name)} of every candidate over the time of a question">'
    ]
    parts += _grid(axes, quality_name)
    parts += _front(axes, marks)
    ordered = sorted(marks, key=lambda mark: (mark.recommended, mark.front))
    parts += [_shape(axes, mark, colours[mark.model]) for mark in ordered]
    parts.append("</svg>")
    return "".join(parts) + _legend(marks, colours)


@dataclass(frozen=True, slots=True)
class _Axes:
    """From figures to places on the paper; time is logarithmic."""

    first: float
    last: float
    low: float
    high: float

    @classmethod
    def of(cls, marks: Sequence[Mark]) -> _Axes:
        times = [log10(max(mark.seconds, 1e-7)) for mark in marks]
        least, most = min(times), max(times)
        room = max(0.12, 0.06 * (most - least))
        values = [mark.quality for mark in marks]
        step = _step(max(values) - min(values))
        low = max(0.0, floor(min(values) / step - 0.25) * step)
        high = ceil(max(values) / step + 0.25) * step
        return cls(least - room, most + room, low, high)

    def x(self, seconds: float) -> float:
        share = (log10(max(seconds, 1e-7)) - self.first) / (self.last - self.first)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, quality: float) -> float:
        share = (quality - self.low) / max(self.high - self.low, 1e-9)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _step(span: float) -> float:
    """A round distance between lines, for about five of them."""
    raw = max(span, 0.02) / 5
    unit = 10.0 ** floor(log10(raw))
    return next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw)


def _grid(axes: _Axes, quality_name: str) -> list[str]:
    parts = []
    step = _step(axes.high - axes.low)
    value = axes.low
    while value <= axes.high + 1e-9:
        y = axes.y(value)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>')
        value += step
    for seconds in _ticks(axes):
        x = axes.x(seconds)
        parts.append(
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
            f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 18}" '
            f'text-anchor="middle">{_tick(seconds)}</text>'
        )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(
        f'<text class="axis" x="{middle:.0f}" y="{_HEIGHT - 8}" text-anchor="middle">'
        "median time of a question (logarithmic)</text>"
        f'<text class="axis" transform="translate(14 {_HEIGHT / 2 - 10:.0f}) rotate(-90)" '
        f'text-anchor="middle">{escape(quality_name)}</text>'
    )
    return parts


def _ticks(axes: _Axes) -> list[float]:
    wide = axes.last - axes.first > 1.6
    factors = (1, 3) if wide else (1, 2, 3, 5, 7)
    found = []
    for power in range(floor(axes.first) - 1, ceil(axes.last) + 1):
        for factor in factors:
            seconds = factor * 10.0**power
            if axes.first <= log10(seconds) <= axes.last:
                found.append(seconds)
    return found


def _tick(seconds: float) -> str:
    value, unit = (seconds * 1e3, "ms") if seconds < 1 else (seconds, "s")
    return f"{value:g} {unit}" if value >= 0.001 else time_text(seconds)


def _front(axes: _Axes, marks: Sequence[Mark]) -> list[str]:
    """Steps through those that no other candidate beats in quality and time at once."""
    steps: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: (mark.seconds, -mark.quality)):
        if not steps or mark.quality > steps[-1].quality:
            steps.append(mark)
    if len(steps) < 2:
        return []
    path = f"M{axes.x(steps[0].seconds):.1f} {axes.y(steps[0].quality):.1f}"
    for mark in steps[1:]:
        path += f" H{axes.x(mark.seconds):.1f} V{axes.y(mark.quality):.1f}"
    return [f'<path class="front" d="{path}"/>']


def _shape(axes: _Axes, mark: Mark, colour: str) -> str:
    x, y = axes.x(mark.seconds), axes.y(mark.quality)
    title = f"<title>{escape(mark.label)}: {mark.quality:.3f}, {time_text(mark.seconds)}</title>"
    style = f'fill="{colour}" stroke="{colour}" stroke-width="1.5"'
    parts = []
    if mark.recommended:
        right = x > _WIDTH * 0.7
        anchor, shift = ("end", -16) if right else ("start", 16)
        parts.append(
            f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="11"/>'
            f'<text class="chosen" x="{x + shift:.1f}" y="{y - 10:.1f}" text-anchor="{anchor}">'
            "recommended</text>"
        )
    match mark.mode:
        case Mode.LEXICAL:
            d = f"M{x:.1f} {y - 6:.1f} l6 11 h-12 z"
            parts.append(f'<path d="{d}" {style}>{title}</path>')
        case Mode.HYBRID:
            parts.append(
                f'<rect x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10" '
                f"{style}>{title}</rect>"
            )
        case _:
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5.2" {style}>{title}</circle>')
    return "".join(parts)


def _legend(marks: Sequence[Mark], colours: Mapping[str, str]) -> str:
    items = [
        f'<span><i style="background:{colour}"></i>{escape(model)}</span>'
        for model, colour in colours.items()
    ]
    shapes = {Mode.DENSE: "● meaning", Mode.HYBRID: "■ meaning and words", Mode.LEXICAL: "▲ words"}
    items += [f"<span>{shapes[m]}</span>" for m in shapes if any(mark.mode is m for mark in marks)]
    return f'<p class="legend">{"".join(items)}</p>'


def bar_of(low: float, mean: float, high: float, *, least: float, most: float, strong: bool) -> str:
    """A figure with its interval, as a small bar on the scale of a table."""
    width, height = 120, 16
    span = max(most - least, 1e-9)

    def at(value: float) -> float:
        return 4 + (width - 8) * min(1.0, max(0.0, (value - least) / span))

    kind = "interval strong" if strong else "interval"
    return (
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{mean:.3f}, interval {low:.3f} to {high:.3f}">'
        f'<line x1="{at(low):.1f}" x2="{at(high):.1f}" y1="8" y2="8"/>'
        f'<circle cx="{at(mean):.1f}" cy="8" r="4"/></svg>'
    )


def rungs(steps: Sequence[tuple[int, int, int]]) -> str:
    """How many candidates were asked on each rung and how many of them went.

    Parameters
    ----------
    steps : sequence of (int, int, int)
        Questions, candidates asked, candidates that went.
    """
    if not steps:
        return ""
    widest = max(asked for _, asked, _ in steps)
    row, left, width = 34, 130, 420
    parts = [
        f'<svg class="plot small" viewBox="0 0 {left + width + 170} {row * len(steps) + 6}" '
        'role="img" aria-label="Candidates on each rung">'
    ]
    for place, (asked_of, asked, gone) in enumerate(steps):
        y = place * row + 4
        whole, kept = width * asked / widest, width * (asked - gone) / widest
        parts.append(
            f'<text x="{left - 10}" y="{y + 17}" text-anchor="end">{asked_of} questions</text>'
            f'<rect class="gone" x="{left}" y="{y}" width="{whole:.1f}" height="24" rx="3"/>'
            f'<rect class="kept" x="{left}" y="{y}" width="{kept:.1f}" height="24" rx="3"/>'
            f'<text x="{left + whole + 8:.1f}" y="{y + 17}">{asked} asked, '
            f"{asked - gone} stay</text>"
        )
    parts.append("</svg>")
    return "".join(parts)
