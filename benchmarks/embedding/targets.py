"""What must be reached: each row is a figure of one run beside its limit and its aim."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.embedding.peers import EXACT, FAST, REFERENCE
from benchmarks.harness import Check, Json

__all__ = ["Row", "rows"]


@dataclass(frozen=True, slots=True)
class Row:
    """A figure with its targets.

    Attributes
    ----------
    what : str
    must, aim : float
    unit : str
        ``×``, ``%``, ``s`` or empty.
    measured : float or None
        None where it could not be measured.
    note : str
        What stands beside it: against whom, or why it is missing.
    higher : bool
        Whether more is better.
    tiles : bool
        Whether the targets were set for a processor with AMX.
    """

    what: str
    must: float
    aim: float
    unit: str
    measured: float | None
    note: str = ""
    higher: bool = True
    tiles: bool = False

    def reaches(self, limit: float) -> bool:
        """Whether the figure is on the right side of a limit."""
        if self.measured is None:
            return False
        return self.measured >= limit if self.higher else self.measured <= limit

    def verdict(self, *, has_tiles: bool) -> str:
        """In a word or two."""
        if self.measured is None:
            return "not measured"
        if self.reaches(self.must):
            return "aim" if self.reaches(self.aim) else "yes"
        return "no" if has_tiles or not self.tiles else "no (no AMX here)"

    def shown(self, value: float | None) -> str:
        """A value with its unit."""
        if value is None:
            return "–"
        digits = 1 if self.unit == "%" or value >= 10 else 2
        text = f"{value:.{digits}f}" if value != int(value) else f"{value:.0f}"
        return f"{text}{' ' if self.unit == 's' else ''}{self.unit}"

    def target(self, value: float) -> str:
        """A limit with its direction."""
        space = " " if self.unit == "s" else ""
        return f"{'≥' if self.higher else '≤'} {value:g}{space}{self.unit}"

    def checks(self, *, has_tiles: bool) -> Iterator[Check]:
        """For the run's exit code; an aim, or a target set for AMX where there is none, is soft."""
        if self.measured is None:
            return
        for limit, hard in ((self.must, has_tiles or not self.tiles), (self.aim, False)):
            measured, target = round(self.measured, 4), self.target(limit)
            yield Check(self.what, measured, self.unit, target, self.reaches(limit), hard)

    def figures(self, *, has_tiles: bool) -> dict[str, Json]:
        """What results keep: numbers, and the cells of the table."""
        return {
            "what": self.what,
            "value": None if self.measured is None else round(self.measured, 4),
            "measured": self.shown(self.measured),
            "must": self.target(self.must),
            "aim": self.target(self.aim),
            "verdict": self.verdict(has_tiles=has_tiles),
            "note": self.note,
        }


def rows(figures: Mapping[str, Any]) -> list[Row]:
    """The table of a run's figures."""
    found = figures["contenders"]
    return [
        *_speed(found),
        _share(found, figures["limit"]),
        _larger(figures["mpnet"]),
        _without_tiles(found),
        *_waiting(found),
        *_quality(figures["quality"]),
    ]


def _rate(found: Mapping[str, Any], name: str) -> float | None:
    return _at(found, name, "passages per second", "median")


def _at(found: object, *path: str) -> float | None:
    for part in path:
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    assert isinstance(found, int | float)
    return float(found)


def _ratio(above: float | None, below: float | None) -> float | None:
    return None if above is None or not below else above / below


def _speed(found: Mapping[str, Any]) -> Iterator[Row]:
    ours = _rate(found, FAST)
    ratio = _ratio(ours, _rate(found, REFERENCE))
    yield Row(f"passages/s, fast, vs {REFERENCE} fp32", 12, 18, "×", ratio, tiles=True)
    others = {
        name: rate
        for name, each in found.items()
        if not each["native"] and not each["other_class"] and (rate := _rate(found, name))
    }
    best = max(others, key=lambda name: others[name], default="")
    ratio = _ratio(ours, others.get(best))
    yield Row("passages/s vs the fastest other runtime", 2.5, 3.5, "×", ratio, best, tiles=True)


