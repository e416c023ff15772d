"""``nearfield index``: files into a collection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import click

from nearfield.cli import index_options, options
from nearfield.cli.output import bytes_text, counted, dump, duration, path_text, safe
from nearfield.cli.progress import progress
from nearfield.collection import (
    Chunking,
    Collection,
    IndexOptions,
    IndexProgress,
    IndexReport,
    open_collection,
)
from nearfield.collection.locate import collection_of
from nearfield.errors import InputError, SpendingCapReached
from nearfield.models.precision import AUTO

__all__ = ["command", "run_index"]

_PROBLEMS_SHOWN = 10
_EXIT_PROBLEMS = 3


@click.command("index")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--to", metavar="DIR", help="Collection to write, by custom NAME.nf.")
@click.option(
    "--pipeline",
    metavar="FILE",
    help="Make it as a pipeline.toml says: model, chunks, storage and search.",
)
@options.model
@options.precision
@options.max_cost
@click.option(
    "--language",
    metavar="NAME",
    help="Of a new collection's texts, for searches by words: auto (default), german, french …",
)
@index_options.chunking
@index_options.files
@click.option("--strict", is_flag=True, help="Exit with 3 when some files could not be read.")
@options.as_json
def command(
    paths: tuple[str, ...],
    to: str | None,
    pipeline: str | None,
    model: str | None,
    dimensions: int | None,
    precision: str,
    language: str | None,
    chunking: index_options.AskedChunking,
    files: IndexOptions,
    strict: bool,
    as_json: bool,
) -> None:
    """Read files and folders into a collection.

    Unchanged files cost a stat and a hash, changed ones are replaced, deleted ones go. Interrupt
    it at any time: the next run goes on where this one was. Without --to, each folder gets a
    collection of its own outside the folder, which ``search FOLDER`` finds by itself.
    """
    roots = [options.existing(path) for path in paths]
    if not to and len(roots) > 1:
        raise click.UsageError("several paths need one collection: add --to NAME.nf")
    place = Path(to).expanduser() if to else collection_of(roots[0])
    if pipeline is not None:
        _refuse_beside_pipeline(model, dimensions, precision, chunking)
        opened = _from_pipeline(pipeline, place, language)
    else:
        opened = open_collection(
            place,
            encoder=model,
            dimensions=dimensions,
            precision=precision,
            language=language,
            chunking=chunking.over(Chunking()),
        )
    with opened as collection:
        _same_chunking(collection, chunking)
        # Without a word about files, the choices of the last run hold.
        kept = replace(collection.update_options(), trust_stat=False)
        chosen = kept if files == IndexOptions() else files
        _forecast(collection, roots, chosen, quiet=as_json)
        report = run_index(collection, roots, chosen)
        if pipeline is not None:
            _finish(pipeline, place)
        if as_json:
            made = {"model": collection.model, "precision": collection.precision}
            dump({"collection": str(place), **made, **asdict(report)})
        else:
            show_report(report, collection)
    if strict and report.problems:
        click.get_current_context().exit(_EXIT_PROBLEMS)


def _refuse_beside_pipeline(
    model: str | None,
    dimensions: int | None,
    precision: str,
    chunking: index_options.AskedChunking,
) -> None:
    if model or dimensions or precision != AUTO or chunking.over(Chunking()) != Chunking():
        raise click.UsageError(
            "--pipeline says which model and which chunks: leave the other options out, or change "
            "the file"
        )


def _from_pipeline(pipeline: str, place: Path, language: str | None) -> Collection:
    from nearfield.selection import applying, toml

    return applying.open_as(toml.read(pipeline), place, language=language)


def _finish(pipeline: str, place: Path) -> None:
    from nearfield.selection import applying, toml

    with progress("Linking", "vectors") as bar:
        applying.finish(
            toml.read(pipeline), place, progress=lambda done, of: bar.update(done / of, done)
        )


def _forecast(
    collection: Collection, roots: list[Path], settings: IndexOptions, *, quiet: bool
) -> None:
    """Say what a hosted model will take before it is asked, and stop where that is too much."""
    plan = collection.forecast(*roots, options=settings)
    if plan is None:
        return
    from nearfield.models.remote.spending import account, money

    if plan.price is None or plan.cost is None or plan.most_cost is None:
        price = "the price is not known"
    else:
        price = (
            f"about {money(plan.cost)}, at most {money(plan.most_cost)} "
            f"(${plan.price.input:g} a million tokens"
            + (f", {plan.price.date})" if plan.price.date else ")")
        )
    cap = account().max_cost
    if not quiet:
        click.echo(
            f"forecast: {counted(plan.texts, 'passage')} to buy from {plan.model}, about "
            f"{plan.tokens:,} tokens · {price}"
            + (f" · cap {money(cap)}" if cap is not None else ""),
            err=True,
        )
    if cap is not None and plan.cost is not None and plan.cost > cap:
        raise SpendingCapReached(
            f"indexing would cost about {money(plan.cost)}, and the cap is {money(cap)}: nothing "
            "was bought. Raise --max-cost, or index fewer files"
        )


def run_index(collection: Collection, roots: list[Path], settings: IndexOptions) -> IndexReport:
    """Index with a progress bar."""
    with progress("Indexing", "passages") as bar:

        def listen(state: IndexProgress) -> None:
            files = f"{state.files_done:,} of {state.files_total:,} files"
            bar.update(state.fraction, state.passages, f"{files} · {Path(state.current).name}")

        return collection.index(*roots, options=settings, listener=listen)


def show_report(report: IndexReport, collection: Collection, *, err: bool = False) -> None:
    """Print what a run did, with everything that was left out."""
    say = partial(click.echo, err=err)
    rate = report.passages / report.seconds if report.seconds else 0.0
    say(
        f"{counted(report.files, 'file')}: {report.added:,} new, {report.changed:,} changed, "
        f"{report.unchanged:,} unchanged, {report.failed:,} unreadable"
        + (f", {report.empty:,} empty" if report.empty else "")
        + (f", {report.removed:,} gone" if report.removed else "")
        + (f" · {report.ignored:,} ignored" if report.ignored else "")
    )
    kept = f", {report.kept:,} were there already" if report.kept else ""
    gone = f", {report.deleted:,} removed" if report.deleted else ""
    say(
        f"{counted(report.passages, 'passage')} written{kept}{gone} in {duration(report.seconds)} "
        f"({rate:,.0f}/s, {path_text(collection.model)}) · {collection.count():,} in all"
    )
    if not report.files:
        say(click.style("note: ", fg="yellow") + "there are no files to read in it")
    if report.truncated:
        say(
            click.style("note: ", fg="yellow")
            + f"{counted(report.truncated, 'passage')} longer than the model reads: the end does "
            "not count in searches (try a smaller --chunk-size)"
        )
    _show_problems(report, say)
    size = sum(f.stat().st_size for f in collection.path.rglob("*") if f.is_file())
    say(click.style(f"{path_text(collection.path)} · {bytes_text(size)}", dim=True))


def _show_problems(report: IndexReport, say: Callable[[str], None]) -> None:
    for problem in report.problems[:_PROBLEMS_SHOWN]:
        say(
            click.style("problem: ", fg="yellow")
            + f"{path_text(problem.source)}: {safe(problem.reason)}"
        )
    more = len(report.problems) - _PROBLEMS_SHOWN
    if more > 0:
        say(f"… and {more:,} more: nearfield stats PATH --problems")


def _same_chunking(collection: Collection, asked: index_options.AskedChunking) -> None:
    now = collection.chunking
    if asked.over(now) != now:
        raise InputError(
            f"{collection.path} is cut by {now}; {asked.over(now)} was asked for: leave the "
            "options out, or make another collection with --to"
        )
