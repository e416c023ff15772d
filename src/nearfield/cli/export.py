"""``nearfield export``: a collection as files that other programs read."""

from __future__ import annotations

from pathlib import Path

import click

from nearfield.cli import options
from nearfield.cli.output import counted, dump, path_text
from nearfield.cli.place import find_collection
from nearfield.stores.local import LocalStore
from nearfield.stores.transfer import export_store

__all__ = ["command"]


@click.command("export")
@click.argument("path")
@click.argument("target")
@options.as_json
def command(path: str, target: str, as_json: bool) -> None:
    """Write the collection of PATH to TARGET: everything in it, exactly.

    \b
    nearfield export notes notes.parquet     one Parquet file
    nearfield export notes notes.jsonl       one JSON object a line
    nearfield export notes notes-files       a folder: vectors.npy, chunks.jsonl, collection.json
    """
    home, place = find_collection(path), Path(target).expanduser()
    with LocalStore.open(home) as store:
        count = export_store(store, place)
    if as_json:
        dump({"collection": str(home), "target": str(place), "passages": count})
    else:
        click.echo(f"{counted(count, 'passage')} written to {path_text(place)}")
