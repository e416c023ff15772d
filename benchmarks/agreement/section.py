"""The agreement study as Markdown and as a plot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.agreement.conditions import FEWEST, HUMAN
from benchmarks.markdown import table
from benchmarks.plots import Bar, bars

__all__ = ["drawings", "lines"]

_PLOT = "agreement.svg"
_LEAST = 0.01
"""Shortest bar, so that an agreement of nothing is seen at all."""


def lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """Markdown: agreement by set and kind, then what each system reached."""
    systems, writer = figures["systems"], figures.get("generator")
    yield (
        f"{len(systems)} systems ({', '.join(systems)}) are ranked by nDCG@10 on questions that "
        "the documents ask themselves and on people's questions. τ is Kendall's τ-b between the "
        "two rankings, with a 95% bootstrap interval over both sets of questions. *Decided pairs* "
        "are the pairs of systems that people's questions tell apart (paired test, p < 0.05): the "
        "share on which both rankings agree. *Regret* is how much nDCG@10, by people, the first "
        "system without labels lacks to the best one; *tie* says that the two cannot be told apart."
    )
    most = figures.get("documents")
    if most:
        yield ""
        yield (
            f"Of each collection {most:,} documents take part, drawn by chance beside one answer "
            "of each question, with the judgements that concern them: figures are higher than on "
            "the whole collections, and the order of systems is what counts."
        )
    yield ""
    yield (
        f"A kind of which a collection gives fewer than {FEWEST} questions has no row; one of few "
        "has a wide interval. Headings stand in one of the five documents of chunking-eval only."
        + (f" *generated* questions were written by {writer}." if writer else "")
    )
    yield ""
    yield (
        "Kinds and filters were settled while reading questions of the sets marked *dev*; the "
        "rule on prose came later, from pages of Markdown. None was chosen by these figures; "
        "figures of all sets had been seen when that rule came."
    )
    yield ""
    yield from table(
        ("Set", "Questions", "τ", "95% interval", "Decided pairs", "First", "Regret", "Verdict"),
        _agreements(figures["sets"]),
    )
    yield ""
    yield (
        "For comparison: *halves* is the τ of people's questions with themselves, random halves, "
        "which is the most to be expected; *other sets* is the τ of the mean over the other sets' "
        "questions by people, which is what a leaderboard gives."
    )
    yield ""
    yield from table(
        ("Set", "Own questions", "Halves", "Other sets", "Regret, own", "Regret, other sets"),
        _beside(figures["sets"]),
    )
    yield ""
    yield f"![Agreement of rankings by set](images/{_PLOT})"
    yield ""
    yield from table(("Set", "Questions", *systems), _reached(figures["sets"], systems))


def drawings(figures: Mapping[str, Any]) -> dict[str, str]:
    """The plot: τ of own questions, beside a leaderboard's."""
    values: list[Bar] = []
    for name, one in figures["sets"].items():
        own = _own(one)
        if own is not None:
            values.append(Bar(name, max(own["tau"], _LEAST), f"τ {own['tau']:.2f}", ours=True))
        other = one["leaderboard"].get("tau")
        if other is not None:
            values.append(Bar("other sets", max(other, _LEAST), f"τ {other:.2f}", ours=False))
    title = "Questions of the documents' own, against people's"
    return {_PLOT: bars(title, "Kendall's τ between the two rankings of systems", values)}


def _own(one: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The mixture of kinds that is made where nobody says anything else."""
    found: Mapping[str, Any] | None = one["kinds"].get("all")
    return found


def _agreements(sets: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, one in sets.items():
        for kind, entry in one["kinds"].items():
            if kind == HUMAN:
                continue
            yield (
                f"{name} (dev)" if one["development"] else name,
                f"{entry['questions']} {kind}",
                f"{entry['tau']:.2f}",
                f"{entry['low']:.2f} to {entry['high']:.2f}",
                f"{entry['decided']:.0%} of {entry['pairs']}",
                entry["winner"],
                f"{entry['regret']:.3f}",
                "best" if entry["winner"] == entry["best"] else _verdict(entry),
            )


def _verdict(entry: Mapping[str, Any]) -> str:
    return "tie" if entry["within_noise"] else f"worse than {entry['best']}"


def _beside(sets: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, one in sets.items():
        own, other = _own(one), one["leaderboard"]
        halves = one["kinds"][HUMAN]["halves"]
        if own is None:
            continue
        yield (
            name,
            f"{own['tau']:.2f}",
            f"{halves['tau']:.2f}",
            f"{other['tau']:.2f}" if other else "",
            f"{own['regret']:.3f}",
            f"{other['regret']:.3f}" if other else "",
        )


def _reached(sets: Mapping[str, Any], systems: list[str]) -> Iterator[tuple[str, ...]]:
    for name, one in sets.items():
        for kind, entry in one["kinds"].items():
            means = entry["ndcg@10"]
            cells = [f"{means[system]:.3f}" for system in systems]
            yield name, f"{entry['questions']} {kind}", *cells
