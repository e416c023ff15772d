"""``nearfield evaluate``: figures of models, or of a collection, on a task."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import click

from nearfield.cli import options, search_options
from nearfield.cli.output import dump, duration, path_text, safe, table
from nearfield.cli.progress import progress
from nearfield.evaluation.evaluate import evaluate
from nearfield.evaluation.measuring import check_measures
from nearfield.evaluation.options import EvaluationOptions
from nearfield.evaluation.records import record
from nearfield.evaluation.report import Report
from nearfield.evaluation.significance import LEVEL, SEED, Comparison
from nearfield.evaluation.tasks import RetrievalTask, Task, TaskKind, load
from nearfield.evaluation.tournament import Tournament, tournament

__all__ = ["command"]

_CATALOGUE = "mteb:"


@click.command("evaluate")
@click.argument("words", nargs=-1, required=True, metavar="[MODEL]... TASK")
@click.option("--measure", "measures", multiple=True, metavar="NAME", help="Such as ndcg@10.")
@click.option("--split", help="Part of the data; test by default.")
@click.option(
    "--kind",
    type=click.Choice([each.value for each in TaskKind]),
    help="Where columns serve two kinds, such as clustering for labelled texts.",
)
@click.option("--compare", is_flag=True, help="Show the test of every pair of systems.")
@click.option("--collection", type=click.Path(exists=True), help="Measure its own search as well.")
@click.option("--save", is_flag=True, help="Record the figures for `nearfield leaderboard`.")
@click.option("--no-cache", is_flag=True, help="Encode everything again.")
@click.option("--seed", default=EvaluationOptions().seed, show_default=True, help="Of all draws.")
@search_options.mode
@options.precision
@options.as_json
def command(
    words: tuple[str, ...],
    measures: tuple[str, ...],
    split: str | None,
    kind: str | None,
    compare: bool,
    collection: str | None,
    save: bool,
    no_cache: bool,
    seed: int,
    asked: search_options.Asked,
    precision: str,
    as_json: bool,
) -> None:
    """Measure models on a task: a folder or a file of your own, or mteb:NAME.

    \b
    nearfield evaluate all-MiniLM-L6-v2 bge-small-en-v1.5 data/scifact --compare
    nearfield evaluate data/scifact --collection notes.nf --mode hybrid --rerank

    Every figure comes with its interval, and systems that cannot be told apart are called a tie.
    """
    *models, place = words
    if not models and collection is None:
        raise click.UsageError("name a model before the task, or a --collection")
    task = _task(place, split, kind)
    chosen = EvaluationOptions(measures=measures, seed=seed)
    check_measures(task.kind, measures)
    systems: dict[str, Callable[[], Report]] = {
        name: partial(_measured, name, task, chosen, precision, cached=not no_cache)
        for name in dict.fromkeys(models)
    }
    if collection is not None:
        systems[collection] = partial(_collection, collection, task, asked, chosen)
    found = tournament(systems)
    saved = [record(report) for report in found.reports] if save else []
    if as_json:
        dump(_json(found))
    else:
        _show(found, compare=compare)
        for path in saved:
            click.echo(click.style(f"recorded: {path_text(path)}", dim=True))
    if found.failures:
        click.get_current_context().exit(1)


def _task(place: str, split: str | None, kind: str | None) -> Task:
    if place.startswith(_CATALOGUE):
        from nearfield.evaluation.tasks.mteb import named

        return named(place.removeprefix(_CATALOGUE), split)
    return load(place, split=split, kind=kind)


def _measured(
    name: str, task: Task, chosen: EvaluationOptions, precision: str, *, cached: bool
) -> Report:
    from nearfield.models.cache import CachedEncoder
    from nearfield.models.resolve import load as load_model

    encoder = load_model(name, precision=precision)
    with progress(f"{name} on {task.name}", "texts") as bar:
        return evaluate(
            CachedEncoder(encoder) if cached else encoder,
            task,
            options=chosen,
            progress=lambda done, of: bar.update(done / of, done),
        )


def _collection(
    path: str, task: Task, asked: search_options.Asked, chosen: EvaluationOptions
) -> Report:
    from nearfield.cli.place import find_collection
    from nearfield.collection import open_collection
    from nearfield.evaluation.collections import evaluate_collection

    if not isinstance(task, RetrievalTask):
        raise click.UsageError(f"a collection searches: {task.name} is a task of kind {task.kind}")
    with open_collection(find_collection(path), create=False) as collection:
        asked = asked.over(collection.defaults)
        return evaluate_collection(
            collection,
            task,
            mode=asked.mode or asked.options.mode,
            rerank=asked.rerank,
            search=asked.options,
            options=chosen,
        )


def _show(found: Tournament, *, compare: bool) -> None:
    if len(found.reports) == 1:
        click.echo(safe(str(found.reports[0])))
    elif found.reports:
        _show_table(found)
    if compare and found.comparisons:
        _show_pairs(found.comparisons, found.reports[0])
    for report in found.reports:
        took = f"{duration(report.seconds['total'])}, {duration(report.seconds['encode'])} encoding"
        cached = report.encoded.cached
        more = f", {cached:,} vectors from the cache" if cached else ""
        about = f"{report.system.name} · {report.system.precision} · {took}{more}"
        click.echo(click.style(f"{about} · seed {report.options.seed}", dim=True))
    for failure in found.failures:
        click.echo(
            click.style("failed: ", fg="red", bold=True)
            + f"{path_text(failure.system)}: {safe(failure.reason)}",
            err=True,
        )


def _show_table(found: Tournament) -> None:
    first = found.reports[0]
    about = f"{first.task.name} ({first.task.kind}, {first.task.split})"
    sizes = " · ".join(f"{count:,} {noun}" for noun, count in first.task.sizes.items())
    click.echo(f"{safe(about)}: {sizes}")
    tied = found.tied_with_best()
    others = [name for name in first.scores if name != first.main][:4]
    rows = []
    for report in found.reports:
        main = report.scores[report.main]
        name = safe(report.system.name)
        best = report.system.name in tied
        rows.append(
            [
                click.style(name, bold=True) if best else name,
                click.style(f"{main.mean:.4f}", fg="green") if best else f"{main.mean:.4f}",
                f"{main.low:.4f} to {main.high:.4f}",
                *(f"{report.scores[other].mean:.4f}" for other in others),
                "best" if best and len(tied) == 1 else "tie for best" if best else "",
            ]
        )
    level = f"{first.options.level:.0%} interval"
    table(rows, head=["system", first.main, level, *others, ""], right=range(1, 3 + len(others)))
    remarks: dict[str, list[str]] = {}
    for report in found.reports:
        for line in report.remarks():
            remarks.setdefault(line, []).append(report.system.name)
    for line, names in remarks.items():
        whose = "" if len(names) == len(found.reports) else f"{', '.join(names)}: "
        click.echo(f"  {safe(whose + line)}")


def _show_pairs(comparisons: tuple[Comparison, ...], report: Report) -> None:
    click.echo()
    rows = [
        [
            f"{safe(each.first)} − {safe(each.second)}",
            f"{each.difference:+.4f}",
            _p(each.p),
            _p(each.adjusted),
            each.verdict if each.verdict == "tie" else click.style(safe(each.verdict), bold=True),
        ]
        for each in comparisons
    ]
    table(rows, head=[f"difference of {report.main}", "", "p", "Holm", "verdict"], right=(1, 2, 3))
    how = "random swaps of paired values" if report.each else "paired bootstrap"
    click.echo(click.style(f"{how}, level {LEVEL:g}", dim=True))


def _p(value: float) -> str:
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def _json(found: Tournament) -> dict[str, object]:
    return {
        "reports": [report.to_dict() for report in found.reports],
        "comparisons": [
            {
                "first": each.first,
                "second": each.second,
                "difference": each.difference,
                "p": each.p,
                "adjusted": each.adjusted,
                "verdict": each.verdict,
            }
            for each in found.comparisons
        ],
        "level": LEVEL,
        "seed": SEED,
        "tied_with_best": found.tied_with_best(),
        "failures": [{"system": f.system, "reason": f.reason} for f in found.failures],
    }
