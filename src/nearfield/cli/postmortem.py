"""``nearfield postmortem``: why questions failed, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import click

from nearfield.cli import options, search_options
from nearfield.cli.output import counted, dump, path_text, safe
from nearfield.cli.place import find_collection
from nearfield.collection import open_collection
from nearfield.collection.judged import read_judged
from nearfield.errors import InputError
from nearfield.evaluation.postmortem import Failure, PostMortem, postmortem
from nearfield.evaluation.tasks import RetrievalTask, load
from nearfield.filters import parse
from nearfield.search.options import Mode

__all__ = ["command"]


@click.command("postmortem")
@click.argument("collection")
@click.argument("questions", type=click.Path(exists=True, path_type=Path))
@click.option("-k", default=10, show_default=True, type=click.IntRange(min=1), help="Hits.")
@options.where
@search_options.mode
@click.option("--split", help="Part of the judgements.")
@click.option("--all", "show_all", is_flag=True, help="Show every failure.")
@options.as_json
def command(
    collection: str,
    questions: Path,
    k: int,
    where: str | None,
    asked: search_options.Asked,
    split: str | None,
    show_all: bool,
    as_json: bool,
) -> None:
    """Say of every question that fails on COLLECTION which stage lost its answer.

    QUESTIONS is a folder with queries and judgements, or a JSONL file with one question a line and
    its answers, as `nearfield calibrate --questions` takes it.
    """
    home = find_collection(collection)
    queries, qrels = _judged(questions, split)
    chosen = replace(
        asked.options,
        k=k,
        mode=Mode.of(asked.mode or Mode.DENSE.value),
        where=parse(where) if where else None,
    )
    with open_collection(home, create=False) as opened:
        found = postmortem(opened, queries, qrels, options=chosen, rerank=asked.rerank)
    if as_json:
        counts = {cause.value: number for cause, number in found.by_cause.items()}
        dump({"collection": str(home), "by_cause": counts, **asdict(found)})
        return
    click.echo(
        f"{path_text(home)}: {counted(found.questions, 'question')}, {found.answered:,} answered "
        f"within {found.k} hits, {len(found.failures):,} failed"
    )
    _show(found, most=None if show_all else 3)


def _judged(
    place: Path, split: str | None
) -> tuple[Mapping[str, str], Mapping[str, Mapping[str, int]]]:
    if place.is_file():
        judged = read_judged(place)
        return (
            {str(number): question for number, question in enumerate(judged, 1)},
            {str(number): dict.fromkeys(ids, 1) for number, ids in enumerate(judged.values(), 1)},
        )
    task = load(place, split=split)
    if not isinstance(task, RetrievalTask):
        raise InputError(f"{place} holds no questions with relevant documents")
    return task.queries, task.qrels


def _show(found: PostMortem, most: int | None) -> None:
    for cause, number in found.by_cause.items():
        click.echo(
            f"{click.style(f'{number:>5,}', bold=True)}  {cause.value}"
            + click.style(f"  → {cause.remedy}", dim=True)
        )
        mine = [failure for failure in found.failures if failure.cause is cause]
        for failure in mine[:most]:
            _show_one(failure)


def _show_one(failure: Failure) -> None:
    words = safe(" ".join(failure.text.split()))
    click.echo(f"       {words if len(words) <= 84 else words[:83] + '…'}")
    click.echo(click.style(f"         {safe(failure.evidence)}", dim=True))
