"""The result of ``benchmarks embedding`` as a section of the docs page, with its plots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.markdown import table
from benchmarks.plots import Bar, Point, bars, scatter

__all__ = ["drawings", "lines"]

_THROUGHPUT, _LATENCY, _AGREEMENT = (
    f"embedding-{name}.svg" for name in ("throughput", "latency", "agreement")
)
_OURS = "Nearfield"


def lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """Markdown: the targets, the plots, everyone's figures, and the machine's limit."""
    yield from _conditions(figures)
    yield ""
    yield from table(
        ("", "Measured", "Must", "Aim", "Reached", ""),
        (
            [row[name] for name in ("what", "measured", "must", "aim", "verdict", "note")]
            for row in figures["table"]
        ),
    )
    for name, words in (
        (_THROUGHPUT, "Passages a second of every contender"),
        (_LATENCY, "Milliseconds of one query"),
        (_AGREEMENT, "Agreement with fp32 over speed"),
    ):
        yield from ("", f"![{words}](images/{name})")
    yield from ("", "**Everyone, same passages, same run**", "")
    yield from _contenders(figures["contenders"])
    if figures["left out"]:
        yield ""
        for name, reason in figures["left out"].items():
            yield f"- Not measured: {name}: {reason}"
    if figures["mpnet"].get("contenders"):
        yield from ("", "**all-mpnet-base-v2**", "")
        yield from _contenders(figures["mpnet"]["contenders"])
    yield from ("", "**The machine's limit**", "")
    yield from _limit(figures)


def drawings(figures: Mapping[str, Any]) -> dict[str, str]:
    """SVG by file name."""
    found = {
        name: each for name, each in figures["contenders"].items() if "passages per second" in each
    }
    same = {name: each for name, each in found.items() if not each["other_class"]}
    if not same:
        return {}
    made = {
        _THROUGHPUT: _throughput(figures, same),
        _LATENCY: _latency({name: each for name, each in found.items() if "query ms" in each}),
    }
    agreeing = {name: each for name, each in same.items() if "recall at 10" in each}
    if agreeing:
        made[_AGREEMENT] = _agreement(figures, agreeing)
    return made


def _throughput(figures: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    rates = {name: each["passages per second"]["median"] for name, each in found.items()}
    reference = rates.get("sentence-transformers")
    values = [
        Bar(
            name,
            rate,
            f"{rate:,.0f}" + (f" ({rate / reference:.2g}×)" if reference else ""),
            name.startswith(_OURS),
        )
        for name, rate in sorted(rates.items(), key=lambda item: -item[1])
    ]
    mean = figures["tokens per passage"]["mean"]
    return bars(
        "Passages a second, more is better",
        f"{figures['model']}, mean {mean:.0f} tokens, tokenising included, {figures['machine']}",
        values,
    )


def _latency(found: Mapping[str, Any]) -> str:
    ordered = sorted(found.items(), key=lambda item: item[1]["query ms"]["p50"])
    values = [
        Bar(
            name,
            each["query ms"]["p50"],
            f"{each['query ms']['p50']:.2f} ms",
            name.startswith(_OURS),
        )
        for name, each in ordered
        if not each["other_class"]
    ]
    return bars(
        "Milliseconds of one query, less is better",
        "Median of 8 to 16 tokens, one at a time",
        values,
    )


def _agreement(figures: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    points = [
        Point(
            name,
            each["passages per second"]["median"],
            each["recall at 10"],
            name.startswith(_OURS),
        )
        for name, each in found.items()
    ]
    return scatter(
        "Speed and agreement with fp32",
        f"Passages a second → (logarithmic); ↑ share of the ten nearest neighbours, among "
        f"{figures['vectors compared']} passages, that fp32 finds",
        points,
        "recall@10",
    )


def _conditions(figures: Mapping[str, Any]) -> Iterator[str]:
    ours = figures["contenders"].get("Nearfield fast", {})
    lengths = figures["tokens per passage"]
    kernel = f"`fast` computed with {ours['runtime']}. " if "runtime" in ours else ""
    yield (
        f"{figures['machine']}. {kernel}Passages: {figures['texts']}, {lengths['p5']} / "
        f"{lengths['p50']} / {lengths['p95']} tokens (5th, 50th, 95th percentile), mean "
        f"{lengths['mean']}."
    )
    if not figures["amx"]:
        yield ""
        yield (
            "The targets of speed were set for a processor with AMX, whose tiles multiply bf16 "
            "more than ten times as fast as fp32. **This one has none.**"
        )


def _contenders(found: Mapping[str, Any]) -> Iterator[str]:
    rows = []
    for name, each in found.items():
        query, cosine = each.get("query ms", {}), each.get("cosine", {})
        rows.append(
            [
                f"**{name}**" if name.startswith(_OURS) else name,
                each.get("runtime", ""),
                _number(each, "passages per second", "median", digits=0),
                _number(each, "tokens per second", "median", digits=0),
                f"{query['p50']:.2f} / {query['p99']:.2f}" if query else "",
                _number(each, "cold seconds", "median", digits=2),
                _number(each, "peak mb", digits=0),
                f"{cosine['mean']:.5f} / {cosine['min']:.4f}" if cosine else "",
                _number(each, "recall at 10", digits=3),
                f"{each.get('passages', 0):,}",
            ]
        )
    head = (
        "", "Runtime", "Passages/s", "Tokens/s", "Query p50 / p99 ms", "Cold s", "Peak MB",
        "Cosine mean / min", "Recall@10", "Passages a turn",
    )  # fmt: skip
    used = [place for place in range(len(head)) if place < 2 or any(row[place] for row in rows)]
    yield from table([head[i] for i in used], ([row[i] for i in used] for row in rows))


def _limit(figures: Mapping[str, Any]) -> Iterator[str]:
    limit, rows = figures["limit"], []
    for dtype in ("fp32", "bf16"):
        for what, each in limit.get(dtype, {}).items():
            if what != "best product":
                shown = what.replace("raw ", "instruction alone, ").replace("_", " ")
                tflops = f"{each['tflops']['median']:.3f}"
                rows.append([dtype, shown, tflops, f"{each['tokens per second']:,}"])
    yield from table(("", "Product, rows×in→out", "TFLOP/s", "Tokens/s it would allow"), rows)
    yield ""
    yield (
        f"{limit['threads']} threads; oneDNN through torch {limit.get('torch', '(missing)')}; "
        f"{figures['megaflop per token']} million operations a token."
    )
    for what, reason in limit["not measured"].items():
        yield f"Not measured: {what}: {reason}"


def _number(found: Mapping[str, Any], *path: str, digits: int) -> str:
    value: Any = found
    for part in path:
        if part not in value:
            return ""
        value = value[part]
    return f"{value:,.{digits}f}"
