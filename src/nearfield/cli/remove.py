"""``nearfield remove``: files or passages out of a collection, or the whole collection."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from nearfield.cli import options
from nearfield.cli.output import counted, dump, path_text
from nearfield.cli.place import find_collection
from nearfield.collection import open_collection
from nearfield.stores.local import LocalStore, Mode

__all__ = ["command"]


@click.command("remove")
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@click.option("--in", "place", metavar="PATH", help="Collection, or a folder that was indexed.")
@options.where
@click.option("--all", "everything", is_flag=True, help="The whole collection of PATH.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@options.as_json
def command(
    paths: tuple[str, ...],
    place: str | None,
    where: str | None,
    everything: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Take files or passages out of a collection; your files are never touched.

    \b
    nearfield remove notes/old.md              what was read from one file or folder
    nearfield remove --in notes -w 'year < 2020'
    nearfield remove --all notes               the whole collection
    """
    if everything:
        if len(paths) > 1:
            raise click.UsageError("--all takes one folder or collection")
        _remove_all(find_collection(paths[0] if paths else place), yes=yes, as_json=as_json)
        return
    if bool(paths) == bool(where):
        raise click.UsageError("give either files to remove or a filter (--where)")
    home = find_collection(place or (paths[0] if paths else None))
    with open_collection(home, create=False) as collection:
        gone = collection.remove(*paths) if paths else collection.delete(where=where)
        left = collection.count()
    if as_json:
        dump({"collection": str(home), "removed": gone, "left": left})
    else:
        click.echo(f"{counted(gone, 'passage')} removed, {left:,} left in {path_text(home)}")


def _remove_all(home: Path, *, yes: bool, as_json: bool) -> None:
    # Taking the writer lock proves that it is a collection and that nobody is writing to it.
    store = LocalStore.open(home, mode=Mode.WRITE)
    count = store.count()
    try:
        if not yes:
            click.confirm(f"Delete {path_text(home)} with {counted(count, 'passage')}?", abort=True)
    finally:
        store.close()
    shutil.rmtree(home)
    if as_json:
        dump({"collection": str(home), "removed": count, "left": 0})
    else:
        click.echo(f"{path_text(home)} with {counted(count, 'passage')} is gone")
