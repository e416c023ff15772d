"""``nearfield show``: one passage, or a whole document as it was read, from the collection."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from nearfield.cli import options
from nearfield.cli.output import dump, path_text, safe
from nearfield.cli.place import find_collection
from nearfield.collection import Collection, open_collection
from nearfield.errors import UnknownId
from nearfield.registry import suggest
from nearfield.types import Chunk

__all__ = ["command"]


@click.command("show")
@click.argument("target", metavar="ID|FILE")
@click.option("--in", "place", metavar="PATH", help="Collection, or a folder that was indexed.")
@click.option(
    "-C",
    "--context",
    default=1,
    show_default=True,
    type=click.IntRange(min=0),
    help="Passages to show before and after.",
)
@options.as_json
def command(target: str, place: str | None, context: int, as_json: bool) -> None:
    """Show a passage by the id that ``search --json`` gives, or every passage of a file."""
    if place is None:
        place = _file_of(target)
    with open_collection(find_collection(place), create=False) as collection:
        chunks, wanted = _find(collection, target, context)
        if as_json:
            dump({"wanted": wanted, "passages": [_plain(chunk) for chunk in chunks]})
            return
        _print(chunks, wanted)


def _file_of(target: str) -> str | None:
    """The file in an id such as ``file::record#0-48``, if it is there."""
    before = target.partition("::")[0]
    names = (before, before.rpartition("#")[0])
    return next((name for name in names if name and Path(name).expanduser().exists()), None)


def _find(collection: Collection, target: str, context: int) -> tuple[list[Chunk], str | None]:
    names = [target]
    path, mark, rest = target.rpartition("#")
    if mark and path:
        names.append(f"{Path(path).expanduser().resolve()}#{rest}")
    for name in names:
        try:
            chunk = collection.get([name])[0]
        except UnknownId:
            continue
        siblings = collection.store.chunks_of(chunk.document_id)
        at = [sibling.id for sibling in siblings].index(chunk.id)
        return siblings[max(0, at - context) : at + context + 1], chunk.id
    for document in (target, str(Path(target).expanduser().resolve())):
        chunks = collection.store.chunks_of(document)
        if chunks:
            return chunks, None
    known = [state.path for state in collection.sources()]
    raise UnknownId(
        f"{collection.path} has no passage or file {target!r}; {suggest(target, known[:5000])}"
        if len(known) < 50
        else f"{collection.path} has no passage or file {target!r}: search --json gives the ids"
    )


def _print(chunks: Sequence[Chunk], wanted: str | None) -> None:
    first = chunks[0]
    title = [click.style(path_text(first.source or first.document_id), fg="cyan", bold=True)]
    title += [safe(heading) for heading in first.headings]
    click.echo(" › ".join(title))
    for chunk in chunks:
        page = f" · page {chunk.page}" if chunk.page is not None else ""
        rule = f"── characters {chunk.start:,}–{chunk.end:,}{page} "
        click.echo(click.style(rule.ljust(60, "─"), dim=True))
        text = safe(chunk.text)
        click.echo(click.style(text, bold=True) if chunk.id == wanted else text)
    metadata = dict(first.metadata)
    if metadata:
        click.echo(click.style("── metadata ".ljust(60, "─"), dim=True))
        for name, value in metadata.items():
            click.echo(f"{safe(name)} = {safe(str(value))}")


def _plain(chunk: Chunk) -> dict[str, object]:
    return {
        "id": chunk.id,
        "document": chunk.document_id,
        "source": chunk.source,
        "headings": chunk.headings,
        "page": chunk.page,
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text,
        "metadata": dict(chunk.metadata),
    }
