"""The README's table of measured figures, made from the newest results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.stores.session import BARE, title
from benchmarks.stores.targets import p50

__all__ = ["table"]

_PEER = "sentence-transformers"


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown: figures beside the peer of the same run, then the store beside databases."""
    embedding = results.get("embedding")
    rows = [
        *(_embedding(embedding) if embedding else _encode(results.get("encode"))),
        *_startup(results.get("startup")),
        *_indexing(results.get("indexing")),
        *_quality(results),
        *_size(results.get("size")),
    ]
    if not rows:
        return "No results yet."
    what = (
        "all-MiniLM-L6-v2, on a processor"
        if embedding
        else "all-MiniLM-L6-v2, fp32, on a processor"
    )
    head = (what, "Nearfield", "sentence-transformers")
    lines = [_line(head), _line(["---", "---:", "---:"]), *map(_line, rows)]
    first = embedding or next(result for name, result in results.items() if name != "stores")
    lines += ["", f"Measured on {_machine(first)}, both in one run."]
    lines += _stores(results.get("stores"))
    return "\n".join(lines)


def _embedding(result: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    figures = result["figures"]
    found = figures["contenders"]
    theirs = found.get(_PEER)
    if theirs is None:
        return
    tokens = figures["tokens per passage"]["mean"]
    for name, words in (("Nearfield fast", "`fast`, bf16"), ("Nearfield exact", "`exact`, fp32")):
        ours = found.get(name)
        if ours is None:
            continue
        rate, other = (x["passages per second"]["median"] for x in (ours, theirs))
        yield (
            f"Passages a second, {words} (mean {tokens:.0f} tokens)",
            f"**{rate:,.0f}** ({rate / other:.1f}×)",
            f"{other:,.0f}",
        )
        quick, slow = (x["query ms"]["p50"] for x in (ours, theirs))
        yield (
            f"One question, median, {words}",
            f"**{quick:.1f} ms** ({slow / quick:.1f}× sooner)",
            f"{slow:.1f} ms",
        )
    ours = found.get("Nearfield fast") or found.get("Nearfield exact")
    if ours is not None:
        cold, slow = (x["cold seconds"]["median"] for x in (ours, theirs))
        yield "Cold process to the first vector", f"**{cold:.2f} s**", f"{slow:.2f} s"
        peak, larger = (x["peak mb"] for x in (ours, theirs))
        yield "Peak memory of an encoding process", f"**{peak:,.0f} MB**", f"{larger:,.0f} MB"


def _encode(result: Mapping[str, Any] | None) -> Iterator[Sequence[str]]:
    if result is None or _PEER not in result["figures"]:
        return
    figures = result["figures"]
    ours, theirs = figures["nearfield"], figures[_PEER]
    rate, other = (x["passages_per_second"]["median"] for x in (ours, theirs))
    yield (
        "Passages a second (mean 320 characters)",
        f"**{rate:,.0f}** ({rate / other:.1f}×)",
        f"{other:,.0f}",
    )
    fast, slow = (x["query_milliseconds"]["p50"] for x in (ours, theirs))
    yield "One question, median", f"**{fast:.1f} ms** ({slow / fast:.1f}× sooner)", f"{slow:.1f} ms"
    yield "Smallest cosine between both libraries' vectors", f"{figures['cosine']['min']:.6f}", ""


def _startup(result: Mapping[str, Any] | None) -> Iterator[Sequence[str]]:
    seconds = {} if result is None else result["figures"]["seconds"]
    peer = next((name for name in seconds if name.startswith(_PEER)), None)
    if peer is None:
        return
    yield (
        "Cold process: search of 10,000 passages; load and encode one question",
        f"**{seconds['nearfield search']['median']:.2f} s**",
        f"{seconds[peer]['median']:.2f} s",
    )


def _indexing(result: Mapping[str, Any] | None) -> Iterator[Sequence[str]]:
    figures = {} if result is None else result["figures"]
    peer = next((name for name in figures if name.startswith(_PEER)), None)
    if peer is None:
        return
    runs = len(figures[peer]["runs"])
    yield (
        "5,000 passages: read, cut, encode, store; encode alone"
        + (f" ({runs} run)" if runs == 1 else ""),
        f"**{figures['seconds']['nearfield index']['median']:.0f} s**",
        f"{figures[peer]['median']:.0f} s",
    )


def _quality(results: Mapping[str, Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    for name in ("figures", "figures-mpnet"):
        if name not in results:
            continue
        figures = results[name]["figures"]
        for task, value in figures.items():
            if isinstance(value, Mapping) and "published" in value:
                label = f"{figures['model']}: {task} × 100 (published)"
                yield label, f"{value['measured']:.2f}", f"{value['published']:.2f}"


def _stores(result: Mapping[str, Any] | None) -> Iterator[str]:
    if result is None:
        return
    figures = result["figures"]
    engines = {n: each for n, each in figures["engines"].items() if n not in BARE}
    yield ""
    yield _line((
        f"{figures['rows']:,} vectors, text, fields", "One query", "Recall@10", "Words (BM25)",
        "Rows stored a second", "Disk a row", "Memory a vector", "Two threads",
    ))  # fmt: skip
    yield _line(["---", *["---:"] * 7])
    for name, each in engines.items():
        words, ingest = each["lexical"], each["ingest"]
        yield _line((
            title(name),
            f"{p50(each['search']):.2f} ms",
            f"{each['search']['recall']:.3f}",
            f"{p50(words):.2f} ms" if words else "–",
            f"{ingest['rows per second']:,.0f}",
            f"{ingest['bytes per row']:,.0f} B",
            f"{each['memory']['resident bytes per vector']:,.0f} B",
            f"{each['threads']['ratio']:.1f}×",
        ))  # fmt: skip
    yield ""
    yield (
        f"{figures['dimension']} dimensions; medians, on {_machine(result)}, all in one run, each "
        "alone in its process."
    )


def _machine(result: Mapping[str, Any]) -> str:
    hardware = result["hardware"]
    return f"{hardware['cores']} cores of {hardware['cpu']} ({', '.join(hardware['flags'])})"


def _size(result: Mapping[str, Any] | None) -> Iterator[Sequence[str]]:
    if result is not None:
        yield "Base install with the model", f"{result['figures']['total_mb']:.0f} MB", ""


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
