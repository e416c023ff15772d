"""The parts of the page."""

from __future__ import annotations

from html import escape

from nearfield.evaluation.significance import LEVEL
from nearfield.selection.data import Labels
from nearfield.selection.decision import grounds, plots
from nearfield.selection.decision.record import Decision
from nearfield.selection.decision.units import signed, size, time_text
from nearfield.selection.pareto import Point
from nearfield.selection.trial import Trial

__all__ = [
    "candidate_table",
    "effects_table",
    "forecast_table",
    "matrix",
    "not_tried_list",
    "pareto_plot",
    "rung_section",
    "tiles",
    "worst_table",
]

_SHOWN = 14
_FEW = 6


def tiles(decision: Decision) -> str:
    """The four figures that matter."""
    chosen, best = decision.choice.recommended, decision.choice.best
    held = decision.held_out
    if held is not None and chosen.trial.key in held.intervals:
        found = held.intervals[chosen.trial.key]
        under = f"on {held.questions} held-out questions, {found.low:.2f} to {found.high:.2f}"
    else:
        found = grounds.interval_of(decision, chosen)
        under = f"on the questions it was chosen by, {found.low:.2f} to {found.high:.2f}"
    name = _figure(decision)
    process = decision.footings.get(chosen.trial.key)
    memory = f"{size(process.memory)} in a process of its own" if process else "model and index"
    if chosen.trial.key == best.trial.key:
        standing, ratio = "best", f"of {len(decision.choice.points)} candidates"
    else:
        standing, ratio = "tie", f"with the best, {best.cost / chosen.cost:.1f} times cheaper"
    shown = [
        ("first", f"{found.mean:.3f}", f"{name} {under}"),
        ("", standing, ratio),
        (
            "",
            time_text(chosen.latency),
            f"a question; 95% in {time_text(chosen.trial.quantile(0.95))}",
        ),
        ("", size(chosen.trial.memory), f"of memory; {memory}"),
    ]
    return '<div class="tiles">' + "".join(
        f'<div class="tile {kind}"><b>{escape(value)}</b><span>{escape(label)}</span></div>'
        for kind, value, label in shown
    ) + "</div>"  # fmt: skip


def candidate_table(decision: Decision) -> str:
    """Candidates best first, each with its interval; the recommendation among them."""
    points = list(decision.choice.points)
    head = points[:_SHOWN]
    chosen = decision.choice.recommended
    if chosen not in head:
        head[-1] = chosen
    rest = [point for point in points if point not in head]
    gone = [trial for trial in decision.trials if trial.key not in {p.trial.key for p in points}]
    shown = _table(decision, head)
    if rest or gone:
        shown += (
            f"<details{' open' if len(points) < _FEW else ''}>"
            f"<summary>{len(rest) + len(gone)} more candidates</summary>"
            + (_table(decision, rest) if rest else "")
            + _gone(gone)
            + "</details>"
        )
    return shown


