"""``nearfield compact``: give back the space of deleted passages."""

from __future__ import annotations

from pathlib import Path

import click

from nearfield.cli import options
from nearfield.cli.output import bytes_text, dump, path_text
from nearfield.cli.place import find_collection
from nearfield.stores.local import LocalStore, Mode

__all__ = ["command"]


@click.command("compact")
@click.argument("path", required=False)
@options.as_json
def command(path: str | None, as_json: bool) -> None:
    """Write a collection afresh, without what was deleted; searches go on meanwhile."""
    home = find_collection(path)
    before = _size(home)
    with LocalStore.open(home, mode=Mode.WRITE) as store:
        store.compact()
    after = _size(home)
    if as_json:
        dump({"collection": str(home), "bytes_before": before, "bytes_after": after})
    else:
        click.echo(f"{path_text(home)}: {bytes_text(before)}, now {bytes_text(after)}")


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
