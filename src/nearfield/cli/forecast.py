"""``nearfield forecast``: what embedding a folder will take."""

from __future__ import annotations

from dataclasses import asdict

import click

from nearfield.cli import options
from nearfield.cli.output import bytes_text, counted, dump, duration, safe, table
from nearfield.models.cache import VectorCache
from nearfield.models.resolve import default_model, load
from nearfield.selection.candidates import Grid, chunkers_of
from nearfield.selection.data import load_source
from nearfield.selection.forecast import ModelForecast, forecast

__all__ = ["command"]


@click.command("forecast")
@click.argument("folder", metavar="FOLDER")
@click.option(
    "-m", "--model", "models", multiple=True, metavar="NAME",
    help="May be given several times; `all` means every installed one.  [default: the usual one]",
)  # fmt: skip
@click.option(
    "--chunker", default="recursive:200", show_default=True, help="Name, tokens, overlap."
)
@options.as_json
def command(folder: str, models: tuple[str, ...], chunker: str, as_json: bool) -> None:
    """Say what embedding FOLDER will take: time, disk, memory, and money for hosted models.

    A sample of the documents is cut and counted, and each local model embeds a few passages on this
    machine, as busy as it is. Nothing is sent anywhere.
    """
    root = options.existing(folder)
    names = models or (default_model(),)
    if "all" in names:
        names = Grid.installed().models
    source = load_source(root)
    found = forecast(source.documents, names, chunkers_of(chunker)[0], load, cache=VectorCache())
    if as_json:
        dump({**asdict(found), "folder": str(root), "problems": len(source.problems)})
        return
    characters = found.characters / max(1, found.documents)
    click.echo(
        f"{counted(found.documents, 'document')}, {characters:,.0f} characters each; "
        f"{found.sampled:,} looked at closely, {chunker}"
    )
    if found.models:
        rows = [_row(each) for each in found.models]
        head = ["model", "passages", "tokens", "tokens/s", "time", "disk", "memory", "money"]
        table(rows, head=head, right=range(1, 8))
        if any(each.fresh < 0.995 for each in found.models):
            shares = ", ".join(f"{1 - each.fresh:.0%} for {each.model}" for each in found.models)
            click.echo(click.style(f"already in the cache of vectors: {safe(shares)}", dim=True))
    for name, reason in found.failed.items():
        click.echo(click.style("note: ", fg="yellow") + safe(f"{name}: {reason}"), err=True)
    if source.problems:
        click.echo(
            click.style("note: ", fg="yellow") + f"{counted(len(source.problems), 'problem')} "
            "with files; nearfield index lists them", err=True,
        )  # fmt: skip
    if not found.models:
        click.get_current_context().exit(4)


def _row(each: ModelForecast) -> list[str]:
    rate = each.rate.tokens_per_second
    return [
        safe(each.model),
        f"{each.passages:,}",
        f"{each.tokens:,}",
        f"{rate:,.0f}" if rate else "–",
        duration(each.seconds) if rate else "not measured",
        bytes_text(each.disk),
        bytes_text(each.memory),
        "not known" if each.money is None else f"${each.money:,.2f}" if each.money else "–",
    ]
