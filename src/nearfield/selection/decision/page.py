"""The decision record as one HTML page: the answer first, then everything that it rests on."""

from __future__ import annotations

from html import escape

from nearfield.selection.decision import grounds, words
from nearfield.selection.decision.parts import (
    candidate_table,
    effects_table,
    forecast_table,
    matrix,
    not_tried_list,
    pareto_plot,
    rung_section,
    tiles,
    worst_table,
)
from nearfield.selection.decision.record import Decision
from nearfield.selection.decision.style import STYLE

__all__ = ["render"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def render(decision: Decision) -> str:
    """Write the page; whatever comes from files or flags is escaped, and nothing is fetched."""
    name = escape(decision.data.name)
    body = "".join([
        f'<p class="kicker">Decision record · {name}</p>',
        f"<h1>{escape(words.headline(decision))}</h1>",
        tiles(decision),
        _listed(words.reasons(decision)),
        *(f'<p class="note">{escape(_sentence(note))}</p>' for note in words.notes(decision)),
        _section("Run it", _run(decision)),
        _section("What was compared", _compared(decision)),
        _section("What each choice is worth", effects_table(decision)),
        _section("Quality against time", pareto_plot(decision)),
        _section("Are the differences real?", matrix(decision)),
        _section("How the field was narrowed", rung_section(decision)),
        _section("Where it fails", worst_table(decision)),
        _section("Forecast and outcome", forecast_table(decision)),
        _section("What was not tried, and why", not_tried_list(decision)),
        _section("How to read this", _reading(decision)),
        _section("How it was made", _made(decision)),
        "<footer>Made by Nearfield. This page is complete in itself: it loads nothing.</footer>",
    ])  # fmt: skip
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Decision record: {name}</title><style>{STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>" if content else ""


def _listed(lines: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _run(decision: Decision) -> str:
    from nearfield.selection import toml

    commands = grounds.commands(decision)
    return (
        f"<pre>{escape(commands)}</pre><details><summary>pipeline.toml</summary>"
        f"<pre>{escape(toml.dumps(decision.pipeline, head=''))}</pre></details>"
    )


def _compared(decision: Decision) -> str:
    return (
        f"<p>{escape(words.questions(decision))} {escape(words.yardstick(decision))}</p>"
        + candidate_table(decision)
    )


def _reading(decision: Decision) -> str:
    return "".join(f"<h3>{escape(title)}</h3><p>{escape(said)}</p>" for title, said in
                   grounds.explanations(decision))  # fmt: skip


def _made(decision: Decision) -> str:
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>"
        for name, value in decision.environment.items()
    )
    problems = "".join(
        f"<li>{escape(each.source)}: {escape(each.reason)}</li>"
        for each in decision.data.problems[:50]
    )
    more = len(decision.data.problems) - 50
    if more > 0:
        problems += f"<li>… and {more} more</li>"
    listed = f"<h3>Problems with the data</h3><ul>{problems}</ul>" if problems else ""
    return f"<dl>{rows}</dl>{listed}"
