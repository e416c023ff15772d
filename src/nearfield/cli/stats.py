"""``nearfield stats``: what is in a collection, and which collections there are."""

from __future__ import annotations

from pathlib import Path

import click

from nearfield.cli import options
from nearfield.cli.output import bytes_text, counted, dump, path_text, safe, table
from nearfield.cli.place import find_collection
from nearfield.collection import Collection, open_collection
from nearfield.collection.locate import all_collections
from nearfield.errors import NearfieldError

__all__ = ["command"]


@click.command("stats")
@click.argument("path", required=False)
@click.option(
    "--problems", is_flag=True, help="List everything that was not read in full, and why."
)
@click.option("--files", is_flag=True, help="List the files.")
@options.as_json
def command(path: str | None, problems: bool, files: bool, as_json: bool) -> None:
    """Show what is in a collection; without PATH, list the collections."""
    if path is None and not (problems or files):
        _list(as_json=as_json)
        return
    with open_collection(find_collection(path), create=False) as collection:
        facts = _facts(collection)
        states = list(collection.sources())
        if as_json:
            dump(
                facts
                | {"problems": [p for s in states for p in s.problems]}
                | ({"files": states} if files else {})
            )
            return
        if files:
            table(
                [[path_text(s.path), f"{s.chunks:,}", bytes_text(s.size)] for s in states],
                head=("file", "passages", "size"),
                right=(1, 2),
            )
            return
        if problems:
            _print_problems(collection)
            return
        for name, value in facts.items():
            click.echo(f"{click.style(name.replace('_', ' ').rjust(14), dim=True)}  {_text(value)}")


def _facts(collection: Collection) -> dict[str, object]:
    store = collection.store
    states = list(collection.sources())
    return {
        "collection": str(collection.path),
        "passages": collection.count(),
        "documents": sum(1 for _ in store.documents()),
        "files": sum(1 for state in states if state.chunks),
        "problem_count": sum(len(state.problems) for state in states),
        "model": collection.model,
        "fingerprint": collection.fingerprint,
        "precision": collection.precision,
        "searched_in": _searched_in(collection),
        "dimension": store.dimension,
        "metric": str(store.metric),
        "chunking": str(collection.chunking),
        "roots": list(collection.roots),
        "size_bytes": _size(collection.path),
        "indexed_at": max((state.indexed_at for state in states), default=""),
        # What searches go without until the next writer makes it again.
        **({"derived_problems": list(store.problems)} if store.problems else {}),
    }


def _searched_in(collection: Collection) -> str:
    """Precision class that searches have on this machine, without loading the model."""
    from nearfield.models.precision import Precision
    from nearfield.models.transformer.choice import fast_is_possible

    made = collection.precision
    if made == Precision.FAST and not fast_is_possible():
        return str(Precision.EXACT)
    return made


def _text(value: object) -> str:
    if isinstance(value, bool | str):
        return path_text(value) if isinstance(value, str) and value.startswith("/") else str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(path_text(item) for item in value) or "none"
    return str(value)


def _print_problems(collection: Collection) -> None:
    found = [problem for state in collection.sources() for problem in state.problems]
    for problem in found:
        click.echo(f"{path_text(problem.source)}: {safe(problem.reason)}")
    click.echo(click.style(counted(len(found), "problem"), dim=True))


def _list(*, as_json: bool) -> None:
    found = []
    for place in all_collections():
        try:
            with open_collection(place, create=False) as collection:
                found.append(
                    {
                        "collection": str(place),
                        "roots": list(collection.roots),
                        "passages": collection.count(),
                        "model": collection.model,
                        "size_bytes": _size(place),
                    }
                )
        except NearfieldError as error:
            found.append({"collection": str(place), "error": str(error)})
    if as_json:
        dump({"collections": found})
        return
    if not found:
        click.echo("no collections yet: nearfield index FOLDER")
        return
    table([_row(entry) for entry in found], head=_HEAD, right=(1, 3))


_HEAD = ("folder", "passages", "model", "size", "collection")


def _row(entry: dict[str, object]) -> list[str]:
    place = Path(str(entry["collection"])).name
    if "error" in entry:
        return [safe(str(entry["error"])), "", "", "", place]
    roots = entry["roots"]
    assert isinstance(roots, list)
    return [
        ", ".join(path_text(root) for root in roots),
        f"{entry['passages']:,}",
        path_text(str(entry["model"])),
        bytes_text(int(str(entry["size_bytes"]))),
        place,
    ]


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
