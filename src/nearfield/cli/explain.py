"""``nearfield explain``: why passages were found, and how the graph was walked."""

from __future__ import annotations

from dataclasses import asdict

import click

from nearfield.ann.graph_trace import Trace, render
from nearfield.cli import options
from nearfield.cli.output import dump, path_text, safe
from nearfield.cli.place import find_collection
from nearfield.collection import Collection, open_collection
from nearfield.collection.explaining import Reasons, explain
from nearfield.search.options import Mode, SearchOptions
from nearfield.types import Role

__all__ = ["command"]

_LABEL = 48


@click.command("explain")
@click.argument("question")
@click.option("--in", "path", metavar="PATH", help="Collection or folder to search.")
@click.option("-k", default=3, show_default=True, type=click.IntRange(min=1), help="Hits.")
@click.option(
    "--mode",
    type=click.Choice([each.value for each in (Mode.DENSE, Mode.LEXICAL, Mode.HYBRID)]),
    default=Mode.HYBRID.value,
    show_default=True,
    help="How the passages are found; both reasons are shown in any case.",
)
@click.option("--hnsw", is_flag=True, help="Show a walk of the graph: layers, hops, comparisons.")
@click.option("--ef", type=click.IntRange(min=1), help="Passages kept in view on that walk.")
@options.as_json
def command(
    question: str, path: str | None, k: int, mode: str, hnsw: bool, ef: int | None, as_json: bool
) -> None:
    """Show why passages are found: what meaning adds, and what each word adds."""
    with open_collection(find_collection(path), create=False) as collection:
        if hnsw:
            _walk(collection, question, k, ef, as_json=as_json)
            return
        wanted = SearchOptions(k=k, mode=Mode(mode))
        found = explain(collection.store, collection.encoder, question, wanted)
    if as_json:
        dump({"question": question, "hits": [asdict(reasons) for reasons in found]})
        return
    for reasons in found:
        _show(reasons)


def _show(reasons: Reasons) -> None:
    hit, words = reasons.hit, reasons.words
    score = click.style(f"{hit.score:.3f}", fg="green", bold=True)
    place = click.style(path_text(hit.chunk.source or hit.chunk.document_id), fg="cyan")
    click.echo(f"{hit.rank:>2}  {score}  {place}")
    click.echo(f"      {safe(_short(hit.chunk.text, 90))}")
    click.echo(f"      meaning  {reasons.similarity:.3f}")
    click.echo(
        f"      words    {words.score:.3f}  ({words.length} words, mean {words.average:.1f})"
    )
    for term in words.terms:
        if term.frequency:
            click.echo(
                f"        {safe(term.label):<20} {term.score:6.3f}  {term.frequency:g} × here, in "
                f"{term.texts:,} of {words.texts:,} passages"
            )
    click.echo()


def _walk(collection: Collection, question: str, k: int, ef: int | None, *, as_json: bool) -> None:
    vector = collection.encoder.encode([question], role=Role.QUERY)[0]
    with collection.store.view() as view:
        trace: Trace = view.explain_graph(vector, k, ef)
        if as_json:
            dump({"question": question, "trace": asdict(trace)})
            return

        def label(slot: int) -> str:
            (text,) = view.texts(slot, 1)
            return safe(_short(text, _LABEL)) if text else "(deleted)"

        click.echo(render(trace, label))


def _short(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"
