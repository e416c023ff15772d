"""``nearfield search``: a question to passages, indexing first where that is needed."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click

from nearfield.cli import options, search_options
from nearfield.cli.output import counted, dump, duration, path_text, safe
from nearfield.cli.passage import wrapped
from nearfield.cli.progress import progress
from nearfield.cli.ready import opened, scope, split
from nearfield.collection import Collection
from nearfield.filters import parse
from nearfield.search.highlight import best_sentences
from nearfield.search.options import Mode
from nearfield.types import Hit

__all__ = ["command"]


@click.command("search")
@click.argument("words", nargs=-1, required=True, metavar="[PATH] QUESTION")
@click.option("-k", default=5, show_default=True, type=click.IntRange(min=1), help="Hits to show.")
@options.where
@search_options.mode
@click.option("--full", is_flag=True, help="Show whole passages.")
@click.option("--no-update", is_flag=True, help="Search as indexed, even if files changed.")
@options.model
@options.precision
@options.max_cost
@options.as_json
def command(
    words: tuple[str, ...],
    k: int,
    where: str | None,
    asked: search_options.Asked,
    full: bool,
    no_update: bool,
    model: str | None,
    dimensions: int | None,
    precision: str,
    as_json: bool,
) -> None:
    """Find the passages nearest in meaning to a question.

    PATH is a folder, a file or a collection; without it the collection around the current folder
    is searched. A folder that was never indexed is indexed first, and files that changed since
    are read again.
    """
    path, question = split(words, "search")
    chosen = parse(where) if where else None
    with opened(path, model, dimensions, precision, update=not no_update) as collection:
        asked = asked.over(collection.defaults)
        way = asked.mode or Mode.DENSE.value
        if way == Mode.SPARSE:
            with progress("Encoding for mode sparse", "passages") as bar:
                collection.encode_sparse(lambda done, of: bar.update(done / of, done))
        begun = time.perf_counter()
        hits = collection.search(
            question,
            k=k,
            where=scope(collection, path, chosen),
            mode=way,
            rerank=asked.rerank,
            options=asked.options,
        )
        seconds = time.perf_counter() - begun
        marks: Sequence[tuple[int, int] | None] = [None] * len(hits)
        if way != Mode.LEXICAL:  # words show for themselves, and need no model
            marks = best_sentences(collection.encoder, question, hits)
        if as_json:
            dump(_json(collection, question, hits, marks, way))
            return
        for hit, mark in zip(hits, marks, strict=True):
            _show(hit, mark, full=full)
        if hits:
            of = f"{counted(collection.count(), 'passage')} · {path_text(collection.model)}"
            note = f"{of} · {duration(seconds)} · {hits[0].path}"
            click.echo(click.style(note, dim=True))
            _warn_irrelevant(collection, hits, way)
        else:
            click.echo(_why_nothing(way, where), err=True)


def _why_nothing(mode: str, where: str | None) -> str:
    if mode in {Mode.LEXICAL, Mode.SPARSE}:
        return f"nothing found: no passage{' that matches' if where else ''} has these words"
    return "nothing to search: the collection has no passages that match"


def _warn_irrelevant(collection: Collection, hits: Sequence[Hit], mode: str) -> None:
    verdict = collection.judge(hits, mode=mode)
    if verdict is not None and not verdict.relevant:
        click.echo(
            click.style("note: ", fg="yellow")
            + f"nothing here seems relevant (confidence {verdict.confidence:.2f}, below "
            f"{verdict.threshold:.2f})"
        )


def _show(hit: Hit, mark: tuple[int, int] | None, *, full: bool) -> None:
    chunk = hit.chunk
    place = [click.style(path_text(chunk.source or chunk.document_id), fg="cyan")]
    if chunk.source and chunk.document_id != chunk.source:
        place.append(safe(chunk.document_id.removeprefix(f"{chunk.source}::")))
    place += [safe(title) for title in chunk.headings]
    where = " › ".join(place) + (f" · page {chunk.page}" if chunk.page is not None else "")
    score = click.style(f"{hit.score:.3f}", fg="green", bold=True)
    if hit.confidence is not None:
        score += click.style(f" {hit.confidence:.0%}", dim=True)
    click.echo(f"{hit.rank:>2}  {score}  {where}")
    for line in wrapped(chunk.text, mark, full=full):
        click.echo(f"      {line}")
    click.echo()


def _json(
    collection: Collection,
    question: str,
    hits: Sequence[Hit],
    marks: Sequence[tuple[int, int] | None],
    mode: str,
) -> dict[str, object]:
    return {
        "query": question,
        "mode": mode,
        "collection": str(collection.path),
        "model": collection.model,
        "fingerprint": collection.fingerprint,
        "precision": collection.precision,
        "query_precision": collection.encoder.card.precision,
        "hits": [
            {
                "rank": hit.rank,
                "score": round(hit.score, 6),
                "path": hit.path,
                "parts": {name: round(score, 6) for name, score in hit.parts.items()},
                "confidence": hit.confidence,
                "id": hit.chunk.id,
                "source": hit.chunk.source,
                "document": hit.chunk.document_id,
                "headings": hit.chunk.headings,
                "page": hit.chunk.page,
                "start": hit.chunk.start,
                "end": hit.chunk.end,
                "text": hit.chunk.text,
                "sentence": mark,
                "metadata": dict(hit.chunk.metadata),
            }
            for hit, mark in zip(hits, marks, strict=True)
        ],
    }
