"""``nearfield choose``: the pipeline that serves a folder best, by an experiment on it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import click

from nearfield.cli import options
from nearfield.cli.choose_options import AskedGrid, grid
from nearfield.cli.output import bytes_text, dump, duration, path_text, safe, table
from nearfield.cli.progress import progress
from nearfield.selection import toml
from nearfield.selection.candidates import Grid
from nearfield.selection.choose import choose
from nearfield.selection.decision import page, plain, text, words
from nearfield.selection.decision.record import Decision
from nearfield.selection.limits import Limits, bytes_of, seconds_of
from nearfield.selection.pareto import TOLERANCE
from nearfield.selection.request import Request

__all__ = ["command"]

_SHOWN = 8


@click.command("choose")
@click.argument("folder", metavar="FOLDER")
@click.option(
    "--questions",
    metavar="PATH",
    help="Questions and the documents that answer them: a JSONL or CSV file, or a folder in the "
    "layout of BEIR. Without them questions are made of the documents.",
)
@click.option("--split", metavar="NAME", help="Of a judged collection.  [default: test]")
@click.option("--budget", default="10m", show_default=True, metavar="TIME", help="For everything.")
@click.option("--max-memory", metavar="SIZE", help="Of model and index together, such as 2GB.")
@click.option("--max-latency", metavar="TIME", help="For 95% of the questions, such as 20ms.")
@click.option(
    "--max-money", default=0.0, show_default=True, type=click.FloatRange(min=0), metavar="USD",
    help="That hosted models may cost; without it none is called.",
)  # fmt: skip
@grid
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="Documents to keep; by default as many as fit the budget.",
)
@click.option(
    "--count", default=300, show_default=True, type=click.IntRange(min=1),
    help="Most questions to make.",
)  # fmt: skip
@click.option("--measure", default="ndcg@10", show_default=True, help="Of rankings of documents.")
@click.option(
    "--tolerance", default=TOLERANCE, show_default=True, type=click.FloatRange(0, 1),
    help="Most that a cheaper candidate may lose.",
)  # fmt: skip
@click.option("--seed", default=0, show_default=True)
@click.option("--out", metavar="DIR", help="Where the record goes.  [default: FOLDER.decision]")
@click.option("--fresh", is_flag=True, help="Begin anew, even where an earlier run can go on.")
@options.as_json
def command(
    folder: str,
    questions: str | None,
    split: str | None,
    budget: str,
    max_memory: str | None,
    max_latency: str | None,
    max_money: float,
    asked: AskedGrid,
    sample: int | None,
    count: int,
    measure: str,
    tolerance: float,
    seed: int,
    out: str | None,
    fresh: bool,
    as_json: bool,
) -> None:
    """Find the pipeline that serves a folder best, and say how sure that is.

    Models, chunkers, storages and ways to search are tried on the folder's own documents, with
    questions of yours, judged ones, or questions made of the documents. What comes out is
    pipeline.toml, which `nearfield index --pipeline` runs as is, and a decision record as one HTML
    page and as Markdown. Interrupt it at any time: the same command goes on.
    """
    root = options.existing(folder)
    place = Path(out).expanduser() if out else Path(f"{root.resolve().name}.decision")
    request = Request(
        folder=root,
        grid=asked.over(Grid.installed() if asked.models is None else Grid.of(asked.models)),
        questions=options.existing(questions) if questions else None,
        split=split,
        budget=seconds_of(budget),
        limits=Limits(
            bytes_of(max_memory) if max_memory else None,
            seconds_of(max_latency) if max_latency else None,
            max_money,
        ),
        sample=sample,
        count=count,
        measure=measure,
        tolerance=tolerance,
        seed=seed,
        command=_command(),
    )
    with progress("Choosing", "questions", steps=True) as bar:
        decision = choose(
            request,
            place,
            listener=lambda what, share, asked_: bar.update(share, asked_, what),
            fresh=fresh,
        )
    files = _written(decision, place)
    if as_json:
        dump(plain.as_data(decision) | {"files": {name: str(path) for name, path in files.items()}})
    else:
        _show(decision, files)


def _command() -> str:
    """The command as it was typed, without the machine's own folders."""
    return shlex.join(["nearfield", *sys.argv[1:]]) if len(sys.argv) > 1 else ""


def _written(decision: Decision, place: Path) -> dict[str, Path]:
    """Write what a decision leaves behind."""
    place.mkdir(parents=True, exist_ok=True)
    files = {
        "pipeline": place / "pipeline.toml",
        "page": place / "decision.html",
        "markdown": place / "decision.md",
        "data": place / "decision.json",
    }
    toml.write(decision.pipeline, files["pipeline"])
    contents: dict[str, Callable[[Decision], str]] = {
        "page": page.render,
        "markdown": text.render,
        "data": plain.as_json,
    }
    for name, render in contents.items():
        unborn = files[name].with_name(f".{files[name].name}.new")
        unborn.write_text(render(decision), encoding="utf-8")
        unborn.replace(files[name])
    return files


def _show(decision: Decision, files: dict[str, Path]) -> None:
    click.echo(click.style(safe(words.headline(decision)), bold=True))
    for line in words.reasons(decision):
        click.echo(f"  {safe(line)}")
    click.echo()
    rows = []
    for point in decision.choice.points[:_SHOWN]:
        chosen = point is decision.choice.recommended
        verdict = decision.choice.verdicts[point.trial.key]
        rows.append(
            [
                "→" if chosen else "",
                safe(point.pipeline.label),
                f"{point.quality:.3f}",
                "best" if point is decision.choice.best else f"{verdict.word} −{verdict.loss:.3f}",
                duration(point.latency)
                if point.latency >= 0.01
                else f"{point.latency * 1e3:.1f} ms",
                bytes_text(point.trial.memory),
            ]
        )
    table(rows, head=["", "candidate", decision.yardstick, "verdict", "a question", "memory"],
          right=(2, 4, 5))  # fmt: skip
    more = len(decision.trials) - len(rows)
    if more > 0:
        click.echo(click.style(f"… and {more} more candidates in the record", dim=True))
    for note in words.notes(decision):
        click.echo(click.style("note: ", fg="yellow") + safe(note))
    click.echo()
    for name in ("page", "pipeline"):
        click.echo(f"{path_text(files[name])}")
    click.echo(
        click.style(
            f"run it: nearfield index {path_text(decision.request.folder)} --pipeline "
            f"{path_text(files['pipeline'])} --to chosen.nf",
            dim=True,
        )
    )
