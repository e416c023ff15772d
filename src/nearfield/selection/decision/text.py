"""The decision record as Markdown, for repositories and reviews."""

from __future__ import annotations

from nearfield.selection import toml
from nearfield.selection.decision import grounds, words
from nearfield.selection.decision.record import Decision
from nearfield.selection.decision.units import size, time_text

__all__ = ["render"]

_SHOWN = 14


def render(decision: Decision) -> str:
    """Write the record; tables hold what the page shows, but for the plots."""
    parts = [
        f"# Decision record: {_cell(decision.data.name)}",
        f"**{_line(words.headline(decision))}**",
        "\n".join(f"- {_line(reason)}" for reason in words.reasons(decision)),
        "\n>\n".join(f"> Note: {_line(note)}" for note in words.notes(decision)),
        "## Run it",
        _code(grounds.commands(decision), "sh"),
        _code(toml.dumps(decision.pipeline, head=""), "toml"),
        "## What was compared",
        f"{_line(words.questions(decision))} {_line(words.yardstick(decision))}",
        _candidates(decision),
        *_effects(decision),
        "## How the field was narrowed",
        "\n".join(
            f"- {rung.questions} questions: {rung.asked} candidates asked, {rung.dropped} went"
            + ("" if rung.complete else "; time ran out before all were asked")
            for rung in decision.rungs
        ),
        *_worst(decision),
        "## What was not tried, and why",
        "\n".join(f"- {_line(each.what)}: {_line(each.why)}" for each in decision.not_tried)
        or "Everything that was asked for was tried.",
        "## How to read this",
        "\n\n".join(
            f"**{title}.** {_line(said)}" for title, said in grounds.explanations(decision)
        ),
        "## How it was made",
        _took(decision),
        "\n".join(f"- {name}: `{_line(value)}`" for name, value in decision.environment.items()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _candidates(decision: Decision) -> str:
    rows = []
    choice = decision.choice
    for point in choice.points[:_SHOWN]:
        found = grounds.interval_of(decision, point)
        verdict = choice.verdicts[point.trial.key]
        said = "best" if point is choice.best else f"{verdict.word} (−{verdict.loss:.3f})"
        name = _cell(point.pipeline.label)
        rows.append(
            [
                f"**{name}**" if point is choice.recommended else name,
                f"{point.quality:.3f}",
                f"{found.low:.3f} – {found.high:.3f}",
                said,
                time_text(point.latency),
                time_text(point.trial.quantile(0.99)),
                size(point.trial.memory),
                f"{point.cost:.1f}",
            ]
        )
    more = len(decision.trials) - len(rows)
    head = [
        "Candidate",
        decision.yardstick,
        "95% interval",
        "Verdict",
        "Median",
        "99%",
        "Memory",
        "Cost",
    ]
    return _table(head, rows) + (f"\n\n{more} more candidates are on the page." if more > 0 else "")


def _effects(decision: Decision) -> list[str]:
    found = grounds.effects(decision)
    if not found:
        return []
    rows = [
        [
            effect.factor,
            _cell(effect.value),
            f"{effect.best.quality:.3f}",
            "–" if effect.loss <= 0 else f"−{effect.loss:.3f}",
            "worse"
            if effect.worse
            else "best"
            if effect.loss <= 0
            else "tie"
            if effect.loss <= decision.choice.tolerance
            else "unsure",
        ]
        for effect in found
    ]
    return [
        "## What each choice is worth",
        _table(["Choice", "", decision.yardstick, "Loss", "Verdict"], rows),
    ]


def _worst(decision: Decision) -> list[str]:
    if not decision.worst:
        return []
    rows = [
        [_cell(each.question), f"{each.score:.2f}", _cell(each.expected), _cell(each.found)]
        for each in decision.worst
    ]
    return ["## Where it fails", _table(["Question", "Figure", "Answer", "Came first"], rows)]


def _took(decision: Decision) -> str:
    actual = decision.actual
    return (
        f"The experiment took {actual.seconds:,.0f} s of a budget of "
        f"{decision.request.budget:,.0f} s; "
        f"{actual.texts:,} texts went through models, {actual.repeated:,} of them twice."
    )


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _code(text: str, language: str) -> str:
    fence = "```" if "```" not in text else "`" * 20  # a folder may be called anything
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _line(text: str) -> str:
    """Text without what Markdown or HTML would take for markup."""
    folded = " ".join(text.split())
    return folded.replace("<", "&lt;").replace("*", "\\*").replace("`", "'")


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")
