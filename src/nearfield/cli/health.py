"""``nearfield health``: what a collection's vectors are like, and what is unusual about them."""

from __future__ import annotations

import math
import textwrap
from dataclasses import asdict

import click

from nearfield.analysis.health import Figure
from nearfield.cli import options
from nearfield.cli.output import counted, dump, path_text, safe
from nearfield.cli.place import find_collection
from nearfield.collection import open_collection
from nearfield.collection.health import CollectionHealth, Ledger, health_of

__all__ = ["command"]

_NAME = 22


@click.command("health")
@click.argument("path", required=False)
@click.option(
    "--sample",
    default=5000,
    show_default=True,
    type=click.IntRange(min=50),
    help="Look at so many passages at most.",
)
@options.as_json
def command(path: str | None, sample: int, as_json: bool) -> None:
    """Look at the vectors of a collection: anisotropy, hubs, duplicates and more.

    Every figure says what it means, what is usual, and who says so. What is unusual is no fault by
    itself: it says where to look.
    """
    home = find_collection(path)
    with open_collection(home, create=False) as collection:
        found = health_of(collection, most=sample)
    if as_json:
        dump(
            {
                "collection": str(home),
                **asdict(found),
                "figures": [
                    {**asdict(figure), "usual": figure.is_usual} for figure in found.space.figures()
                ],
            }
        )
        return
    space = found.space
    looked = (
        "" if space.sampled == space.vectors - space.unusable else f", {space.sampled:,} looked at"
    )
    click.echo(
        f"{path_text(home)}: {counted(space.vectors, 'passage')}{looked}, {found.model}, "
        f"{space.dimension} dimensions"
    )
    for figure in space.figures():
        _show(figure)
    _show_hubs(found)
    _show_ledger(found.ledger)


def _show(figure: Figure) -> None:
    mark = (
        click.style("ok      ", fg="green")
        if figure.is_usual
        else click.style("unusual ", fg="yellow")
    )
    whole = math.isfinite(figure.value) and figure.value == round(figure.value)
    value = f"{figure.value:,.0f}" if whole else f"{figure.value:.3f}"
    usual = click.style(f"usual {figure.range}", dim=True)
    click.echo(f"{mark} {figure.name:<{_NAME}} {value:>8}   {usual}")
    for line in [*textwrap.wrap(figure.meaning, 84), *textwrap.wrap(figure.source, 84)]:
        click.echo(click.style(f"{'':9}{line}", dim=True))


def _show_hubs(found: CollectionHealth) -> None:
    click.echo("most frequent neighbours:")
    for chunk in found.hubs:
        words = safe(" ".join(chunk.text.split()))
        text = words if len(words) <= 70 else f"{words[:69]}…"
        click.echo(f"  {path_text(chunk.source or chunk.document_id)}: {text}")


def _show_ledger(ledger: Ledger) -> None:
    click.echo(
        f"ledger: {counted(ledger.truncated, 'passage')} cut at the model's limit, "
        f"{ledger.left_out:,} left out"
        + (f", {ledger.by_hand:,} added by hand without a ledger" if ledger.by_hand else "")
    )
