"""``nearfield graph``: build the HNSW graph of a collection."""

from __future__ import annotations

import time

import click

from nearfield.cli import options
from nearfield.cli.output import counted, dump, duration, path_text
from nearfield.cli.place import find_collection
from nearfield.cli.progress import progress
from nearfield.stores.local import LocalStore, Mode

__all__ = ["command"]


@click.command("graph")
@click.argument("path", required=False)
@click.option("-m", default=16, show_default=True, type=click.IntRange(2, 128), help="Links.")
@click.option(
    "--ef-construction",
    default=128,
    show_default=True,
    type=click.IntRange(1, 65536),
    help="Candidates looked at for each vector; more make a better graph.",
)
@options.as_json
def command(path: str | None, m: int, ef_construction: int, as_json: bool) -> None:
    """Build an HNSW graph; what is written later is added to it.

    Searches without a filter walk it from half a million passages on; to fewer a scan is as fast.
    They go on while it is built.
    """
    home = find_collection(path)
    begun = time.perf_counter()
    with LocalStore.open(home, mode=Mode.WRITE) as store:
        count = store.count()
        with progress("Linking", "vectors") as bar:
            store.build_graph(
                m=m,
                ef_construction=ef_construction,
                progress=lambda done, of: bar.update(done / of, done),
            )
    seconds = time.perf_counter() - begun
    if as_json:
        dump({"collection": str(home), "vectors": count, "m": m, "seconds": seconds})
    else:
        click.echo(f"{path_text(home)}: {counted(count, 'vector')} linked · {duration(seconds)}")
