"""``nearfield repair``: keep what is whole of a damaged collection."""

from __future__ import annotations

import click

from nearfield.cli import options
from nearfield.cli.output import counted, dump, path_text, safe
from nearfield.cli.place import find_collection
from nearfield.stores.local import LocalStore, verify

__all__ = ["command"]


@click.command("repair")
@click.argument("path", required=False)
@options.as_json
def command(path: str | None, as_json: bool) -> None:
    """Make a whole collection of a damaged one; the damaged files are kept beside it.

    Passages that are lost are listed, and the next ``nearfield index`` reads their files again.
    Close what else uses the collection first.
    """
    home = find_collection(path)
    looked = verify(home)
    if looked.whole:
        if as_json:
            dump({"collection": str(home), "kept": looked.chunks, "lost": [], "sources": []})
        else:
            found = counted(looked.chunks, "passage")
            click.echo(f"{path_text(home)}: {found}, whole: there is nothing to repair")
        return
    report = LocalStore.repair(home)
    if as_json:
        dump(
            {
                "collection": str(home),
                "kept": report.kept,
                "lost": report.lost,
                "sources": report.sources,
                "aside": report.aside,
            }
        )
        return
    for lost in report.lost:
        click.echo(f"lost {safe(lost.id) or 'a passage without a readable id'}: {lost.reason}")
    click.echo(
        f"{counted(report.kept, 'passage')} kept, {len(report.lost):,} lost; "
        f"the damaged files are in {path_text(report.aside)}"
    )
    if report.sources:
        click.echo(f"{counted(len(report.sources), 'file')} will be read again by: nearfield index")
