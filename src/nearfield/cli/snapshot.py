"""``nearfield snapshot``: copy a collection while it is in use."""

from __future__ import annotations

from pathlib import Path

import click

from nearfield.cli import options
from nearfield.cli.output import counted, dump, path_text
from nearfield.cli.place import find_collection
from nearfield.stores.local import LocalStore

__all__ = ["command"]


@click.command("snapshot")
@click.argument("path")
@click.argument("target")
@options.as_json
def command(path: str, target: str, as_json: bool) -> None:
    """Copy the collection of PATH, as it is at this moment, to the new folder TARGET."""
    home, copy = find_collection(path), Path(target).expanduser()
    with LocalStore.open(home) as store:
        store.snapshot(copy)
    with LocalStore.open(copy) as made:
        count = made.count()
    if as_json:
        dump({"collection": str(home), "target": str(copy), "passages": count})
    else:
        click.echo(f"{counted(count, 'passage')} copied to {path_text(copy)}")