def _share(found: Mapping[str, Any], limit: Mapping[str, Any]) -> Row:
    tokens = _at(found, FAST, "tokens per second", "median")
    share = _ratio(tokens, _at(limit, "bf16", "best product", "tokens per second"))
    raw = next((what for what in limit.get("bf16", ()) if what.startswith("raw")), "")
    of_raw = _ratio(tokens, _at(limit, "bf16", raw, "tokens per second"))
    note = f"{of_raw:.0%} of {raw.replace('_', ' ')}" if of_raw is not None else ""
    percent = None if share is None else 100 * share
    return Row("share of oneDNN's best bf16 product", 50, 70, "%", percent, note, tiles=True)


def _larger(mpnet: Mapping[str, Any]) -> Row:
    found = mpnet.get("contenders", {})
    ratio = _ratio(_rate(found, FAST), _rate(found, REFERENCE))
    exact = _ratio(_rate(found, EXACT), _rate(found, REFERENCE))
    note = "" if exact is None else f"exact: {exact:.1f}×"
    what = f"all-mpnet-base-v2, fast, vs {REFERENCE} fp32"
    return Row(what, 8, 14, "×", ratio, note or mpnet.get("missing", ""), tiles=True)


def _without_tiles(found: Mapping[str, Any]) -> Row:
    what = f"AVX-512 fp32 vs {REFERENCE} fp32"
    runtime = found.get(EXACT, {}).get("runtime", "")
    if runtime != "native-avx512":
        return Row(what, 1.3, 1.8, "×", None, f"computed here with {runtime or 'nothing'}")
    return Row(what, 1.3, 1.8, "×", _ratio(_rate(found, EXACT), _rate(found, REFERENCE)))


def _waiting(found: Mapping[str, Any]) -> Iterator[Row]:
    ours, theirs = (_at(found, name, "query ms", "p50") for name in (FAST, REFERENCE))
    note = "" if None in (ours, theirs) else f"{ours:.2f} ms, its {theirs:.2f} ms"
    what = f"single query p50, share of {REFERENCE}'"
    ratio = _ratio(ours, theirs)
    yield Row(what, 1 / 5, 1 / 8, "×", ratio, note, higher=False, tiles=True)
    seconds = _at(found, FAST, "cold seconds", "median")
    yield Row("cold process to first vector", 0.4, 0.2, "s", seconds, higher=False)
    ours, theirs = (_at(found, name, "peak mb") for name in (FAST, REFERENCE))
    note = "" if None in (ours, theirs) else f"{ours:,.0f} MB, its {theirs:,.0f} MB"
    what = f"peak memory, share of {REFERENCE}'"
    yield Row(what, 0.35, 0.2, "×", _ratio(ours, theirs), note, higher=False)


def _quality(quality: Mapping[str, Any]) -> Iterator[Row]:
    for task in ("STSBenchmark Spearman", "SciFact nDCG@10"):
        fast, exact = (_at(quality, "tasks", task, kind) for kind in ("fast", "exact"))
        what = f"{task} × 100, fast, distance to fp32"
        if fast is None or exact is None:
            yield Row(what, 0.1, 0.005, "", None, quality.get("missing", ""), higher=False)
        else:
            note = f"{fast:.2f}, fp32 {exact:.2f}"
            yield Row(what, 0.1, 0.005, "", abs(fast - exact), note, higher=False)


def printed(table: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Lines for a terminal."""
    head = {"what": "", "measured": "measured", "must": "must", "aim": "aim", "verdict": ""}
    columns: Sequence[tuple[str, int]] = (
        ("what", 54), ("measured", 9), ("must", 9), ("aim", 9), ("verdict", 17),
    )  # fmt: skip
    for row in ({**head, "note": ""}, *table):
        cells = [f"{row[name]:<{width}}" for name, width in columns]
        yield "  ".join([*cells, row["note"]]).rstrip()