def _table(decision: Decision, points: list[Point]) -> str:
    intervals = {p.trial.key: grounds.interval_of(decision, p) for p in decision.choice.points}
    least = min(found.low for found in intervals.values())
    most = max(found.high for found in intervals.values())
    rows = []
    for point in points:
        found = intervals[point.trial.key]
        chosen = point is decision.choice.recommended
        bar = plots.bar_of(found.low, found.mean, found.high, least=least, most=most, strong=chosen)
        rows.append(
            f"<tr{' class=chosen' if chosen else ''}>"
            f"<td>{escape(_model(point.pipeline.label))}</td>"
            f"<td>{escape(_rest(point.pipeline.label))}</td>"
            f'<td class="n">{point.quality:.3f}</td><td>{bar}</td>'
            f"<td>{_verdict(decision, point)}</td>"
            f'<td class="n">{time_text(point.latency)}</td>'
            f'<td class="n">{time_text(point.trial.quantile(0.99))}</td>'
            f'<td class="n">{size(point.trial.memory)}</td>'
            f'<td class="n">{point.cost:.1f}</td></tr>'
        )
    return (
        '<div class="scroll"><table><thead><tr><th>Model</th><th>Passages · storage · search</th>'
        f'<th class="n">{escape(_figure(decision))}</th><th>95% interval</th><th>Verdict</th>'
        '<th class="n">Median</th><th class="n">99%</th><th class="n">Memory</th>'
        f'<th class="n">Cost</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _figure(decision: Decision) -> str:
    name = decision.yardstick
    return "nDCG@10" if name == "ndcg@10" else name[:1].upper() + name[1:]


def _model(label: str) -> str:
    return label.partition(" · ")[0]


def _rest(label: str) -> str:
    return label.partition(" · ")[2]


def _verdict(decision: Decision, point: Point) -> str:
    if point is decision.choice.best:
        return '<span class="tag good">best</span>'
    verdict = decision.choice.verdicts[point.trial.key]
    if verdict.is_worse:
        return f'<span class="tag">worse by {verdict.loss:.3f}</span>'
    if point in decision.choice.equals:
        return '<span class="tag good">tie</span>'
    return f'<span class="tag">tie, but lost {verdict.loss:.3f}</span>'


def _gone(trials: list[Trial]) -> str:
    """Candidates that were not asked all of the questions, and why."""
    if not trials:
        return ""
    rows = []
    for trial in trials:
        scores = list(trial.scores.values())
        mean = f"{sum(scores) / len(scores):.3f}" if scores else "–"
        why = trial.failed or trial.dropped or trial.skipped or trial.interrupted
        rows.append(
            f"<tr><td>{escape(trial.pipeline.label)}</td><td class=n>{mean}</td>"
            f"<td class=n>{len(scores)}</td><td>{escape(why)}</td></tr>"
        )
    return (
        "<h3>Asked fewer questions</h3><p class=soft>Their means are of other questions and do not "
        "compare "
        "with those above.</p><div class=scroll><table><thead><tr><th>Candidate</th><th "
        "class=n>Mean</th>"
        f"<th class=n>Questions</th><th>Why it went</th></tr></thead><tbody>{''.join(rows)}</tbody>"
        "</table></div>"
    )


def effects_table(decision: Decision) -> str:
    """For each choice, the best that can be had with it."""
    found = grounds.effects(decision)
    if not found:
        return ""
    rows, last = [], ""
    for effect in found:
        first = effect.factor if effect.factor != last else ""
        last = effect.factor
        loss = "–" if effect.loss <= 0 else f"−{effect.loss:.3f}"
        tag = (
            '<span class="tag">worse</span>' if effect.worse
            else '<span class="tag good">best</span>' if effect.loss <= 0
            else '<span class="tag good">tie</span>' if effect.loss <= decision.choice.tolerance
            else '<span class="tag">unsure</span>'
        )  # fmt: skip
        rows.append(
            f"<tr><td><b>{escape(first)}</b></td><td>{escape(effect.value)}</td>"
            f"<td class=n>{effect.best.quality:.3f}</td><td class=n>{loss}</td><td>{tag}</td>"
            f"<td class=n>{time_text(effect.best.latency)}</td></tr>"
        )
    return (
        "<p>The best candidate that can be had with each choice, against the best of all. A choice "
        "with a "
        "tie may be made for other reasons; unsure means a loss that these questions cannot "
        "prove.</p><div class=scroll><table><thead><tr><th>Choice</th><th></th>"
        f"<th class=n>{escape(_figure(decision))}</th><th class=n>Loss</th><th>Verdict</th>"
        f"<th class=n>Median time</th></tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def pareto_plot(decision: Decision) -> str:
    """Every candidate by quality and time."""
    front = {point.trial.key for point in decision.choice.front}
    chosen = decision.choice.recommended.trial.key
    marks = [
        plots.Mark(
            point.pipeline.label, _model(point.pipeline.label), point.pipeline.search.mode,
            point.quality, point.latency, point.trial.key in front, point.trial.key == chosen,
        )
        for point in decision.choice.points
    ]  # fmt: skip
    name = _figure(decision)
    said = (
        f"<p>{len(decision.choice.front)} candidates are on the front: nothing beats them in "
        f"quality, "
        "time, memory and indexing at once. The dashed line is the front of quality and time "
        "alone.</p>"
    )
    return said + plots.pareto(marks, name)


def matrix(decision: Decision) -> str:
    """Every two of the leading candidates, tested on the same questions."""
    points, compared = grounds.pairs(decision)
    if len(points) < 2:
        return ""
    known = {(each.first, each.second): each for each in compared}
    head = "".join(f"<th>{place}</th>" for place in range(1, len(points) + 1))
    rows = []
    for place, row in enumerate(points, start=1):
        cells = []
        for column in points:
            pair = known.get((row.trial.key, column.trial.key))
            other = known.get((column.trial.key, row.trial.key))
            found = pair or other
            if found is None:
                cells.append("<td></td>")
                continue
            gain = found.difference if pair else -found.difference
            real = found.adjusted < LEVEL
            cells.append(
                f"<td{' class=yes' if real and gain > 0 else ''} "
                f'title="p = {found.adjusted:.4f}">{signed(gain)}{"*" if real else ""}</td>'
            )
        name = escape(row.pipeline.label)
        chosen = " <b>(recommended)</b>" if row is decision.choice.recommended else ""
        rows.append(f"<tr><td>{place} {name}{chosen}</td>{''.join(cells)}</tr>")
    return (
        "<p>How much the row is ahead of the column on the same questions. A star: significant at "
        "5% after "
        "Holm's correction; no star: these questions cannot tell.</p><div class=scroll><table "
        "class=matrix>"
        f"<thead><tr><th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def rung_section(decision: Decision) -> str:
    """What each rung did."""
    steps = [(rung.questions, rung.asked, rung.dropped) for rung in decision.rungs]
    labels = {trial.key: trial.pipeline.label for trial in decision.trials}
    rows = "".join(
        f"<li>{rung.questions} questions: best {escape(labels[rung.best])}"
        + ("" if rung.complete else "; time ran out before all were asked")
        + "</li>"
        for rung in decision.rungs
    )
    return plots.rungs(steps) + f"<ul>{rows}</ul>"


def worst_table(decision: Decision) -> str:
    """Questions that the recommendation answers badly."""
    if not decision.worst:
        return ""
    causes = any(each.cause for each in decision.worst)
    rows = "".join(
        f"<tr><td>{escape(each.question)}</td><td class=n>{each.score:.2f}</td>"
        f"<td>{escape(each.expected)}</td><td>{escape(each.found)}</td>"
        + (f"<td>{escape(each.cause)}</td>" if causes else "")
        + "</tr>"
        for each in decision.worst
    )
    answer = "Answer" if decision.data.labels is Labels.MADE else "A document that answers"
    return (
        "<p>The questions with the lowest figures, and what came first in place of the answer. "
        "Read them: "
        "some are bad questions, some show what the pipeline cannot do.</p><div "
        "class=scroll><table class=texts><thead>"
        f"<tr><th>Question</th><th class=n>Figure</th><th>{answer}</th><th>Came first</th>"
        + ("<th>Lost by</th>" if causes else "")
        + f"</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def forecast_table(decision: Decision) -> str:
    """What was forecast for each model, and what the experiment took."""
    rows = "".join(
        f"<tr><td>{escape(each.model)}</td><td>{escape(str(each.chunking))}</td>"
        f"<td class=n>{each.passages:,}</td><td class=n>{each.tokens:,}</td>"
        f"<td class=n>{each.rate.tokens_per_second:,.0f}</td><td class=n>{1 - each.fresh:.0%}</td>"
        f"<td class=n>{each.seconds:,.0f} s</td><td class=n>{size(each.disk)}</td>"
        f"<td class=n>{_money(each.money)}</td></tr>"
        for each in decision.plan.forecasts
    )
    actual, plan = decision.actual, decision.plan
    said = (
        f"Embedding was forecast at {plan.total:,.0f} s for all models; this run spent "
        f"{actual.embedding:,.0f} s in models, for {actual.texts:,} texts and {actual.tokens:,} "
        f"tokens, "
        f"{actual.repeated:,} of them embedded twice. The whole took {actual.seconds:,.0f} s of a "
        f"budget "
        f"of {decision.request.budget:,.0f} s."
    )
    for late in plan.late:
        said += (
            f" {late.name} was forecast at {time_text(late.seconds)} a question"
            + (f" and ${late.money:.2f} for all" if late.money else "")
            + "."
            if not late.why
            else f" {late.name}: {late.why}."
        )
    if actual.resumed:
        said += " It went on from an earlier run, whose time is counted in the whole."
    return (
        f"<p>{escape(said)}</p><div class=scroll><table><thead><tr><th>Model</th><th>Passages</th>"
        "<th class=n>Number</th><th class=n>Tokens</th><th class=n>Tokens/s here</th><th "
        "class=n>Cached</th>"
        "<th class=n>All documents</th><th class=n>Disk</th><th "
        "class=n>Money</th></tr></thead><tbody>"
        f"{rows}</tbody></table></div>"
    )


def _money(money: float | None) -> str:
    if money is None:
        return "not known"
    return "none" if not money else f"${money:,.2f}"


def not_tried_list(decision: Decision) -> str:
    """What was left out."""
    if not decision.not_tried:
        return "<p>Everything that was asked for was tried.</p>"
    shown = decision.not_tried[:30]
    items = "".join(f"<li>{escape(each.what)}: {escape(each.why)}</li>" for each in shown)
    more = len(decision.not_tried) - len(shown)
    return f"<ul>{items}{f'<li>… and {more} more</li>' if more else ''}</ul>"
