"""What the store must reach, and the lines that are printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.harness import Check, at_least, at_most
from benchmarks.stores.phases import TARGET
from benchmarks.stores.session import BARE, OURS, title

__all__ = ["checks", "p50", "printed"]

_MILLION = 1_000_000
_NARROW = ("10%", "1%", "0.1%")
_TEN_TIMES = ("chroma", "lancedb")


def checks(figures: Mapping[str, Any]) -> Iterator[Check]:
    """The targets that this run can tell of."""
    engines = figures["engines"]
    if OURS in engines:
        ours = engines[OURS]
        yield from _searching(ours, engines)
        yield from _filtering(ours)
        yield from _words(ours)
        yield from _storing(ours, engines)
    for step in figures["growth"]:
        if step["rows"] == _MILLION:
            yield at_most("p50 at a million rows", step["search"]["p50 ms"], 3.0, "ms")
            yield at_least("recall@10 at a million rows", step["search"]["recall"], TARGET)
            yield at_most("bytes a row at a million rows", step["bytes per row"], 2200)
            yield at_most(
                "open a million rows and answer", step["open and first query ms"], 500, "ms"
            )
            yield at_most(
                "resident bytes a vector at a million rows",
                step["memory"]["resident bytes per vector"],
                250,
            )


def p50(found: Mapping[str, Any]) -> float:
    """Milliseconds of the median call, whether of one turn or of several rounds."""
    value = found["p50 ms"]
    return float(value["median"] if isinstance(value, Mapping) else value)


def _searching(ours: Mapping[str, Any], engines: Mapping[str, Any]) -> Iterator[Check]:
    mine = p50(ours["search"])
    yield at_least("recall@10", ours["search"]["recall"], TARGET)
    yield at_most("p50 of one query", mine, 0.35, "ms", required=False)
    for name, each in engines.items():
        if name != OURS and name not in BARE:
            yield at_most(
                f"p50, Nearfield beside {title(name)}", mine / p50(each["search"]), 1, "×"
            )
    yield at_least("two threads' queries beside one's", ours["threads"]["ratio"], 1.7, "×")


def _filtering(ours: Mapping[str, Any]) -> Iterator[Check]:
    for kind, shares in ours["filtered"].items():
        for share in _NARROW:
            yield at_most(f"p50, filter {kind} {share}", p50(shares[share]), 1.0, "ms")
            yield at_least(f"recall@10, filter {kind} {share}", shares[share]["recall"], TARGET)


def _words(ours: Mapping[str, Any]) -> Iterator[Check]:
    if ours["lexical"] is not None:
        yield at_most("BM25 p50", p50(ours["lexical"]), 0.3, "ms")
        yield at_most("BM25 p99", ours["lexical"]["p99 ms"], 1.0, "ms")
    if ours["hybrid"] is not None:
        yield at_most("hybrid p50", p50(ours["hybrid"]), 1.0, "ms")


def _storing(ours: Mapping[str, Any], engines: Mapping[str, Any]) -> Iterator[Check]:
    for name in _TEN_TIMES:
        stored = engines[name]["ingest"] if name in engines else {}
        if stored.get("nearfield rows per second"):
            ratio = stored["nearfield rows per second"] / stored["rows per second"]
            yield at_least(f"rows stored a second, beside {title(name)}", ratio, 10, "×")
    yield at_most("bytes a row", ours["ingest"]["bytes per row"], 2200)
    memory = ours["memory"]["resident bytes per vector"]
    yield at_most("resident bytes a vector", memory, 250)


def printed(figures: Mapping[str, Any], made: Sequence[Check]) -> Iterator[str]:
    """A line for each engine, each size, each check and each that was left out."""
    yield f"{'':<14}{'recall':>8}{'p50 ms':>9}{'p99':>8}{'rows/s':>9}{'bytes/row':>11}" + "".join(
        f"{name:>10}" for name in ("BM25 p50", "hybrid", "2 thr.", "open ms", "B/vector")
    )
    for name, each in figures["engines"].items():
        yield _line(name, each)
        for kind, shares in each["filtered"].items():
            cells = (f"{s}: {v['recall']:.3f} in {p50(v):.3f}" for s, v in shares.items())
            yield f"    {kind:<8} " + "   ".join(cells)
    for step in figures["growth"]:
        search = step["search"]
        yield (
            f"{step['rows']:>11,} rows: recall {search['recall']:.4f}, p50 {p50(search):.3f} ms, "
            f"{step['bytes per row']:,.0f} bytes/row, {step['rows per second']:,.0f} rows/s, "
            f"open {step['open and first query ms']:.0f} ms, "
            f"{step['memory']['resident bytes per vector']:,.0f} resident bytes/vector"
        )
    for check in made:
        verdict = "yes" if check.holds else "NO" if check.required else "not yet"
        measured = f"{check.measured:,.5g} {check.unit}".rstrip()
        yield f"{check.what:<52}{measured:>14}   {check.target:<12} {verdict}"
    for name, reason in figures["left out"].items():
        yield f"left out: {name}: {reason}"


def _line(name: str, each: Mapping[str, Any]) -> str:
    words = [f"{p50(each[w]):.3f}" if each[w] else "–" for w in ("lexical", "hybrid")]
    return (
        f"{name:<14}{each['search']['recall']:>8.4f}{p50(each['search']):>9.3f}"
        f"{each['search']['p99 ms']:>8.2f}{each['ingest']['rows per second']:>9,.0f}"
        f"{each['ingest']['bytes per row']:>11,.0f}{words[0]:>10}{words[1]:>10}"
        f"{each['threads']['ratio']:>10.2f}{each['open and first query ms']['median']:>10.1f}"
        f"{each['memory']['resident bytes per vector']:>10,.0f}"
    )
