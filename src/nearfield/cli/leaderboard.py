"""``nearfield leaderboard``: systems ranked over recorded figures, kind by kind."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from nearfield.cli import options
from nearfield.cli.output import counted, dump, path_text, safe, table
from nearfield.evaluation.leaderboard import Board, Method, leaderboard
from nearfield.evaluation.records import Origin, Record, import_mteb, records
from nearfield.evaluation.tasks import TaskKind
from nearfield.paths import evaluations_dir

__all__ = ["command"]


@click.command("leaderboard")
@click.option("--kind", type=click.Choice([each.value for each in TaskKind]), help="Only this one.")
@click.option(
    "--method",
    type=click.Choice([each.value for each in Method]),
    default=Method.BORDA.value,
    show_default=True,
    help="Systems beaten over all tasks, or the mean of the ranks.",
)
@click.option(
    "--import",
    "imported",
    type=click.Path(exists=True, path_type=Path),
    help="Take results of MTEB: a JSON file, or a folder of them.",
)
@options.as_json
def command(kind: str | None, method: str, imported: Path | None, as_json: bool) -> None:
    """Rank systems for each kind of task.

    Figures come from `nearfield evaluate --save` and from results of MTEB. Imported ones are marked
    with *: they were measured elsewhere, and have no interval.
    """
    if imported is not None:
        taken, wrong = import_mteb(imported)
        click.echo(
            f"imported: {counted(len(taken), 'figure')} from {path_text(imported)}", err=True
        )
        for problem in wrong:
            note = f"{path_text(problem.source)}: {problem.reason}"
            click.echo(click.style("note: ", fg="yellow") + safe(note), err=True)
    found, problems = records()
    boards = leaderboard(found, kind=kind, method=method)
    if as_json:
        dump({"boards": [asdict(board) for board in boards], "problems": problems})
        return
    for problem in problems:
        note = f"{path_text(problem.source)}: {problem.reason}"
        click.echo(click.style("note: ", fg="yellow") + safe(note), err=True)
    if not boards:
        click.echo(
            f"no figures in {path_text(evaluations_dir())}: record some with `nearfield evaluate "
            "MODEL TASK --save`, or take results of MTEB with --import",
            err=True,
        )
    for number, board in enumerate(boards):
        if number:
            click.echo()
        _show(board)


def _show(board: Board) -> None:
    measured = {
        figure.measure
        for place in board.places
        for figure in place.figures.values()
        if figure.measure != "main_score"
    }
    by = f" by {', '.join(sorted(measured))}" if measured else ""
    click.echo(f"{click.style(board.kind, bold=True)}{safe(by)}")
    points = "points" if board.method is Method.BORDA else "mean rank"
    rows = []
    for place in board.places:
        rows.append(
            [
                "–" if place.place is None else f"{place.place:g}",
                safe(place.system),
                "" if place.points is None else f"{place.points:g}",
                *(_figure(place.figures.get(task)) for task in board.tasks),
            ]
        )
    head = ["", "system", points, *(safe(task) for task in board.tasks)]
    table(rows, head=head, right=(0, *range(2, len(head))))
    notes = []
    if any(place.place is None for place in board.places):
        notes.append("– lacks a task and is not ranked")
    if any(figure.origin is Origin.IMPORTED for p in board.places for figure in p.figures.values()):
        notes.append("* imported, not measured here")
    if notes:
        click.echo(click.style(" · ".join(notes), dim=True))


def _figure(record: Record | None) -> str:
    if record is None:
        return "–"
    if record.low is None or record.high is None:
        return f"{record.value:.4f}* " + " " * 6
    return f"{record.value:.4f} ±{(record.high - record.low) / 2:.4f}"
