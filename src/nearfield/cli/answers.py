"""``nearfield answers``: how good answers are, by questions whose answers are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nearfield.cli import ask_options, options
from nearfield.cli.output import counted, dump, duration, path_text, safe, width
from nearfield.cli.progress import progress
from nearfield.cli.ready import opened, scope
from nearfield.filters import parse

if TYPE_CHECKING:
    from nearfield.evaluation.answers import AnswerReport, MeasuredAnswer
    from nearfield.evaluation.intervals import Interval

__all__ = ["command"]

_SHOWN, _WIDE = 3, 42
_MEASURES = (
    ("hit", "right document among the passages"),
    ("f1", "F1 of the words"),
    ("exact", "exact match"),
    ("held", "answer holds a right one"),
    ("citation_precision", "citations in a right document"),
    ("citation_recall", "sentences cited from a right document"),
    ("faithfulness", "sentences with a source"),
    ("auroc", "answerable told from others (AUROC)"),
)


@click.command("answers")
@click.argument("path")
@click.argument("questions", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@ask_options.asking
@options.where
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Keep every answer in this JSONL file; run again, it goes on from there.",
)
@click.option("--no-update", is_flag=True, help="Ask as indexed, even if files changed.")
@options.model
@options.precision
@options.max_cost
@options.as_json
def command(
    path: str,
    questions: Path,
    asking: ask_options.Asking,
    where: str | None,
    out: Path | None,
    no_update: bool,
    model: str | None,
    dimensions: int | None,
    precision: str,
    as_json: bool,
) -> None:
    """Ask PATH questions whose answers you know, and measure what it says.

    QUESTIONS is JSONL, on each line {"question": "...", "answers": ["..."], "documents":
    ["notes.md"]}. One of the answers is enough; there are none where the files do not say.
    Documents may be left out. Figures come with 95% intervals.
    """
    from nearfield.evaluation.answers import summary
    from nearfield.evaluation.asking import ask_all, read_known

    known = read_known(questions)
    given = parse(where) if where else None
    with opened(path, model, dimensions, precision, update=not no_update) as collection:
        with progress("Asking", "questions") as bar:
            answers = ask_all(
                collection,
                known,
                generator=asking.generator,
                options=asking.options,
                where=scope(collection, path, given),
                keep=out,
                told=lambda done, all_: bar.update(done / all_, done),
            )
        report = summary(answers)
        if as_json:
            dump({
                "collection": str(collection.path), "model": collection.model,
                **asdict(report), "answers": [asdict(each) for each in answers],
            })  # fmt: skip
            return
        about = f"{path_text(collection.path)} · {path_text(collection.model)}"
    _show(report, answers, about)


def _show(report: AnswerReport, answers: Sequence[MeasuredAnswer], about: str) -> None:
    without = f", {report.unanswerable:,} without an answer" if report.unanswerable else ""
    head = f"{counted(report.questions, 'question')}{without}"
    click.echo(head + click.style(" · means with 95% intervals\n", dim=True))
    for name, said in _MEASURES:
        found: Interval | None = getattr(report, name)
        if found is not None:
            figure = click.style(f"{found.mean:.3f}", bold=True)
            click.echo(f"  {said:<{_WIDE}} {figure}  [{found.low:.3f}, {found.high:.3f}]")
    answerable = report.questions - report.unanswerable
    for share, of, what in (
        (report.refused_right, report.unanswerable, "not answered, of those without an answer"),
        (report.refused_wrong, answerable, "not answered, of the others"),
    ):
        if of:
            click.echo(f"  {what:<{_WIDE}} {round(share * of):,} of {of:,}")
    _show_worst(answers)
    click.echo(click.style(f"\n{about} · {' · '.join(_facts(report))}", dim=True))


def _show_worst(answers: Sequence[MeasuredAnswer]) -> None:
    """Wrong answers, those that were given before those that were withheld."""
    wrong = [
        each for each in answers
        if (each.held == 0 if each.right else not each.abstained)
    ]  # fmt: skip
    wrong.sort(key=lambda each: (each.abstained, each.f1 or 0.0))
    if wrong:
        click.echo(f"\n{counted(len(wrong), 'wrong answer')}, such as")
    for each in wrong[:_SHOWN]:
        said = f"“{each.said}”" if not each.abstained else "not answered"
        right = " | ".join(f"“{text}”" for text in each.right) or "no answer there"
        click.echo(f"  {_short(each.question)}")
        click.echo(click.style(f"    {_short(said)}, right: {_short(right)}", dim=True))


def _short(text: str) -> str:
    plain, most = " ".join(safe(text).split()), max(20, width() // 2 - 8)
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def _facts(report: AnswerReport) -> Iterator[str]:
    whole = sum(seconds for name, seconds in report.seconds.items() if name != "first piece")
    yield f"{duration(whole)} a question"
    if report.input_tokens or report.output_tokens:
        yield f"{report.input_tokens:,.0f} + {report.output_tokens:,.0f} tokens"
