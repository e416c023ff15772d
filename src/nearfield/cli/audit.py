"""``nearfield audit``: what fast search misses, measured."""

from __future__ import annotations

from dataclasses import asdict

import click

from nearfield.cli import options
from nearfield.cli.output import counted, dump, path_text
from nearfield.cli.place import find_collection
from nearfield.collection import open_collection

__all__ = ["command"]


@click.command("audit")
@click.argument("path", required=False)
@click.option("-k", default=10, show_default=True, type=click.IntRange(min=1), help="Hits.")
@click.option(
    "--queries",
    "file",
    type=click.Path(exists=True, dir_okay=False),
    help="Questions to ask, one a line; without them the collection's own vectors are asked.",
)
@click.option(
    "--sample",
    default=100,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many of its own vectors to ask.",
)
@options.as_json
def command(path: str | None, k: int, file: str | None, sample: int, as_json: bool) -> None:
    """Measure recall of the search path in use against exact search.

    Overall, and with filters that leave 50%, 10%, 1% and 0.1% of all passages, or one region of
    them near to the question or far from it.
    """
    home = find_collection(path)
    with open_collection(home, create=False) as collection:
        questions = _lines(file) if file else None
        report = collection.audit(k=k, questions=questions, sampled=sample)
    if as_json:
        dump({"collection": str(home), **asdict(report)})
        return
    about = f"{counted(report.vectors, 'vector')}, {counted(report.queries, 'question')}"
    click.echo(f"{path_text(home)}: {about}, recall@{report.k}, target {report.target:g}")
    click.echo(
        click.style("filter          path        recall   95% interval    worst   ms", dim=True)
    )
    for row in report.rows:
        recall = click.style(
            f"{row.recall:.4f}", fg="green" if row.high >= report.target else "red"
        )
        click.echo(
            f"{row.condition:<15} {row.path:<11} {recall}   {row.low:.4f}–{row.high:.4f}   "
            f"{row.worst:.2f}  {row.milliseconds:6.2f}"
        )


def _lines(file: str) -> list[str]:
    with open(file, encoding="utf-8") as lines:  # noqa: PTH123  click gives a checked path
        found = [line.strip() for line in lines if line.strip()]
    if not found:
        raise click.UsageError(f"{file} holds no question")
    return found
