"""``nearfield calibrate``: turn scores into confidences."""

from __future__ import annotations

from dataclasses import asdict

import click

from nearfield.cli import options
from nearfield.cli.output import dump, path_text
from nearfield.cli.place import find_collection
from nearfield.collection import open_collection

__all__ = ["command"]


@click.command("calibrate")
@click.argument("path", required=False)
@click.option(
    "--sample",
    default=300,
    show_default=True,
    type=click.IntRange(min=20),
    help="Passages to take a sentence from.",
)
@options.as_json
def command(path: str | None, sample: int, as_json: bool) -> None:
    """Learn from the collection's own sentences what its scores are worth.

    From then on every hit of a dense search has a confidence, and a search says when nothing that
    it found seems relevant.
    """
    home = find_collection(path)
    with open_collection(home, create=False) as collection:
        found = collection.calibrate(sample)
    if as_json:
        dump({"collection": str(home), **asdict(found)})
        return
    click.echo(
        f"{path_text(home)}: calibrated on {found.questions} questions; it tells the answerable "
        f"from the others with AUROC {found.auroc:.3f} (0.5 is chance); below confidence "
        f"{found.threshold:.2f} nothing counts as relevant"
    )
