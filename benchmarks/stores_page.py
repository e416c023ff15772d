"""The results of ``benchmarks stores`` and ``benchmarks retrieval`` as Markdown and plots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.stores.charts import Curve, curves
from benchmarks.stores.phases import TARGET
from benchmarks.stores.session import BARE, OURS, title
from benchmarks.stores.targets import p50
from benchmarks.stores.workload import SHARES

__all__ = ["drawings", "render"]

_LATENCY, _GROWTH = "stores-latency.svg", "stores-growth.svg"
_LOW = 0.95
_KINDS = {
    "random": "A field that has nothing to do with the vectors",
    "near": "The part of the space where the query's nearest row is",
    "far": "The part of the space farthest from the query",
}


def render(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown of the results that are there, by name of the benchmark.

    Examples
    --------
    >>> render({})
    ''
    """
    lines: list[str] = []
    if "stores" in results:
        lines += _stores(results["stores"]["figures"])
    if "retrieval" in results:
        lines += _retrieval(results["retrieval"]["figures"])
    return "\n".join(lines).strip()


def drawings(results: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """SVG by file name, for the folder of the page's images."""
    if "stores" not in results:
        return {}
    figures = results["stores"]["figures"]
    made = {}
    if figures["engines"]:
        made[_LATENCY] = _latency(figures)
    if len(figures["growth"]) > 1:
        made[_GROWTH] = _growth(figures["growth"])
    return made


def _stores(figures: Mapping[str, Any]) -> Iterator[str]:
    engines = figures["engines"]
    if engines:
        yield (
            f"{figures['rows']:,} rows: a vector of {figures['dimension']} float32, its sentence "
            "and six fields. Each engine runs alone in its own process while the others stand "
            f"still, at the fastest of its settings that finds {TARGET:.0%} of the exact ten "
            "nearest, or at its most thorough one. Answers hold text and fields."
        )
        yield from ("", *_table(_HEAD, (_row(name, each) for name, each in engines.items())))
        yield from ("", f"![Recall over milliseconds of one query](images/{_LATENCY})", "")
        yield from _filters(engines)
        yield from ("", "How each was set up:", "")
        yield from (_setup(name, each) for name, each in engines.items())
    yield from (
        f"- Not measured: {title(name)}: {reason}" for name, reason in figures["left out"].items()
    )
    if len(figures["growth"]) > 1:
        first, last = figures["growth"][0]["rows"], figures["growth"][-1]["rows"]
        yield from ("", f"**From {first:,} to {last:,} rows, Nearfield alone**", "")
        yield from _table(_GROWTH_HEAD, map(_step, figures["growth"]))
        yield from ("", f"![Milliseconds over rows](images/{_GROWTH})", "")


_HEAD = (
    "", "Recall@10", "p50 / p99 ms", "BM25 p50 / p99 ms", "Hybrid p50 ms", "Rows stored/s",
    "Bytes a row", "Resident (anonymous) bytes a vector", "Open + first query ms",
    "Two threads beside one",
)  # fmt: skip


def _row(name: str, each: Mapping[str, Any]) -> Sequence[str]:
    search, words, memory = each["search"], each["lexical"], each["memory"]
    return (
        _named(name),
        f"{search['recall']:.3f}",
        f"{p50(search):.2f} / {search['p99 ms']:.2f}",
        f"{p50(words):.2f} / {words['p99 ms']:.2f}" if words else "–",
        f"{p50(each['hybrid']):.2f}" if each["hybrid"] else "–",
        f"{each['ingest']['rows per second']:,.0f}" + (" ¹" if name in BARE else ""),
        f"{each['ingest']['bytes per row']:,.0f}" + (" ¹" if name in BARE else ""),
        f"{memory['resident bytes per vector']:,.0f} ({memory['anonymous bytes per vector']:,.0f})",
        f"{each['open and first query ms']['median']:,.0f}",
        f"{each['threads']['ratio']:.2f}×",
    )


def _filters(engines: Mapping[str, Any]) -> Iterator[str]:
    yield (
        "¹ Vectors alone: it stores neither ids nor text. Filters run at the same settings; "
        f"recall below {_LOW} is bold."
    )
    for kind, words in _KINDS.items():
        yield from ("", f"**Filtered: recall@10 · p50 ms.** {words}.", "")
        rows = (
            (_named(name), *(_filtered(each["filtered"][kind], share) for share in SHARES))
            for name, each in engines.items()
        )
        yield from _table(("Rows that match", *SHARES), rows)


def _filtered(shares: Mapping[str, Any], share: str) -> str:
    found = shares[share]
    recall = f"{found['recall']:.3f}"
    return f"{f'**{recall}**' if found['recall'] < _LOW else recall} · {p50(found):.2f}"


def _setup(name: str, each: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{package} {number}" for package, number in each["versions"].items())
    ingest = each["ingest"]
    beside = ingest["nearfield rows per second"]
    stored = f"stored {ingest['date'][:10]} at a load of {ingest['load average']}"
    ratio = (
        f", when Nearfield stored {beside / ingest['rows per second']:.1f} times as many rows a "
        "second" if beside else ""
    )  # fmt: skip
    return f"- {_named(name)} ({versions}): {each['settings']} = {each['knob']}; {stored}{ratio}."


_GROWTH_HEAD = (
    "Rows", "Recall@10", "p50 / p99 ms", "BM25 p50 ms", "Hybrid p50 ms", "1% filter p50 ms",
    "Rows stored/s", "Bytes a row", "Resident bytes a vector", "Open + first query ms",
)  # fmt: skip


def _step(step: Mapping[str, Any]) -> Sequence[str]:
    search = step["search"]
    return (
        f"{step['rows']:,}",
        f"{search['recall']:.4f}",
        f"{p50(search):.2f} / {search['p99 ms']:.2f}",
        *(f"{p50(step[what]):.2f}" if step[what] else "–" for what in ("lexical", "hybrid")),
        f"{p50(step['filtered']['random']['1%']):.2f}",
        f"{step['rows per second']:,.0f}",
        f"{step['bytes per row']:,.0f}",
        f"{step['memory']['resident bytes per vector']:,.0f}",
        f"{step['open and first query ms']:,.0f}",
    )


def _latency(figures: Mapping[str, Any]) -> str:
    """Each engine's settings from fast to thorough."""
    given = [
        Curve(
            title(name),
            [(point["p50 ms"], point["recall"]) for point in each["curve"]],
            name == OURS,
        )
        for name, each in figures["engines"].items()
    ]
    return curves(
        "Recall over the time of one query, left and high is better",
        f"{figures['rows']:,} sentences, {figures['dimension']} dimensions; each point a setting, "
        "up to the first that reaches 0.99",
        given,
        x_label="ms, p50",
        y_label="recall@10",
        logarithmic=False,
    )


def _growth(steps: Sequence[Mapping[str, Any]]) -> str:
    kinds: dict[str, Callable[[Mapping[str, Any]], Any]] = {
        "vectors": lambda step: step["search"],
        "words (BM25)": lambda step: step["lexical"],
        "hybrid": lambda step: step["hybrid"],
        "1% filter": lambda step: step["filtered"]["random"]["1%"],
    }
    given = [
        Curve(
            name, [(step["rows"], p50(of(step))) for step in steps if of(step)], name == "vectors"
        )
        for name, of in kinds.items()
    ]
    return curves(
        "Milliseconds of one query while a collection grows",
        "Medians of 1,000 queries, of 200 with the filter, which is of a random field",
        [curve for curve in given if curve.points],
        x_label="rows",
        y_label="ms, p50",
        logarithmic=True,
    )


def _retrieval(figures: Mapping[str, Any]) -> Iterator[str]:
    collections = figures["collections"]
    chosen = figures["chosen"]
    yield from ("", "**What is found: nDCG@10 × 100**", "")
    systems = next(iter(collections.values()))["nDCG@10"]
    rows = (
        (system, *(f"{each['nDCG@10'][system]:.2f}" for each in collections.values()))
        for system in systems
    )
    heads = (f"{name} ({each['queries']} questions)" for name, each in collections.items())
    yield from _table(("", *heads), rows)
    yield ""
    if "BM25" in figures:
        described = (
            f"{name}: k1 {of['k1']:g}, b {of['b']:g}, longer words with a word inside count "
            f"{of['inside']:g}"
            for name, of in figures["BM25"].items()
        )
        yield (
            f"{'; '.join(described)}. The plain one is what published figures of BM25 are made "
            "with (SciFact: 66.5 to 67.9): English stemming and Lucene's 33 stop words left out. "
            "Nearfield's own keeps stop words, keeps parts and wholes of joined words such as "
            "`IL-2` as terms, and saturates later."
        )
        yield ""
    yield (
        f"{figures['model']} and {figures['reranker']}. Chosen on SciFact's training questions and "
        f"CISI: weight of meaning {chosen['scores']['dense weight']:g} for scores and "
        f"{chosen['ranks']['dense weight']:g} for ranks, {chosen['reranked']['candidates']} "
        "candidates reranked. Differences were tested by paired randomisation (10,000 "
        "permutations, two-sided) with Holm's correction over all pairs of a collection:"
    )
    yield ""
    compared = (
        (name, f"{pair['first']} − {pair['second']}", f"{pair['difference']:+.2f}",
         f"{pair['adjusted']:.4f}", pair["verdict"])
        for name, each in collections.items()
        for pair in each["comparisons"]
    )  # fmt: skip
    yield from _table(("", "Systems", "Difference", "p (Holm)", "Verdict"), compared)


def _named(name: str) -> str:
    return f"**{title(name)}**" if name == OURS else title(name)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "| " + " | ".join("---" for _ in head) + " |"
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
