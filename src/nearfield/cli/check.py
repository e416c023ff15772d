"""``nearfield check``: hold a pipeline to a figure."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from nearfield.cli import options
from nearfield.cli.output import counted, dump, duration, safe
from nearfield.cli.progress import progress
from nearfield.selection import toml
from nearfield.selection.check import check, junit, minimum_of

__all__ = ["command"]

_EXIT_BELOW = 1


@click.command("check")
@click.argument("pipeline", metavar="PIPELINE")
@click.option(
    "--min",
    "minimums",
    multiple=True,
    required=True,
    metavar="MEASURE=LEAST",
    help="Such as ndcg@10=0.60; reading=0.50 where questions are made. May be given several times.",
)
@click.option(
    "--folder",
    metavar="FOLDER",
    help="What is searched.  [default: the folder of questions, or of the pipeline]",
)
@click.option("--questions", metavar="PATH", help="As `nearfield choose` takes them.")
@click.option("--split", metavar="NAME", help="Of a judged collection.")
@click.option(
    "--count", default=300, show_default=True, type=click.IntRange(min=1),
    help="Most questions to make.",
)  # fmt: skip
@click.option("--junit", "report_file", metavar="FILE", help="Write JUnit XML.")
@options.as_json
def command(
    pipeline: str,
    minimums: tuple[str, ...],
    folder: str | None,
    questions: str | None,
    split: str | None,
    count: int,
    report_file: str | None,
    as_json: bool,
) -> None:
    """Search a folder as PIPELINE says, and fail where a figure is below its minimum.

    For continuous integration: the exit code is 1 when a figure is missed. The figure comes with
    its interval, so that a miss within the noise of the questions is called one.
    """
    gates = [minimum_of(each) for each in minimums]
    place = Path(pipeline).expanduser()
    chosen = toml.read(place)
    judged = Path(questions).expanduser() if questions else place
    beside = judged if judged.is_dir() else place.resolve().parent
    root = options.existing(folder) if folder else beside
    with progress("Checking", "questions") as bar:
        report = check(
            chosen,
            gates,
            root,
            questions=options.existing(questions) if questions else None,
            split=split,
            count=count,
            listener=lambda what, share, asked: bar.update(share, asked, what),
        )
    if report_file:
        Path(report_file).expanduser().write_text(junit(report), encoding="utf-8")
    if as_json:
        results = [
            {**asdict(each), "passed": each.passed, "within_noise": each.within_noise}
            for each in report.results
        ]
        dump({
            "passed": report.passed, "results": results, "questions": report.questions,
            "documents": report.documents, "seconds": report.seconds, "problems": report.problems,
            "pipeline": chosen.label,
        })  # fmt: skip
    else:
        for result in report.results:
            sign, colour = ("passed", "green") if result.passed else ("FAILED", "red")
            click.echo(click.style(f"{sign}: ", fg=colour, bold=True) + safe(result.sentence))
        about = f"{counted(report.questions, 'question')} · {counted(report.documents, 'document')}"
        click.echo(
            click.style(f"{safe(chosen.label)} · {about} · {duration(report.seconds)}", dim=True)
        )
        for problem in report.problems[:5]:
            click.echo(click.style("note: ", fg="yellow") + safe(problem))
    if not report.passed:
        click.get_current_context().exit(_EXIT_BELOW)
