"""``nearfield migrate``: move a collection to another model, with figures, and back."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import click

from nearfield.cli import options
from nearfield.cli.output import bytes_text, counted, dump, duration, path_text
from nearfield.cli.place import find_collection
from nearfield.cli.progress import progress
from nearfield.collection import Collection
from nearfield.collection.migrating import Migration, Stage, Switched, Target, target
from nearfield.collection.migration_plan import Plan, plan
from nearfield.errors import StoreNotFound
from nearfield.evaluation.migration import ModelComparison, compare_models

__all__ = ["command"]


@click.command("migrate")
@click.argument("path", required=False)
@options.model
@options.precision
@click.option("--dry-run", is_flag=True, help="Say what it would take, and change nothing.")
@click.option("--prepare", is_flag=True, help="Embed and compare, but do not switch.")
@click.option("--finish", is_flag=True, help="Go on and switch, whatever the comparison says.")
@click.option("--rollback", is_flag=True, help="Put the previous collection back.")
@click.option("--forget", is_flag=True, help="Delete the copy that is not in use.")
@click.option("--recut", is_flag=True, help="Let the next index cut all files anew.")
@click.option(
    "--queries",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Real questions, one a line: how many of their hits stay.",
)
@click.option(
    "--sample",
    default=200,
    show_default=True,
    type=click.IntRange(min=20),
    help="Passages to compare the models on.",
)
@options.as_json
def command(
    path: str | None,
    model: str | None,
    dimensions: int | None,
    precision: str,
    dry_run: bool,
    prepare: bool,
    finish: bool,
    rollback: bool,
    forget: bool,
    recut: bool,
    queries: Path | None,
    sample: int,
    as_json: bool,
) -> None:
    """Embed a collection with another model beside it, compare the two, and switch in one step.

    Kill it at any moment and run it again: it goes on. Searches go on meanwhile, and what is
    indexed meanwhile is taken over. It does not switch to a model that is significantly worse:
    --finish does. The old collection stays until --forget.
    """
    if sum((dry_run, prepare, finish, rollback, forget)) > 1:
        raise click.UsageError("name one of --dry-run, --prepare, --finish, --rollback, --forget")
    migration = Migration(_place(path))
    if rollback:
        _tell_switch(migration, migration.rollback(), as_json=as_json, back=True)
        return
    if forget:
        freed = migration.forget()
        _tell({"collection": str(migration.path), "freed_bytes": freed}, as_json=as_json)
        if not as_json:
            click.echo(f"{bytes_text(freed)} given back")
        return
    wanted = None if model is None else target(model, dimensions=dimensions, precision=precision)
    if dry_run:
        _dry_run(migration, wanted, as_json=as_json)
        return
    _migrate(
        migration,
        wanted,
        queries,
        sample,
        prepare=prepare,
        finish=finish,
        recut=recut,
        as_json=as_json,
    )


def _place(path: str | None) -> Path:
    try:
        return find_collection(path)
    except StoreNotFound:
        # A crash on a system without exchange may have left the place empty: Migration sees to it.
        if (
            path is not None
            and Path(path).expanduser().with_name(f".{Path(path).name}.migration").is_dir()
        ):
            return Path(path).expanduser()
        raise


def _migrate(
    migration: Migration,
    wanted: Target | None,
    queries: Path | None,
    sample: int,
    *,
    prepare: bool,
    finish: bool,
    recut: bool,
    as_json: bool,
) -> None:
    begun = time.monotonic()
    with progress("Embedding", "passages") as bar:
        copied = migration.prepare(wanted, lambda done, of: bar.update(done / max(of, 1), done))
    seconds = time.monotonic() - begun
    if not as_json:
        click.echo(
            f"{counted(copied.written, 'passage')} embedded in {duration(seconds)}, "
            f"{copied.kept:,} there already; {copied.truncated:,} cut at the model's limit, "
            f"{copied.left_out:,} left out"
        )
    found = _compared(migration, queries, sample)
    if not as_json and found is not None:
        _show_comparison(found)
    switched = None
    worse = found is not None and found.verdict == "worse"
    if not prepare and (finish or not worse):
        switched = migration.switch(wanted, recut=recut)
    if as_json:
        dump(
            {
                "collection": str(migration.path),
                "copied": copied,
                "comparison": None
                if found is None
                else {**asdict(found), "verdict": found.verdict},
                "switched": switched,
                "stage": migration.stage(),
            }
        )
        return
    if switched is not None:
        _tell_switch(migration, switched, as_json=False, back=False)
        return
    why = "prepared" if prepare else "not switched: the new model is significantly worse"
    click.echo(f"{why}; --finish switches, --forget gives up")


def _compared(migration: Migration, queries: Path | None, sample: int) -> ModelComparison | None:
    questions = () if queries is None else _questions(queries)
    with Collection(migration.path) as old, Collection(migration.shadow) as new:
        if min(old.count(), new.count()) < 12:
            return None
        return compare_models(old, new, questions=questions, sampled=sample)


def _questions(file: Path) -> tuple[str, ...]:
    lines = file.read_text(encoding="utf-8").splitlines()
    found = tuple(line.strip() for line in lines if line.strip())
    if not found:
        raise click.UsageError(f"{file} holds no question")
    return found


def _show_comparison(found: ModelComparison) -> None:
    click.echo(
        f"neighbours: {found.overlap.mean:.1%} of the ten nearest stay "
        f"[{found.overlap.low:.1%}, {found.overlap.high:.1%}], {counted(found.passages, 'passage')}"
    )
    if found.hits_overlap is not None:
        click.echo(
            f"questions: {found.hits_overlap.mean:.1%} of the ten hits stay "
            f"({counted(found.questions, 'question')})"
        )
    if found.old_quality is None or found.new_quality is None or found.p is None:
        click.echo("quality: too few passages have three sentences to ask one of them")
        return
    colour = {"better": "green", "worse": "red"}.get(found.verdict)
    click.echo(
        f"quality: nDCG@10 {found.old_quality.mean:.3f} → {found.new_quality.mean:.3f} on "
        f"{counted(found.asked, 'sentence')} asked back: "
        + click.style(found.verdict, fg=colour, bold=True)
        + f" (p {found.p:.3f})"
        if found.p >= 0.001
        else " (p < 0.001)"
    )


def _tell_switch(migration: Migration, found: Switched, *, as_json: bool, back: bool) -> None:
    if as_json:
        dump({"collection": str(migration.path), **asdict(found)})
        return
    click.echo(
        f"{path_text(migration.path)} is now of {found.model}: {counted(found.passages, 'passage')}"
        f" ({found.previous} is kept: {'--finish' if back else '--rollback'} goes back)"
    )
    late = found.caught_up
    if late.written or late.deleted:
        click.echo(f"taken over meanwhile: {late.written:,} written, {late.deleted:,} deleted")
    if found.only_there:
        click.echo(
            click.style("note: ", fg="yellow")
            + f"{counted(found.only_there, 'passage')} of the other collection "
            f"{'is' if found.only_there == 1 else 'are'} not in this one"
            + (": index the files again" if back else ": the model has no vector for them")
        )


def _dry_run(migration: Migration, wanted: Target | None, *, as_json: bool) -> None:
    stage = migration.stage()
    if wanted is None:
        _tell({"collection": str(migration.path), **asdict(stage)}, as_json=as_json)
        if not as_json:
            _show_stage(stage)
        return
    found = plan(migration, wanted)
    _tell({"collection": str(migration.path), **asdict(found)}, as_json=as_json)
    if not as_json:
        _show_plan(found)


def _show_stage(stage: Stage) -> None:
    click.echo(f"{stage.model}, {counted(stage.passages, 'passage')}")
    if stage.shadow:
        click.echo(f"under way: {stage.shadow}, {stage.copied:,} copied")
    if stage.previous:
        click.echo(f"kept: {stage.previous}")


def _show_plan(found: Plan) -> None:
    click.echo(
        f"{found.old} ({found.old_dimension} dimensions) → {found.new} ({found.new_dimension})"
    )
    click.echo(
        f"{counted(found.passages, 'passage')}, {found.copied:,} copied already: about "
        f"{duration(found.seconds)} and {bytes_text(found.size_bytes)} beside the collection"
    )
    if found.truncated:
        click.echo(
            click.style("note: ", fg="yellow")
            + f"about {found.truncated:.1%} of the passages are longer than the {found.max_tokens} "
            "tokens that the new model reads; they stay as they are, --recut has the next index "
            "cut them anew"
        )


def _tell(value: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        dump(value)
