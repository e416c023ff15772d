"""What a question needs before it can be asked: its words, an open collection, and a scope."""

from __future__ import annotations

from pathlib import Path

import click

from nearfield.cli import options
from nearfield.cli.place import below, find_collection
from nearfield.collection import Collection, open_collection
from nearfield.collection.locate import collection_of, enclosing, is_collection
from nearfield.errors import FingerprintMismatch, StoreLocked, StoreReadOnly
from nearfield.filters import And, Filter

__all__ = ["opened", "scope", "split"]


def split(words: tuple[str, ...], verb: str) -> tuple[str | None, str]:
    """A path, if one was given, and the question; `verb` is the command, for its errors."""
    if len(words) == 1:
        if Path(words[0]).expanduser().is_dir():
            raise click.UsageError(f'no question: nearfield {verb} {words[0]} "a question"')
        return None, words[0]
    if len(words) == 2:
        options.existing(words[0])
        return words[0], words[1]
    if Path(words[0]).exists():
        return words[0], " ".join(words[1:])
    return None, " ".join(words)


def opened(
    path: str | None, model: str | None, dimensions: int | None, precision: str, *, update: bool
) -> Collection:
    """The collection that a path means, made and brought up to date where that is needed."""
    start = Path(path).expanduser() if path else None
    if start is None or is_collection(start):
        collection = open_collection(
            find_collection(path), encoder=model, precision=precision, create=False
        )
    else:
        found = enclosing(start)
        place = found or collection_of(start)
        collection = open_collection(
            place, encoder=model, dimensions=dimensions, precision=precision
        )
        if found is None:
            _update(collection, [start], announce=True)
            return collection
    if update and collection.is_stale():
        _update(collection, [], announce=False)
    return collection


def _update(collection: Collection, roots: list[Path], *, announce: bool) -> None:
    from nearfield.cli.index import run_index, show_report

    try:
        report = run_index(collection, roots, collection.update_options())
    except (StoreLocked, StoreReadOnly, FingerprintMismatch) as error:
        if announce:
            raise
        click.echo(click.style("note: ", fg="yellow") + f"searching as indexed: {error}", err=True)
        return
    if announce:
        show_report(report, collection, err=True)
        click.echo(err=True)


def scope(collection: Collection, path: str | None, chosen: Filter | None) -> Filter | None:
    """Narrow the search to `path` when the collection holds more than that."""
    if path is None or is_collection(Path(path).expanduser()):
        return chosen
    real = Path(path).expanduser().resolve()
    if collection.roots == (str(real),):
        return chosen
    inside = below(real)
    return And((inside, chosen)) if chosen else inside
