"""``nearfield import``: a collection of what ``export`` wrote."""

from __future__ import annotations

from pathlib import Path

import click

from nearfield.cli import options
from nearfield.cli.output import counted, dump, path_text
from nearfield.stores.transfer import import_store

__all__ = ["command"]


@click.command("import")
@click.argument("path", type=click.Path(exists=True))
@click.argument("target")
@options.as_json
def command(path: str, target: str, as_json: bool) -> None:
    """Make the collection TARGET, a new folder, of the export at PATH."""
    place = Path(target).expanduser()
    count = import_store(Path(path).expanduser(), place)
    if as_json:
        dump({"collection": str(place), "passages": count})
    else:
        click.echo(f"{counted(count, 'passage')} in {path_text(place)}")
