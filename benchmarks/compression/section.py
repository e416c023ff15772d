"""The compression study as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.markdown import table

__all__ = ["drawings", "lines"]


def lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """A table for each model and set."""
    yield (
        "*Kept* is nDCG@10 as a share of float32's, with a 95% interval of a paired bootstrap; the "
        "verdict is a paired test with Holm's correction over the table. *Recall* is the share of "
        "the ten nearest by float32 that are found. Bytes are those in memory for a vector; "
        "`binary-float32` and HNSW keep float32 vectors on disk beside. *Time* is the median "
        "of a question's search by NumPy, or by the compiled graph, on one thread, all ways taking "
        "turns: to compare within a table."
    )
    for name, one in figures.items():
        yield ""
        yield f"**{name}**, {one['documents']:,} documents, {one['queries']:,} questions"
        yield ""
        yield from table(
            ("Vectors", "Bytes", "nDCG@10", "Kept", "95% interval", "Verdict", "Recall@10", "Time"),
            (_row(way) for way in one["ways"]),
        )
        yield ""
        if one["smallest"]:
            yield f"Fewest bytes whose interval reaches 100% in a full scan: {one['smallest']}."


def drawings(figures: Mapping[str, Any]) -> dict[str, str]:
    """No plots."""
    del figures
    return {}


def _row(way: Mapping[str, Any]) -> tuple[str, ...]:
    kept = way["kept"]
    return (
        way["name"],
        f"{way['bytes']:,.0f}",
        f"{way['ndcg@10']['mean']:.3f}",
        f"{kept['mean']:.1%}",
        f"{kept['low']:.1%} to {kept['high']:.1%}",
        way["verdict"],
        f"{way['recall']['mean']:.3f}",
        f"{way['milliseconds']:.2f} ms",
    )
