"""``nearfield ask``: a question to an answer with numbered citations, or an honest "not here"."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from nearfield.cli import ask_options, options
from nearfield.cli.output import dump, duration, path_text, safe, width
from nearfield.cli.ready import opened, scope, split
from nearfield.errors import NearfieldError
from nearfield.filters import parse
from nearfield.types import Answer, Citation, Hit, Message, Piece, Speaker

if TYPE_CHECKING:
    from collections.abc import Callable

    from nearfield.collection import Collection
    from nearfield.filters import Filter

__all__ = ["command"]

_NEAREST = 3


@click.command("ask")
@click.argument("words", nargs=-1, required=True, metavar="[PATH] [QUESTION]")
@ask_options.asking
@options.where
@click.option("-i", "--interactive", is_flag=True, help="Go on asking; follow-ups are understood.")
@click.option("--no-update", is_flag=True, help="Ask as indexed, even if files changed.")
@options.model
@options.precision
@options.max_cost
@options.as_json
def command(
    words: tuple[str, ...],
    asking: ask_options.Asking,
    where: str | None,
    interactive: bool,
    no_update: bool,
    model: str | None,
    dimensions: int | None,
    precision: str,
    as_json: bool,
) -> None:
    """Answer a question from your own files, with citations.

    PATH is a folder, a file or a collection; without it the collection around the current folder
    is asked. Each sentence of the answer names the places that support it. Where the files seem to
    hold no answer, the nearest passages are shown instead.
    """
    path, question = _split(words, interactive=interactive)
    given = parse(where) if where else None
    with opened(path, model, dimensions, precision, update=not no_update) as collection:
        inside = scope(collection, path, given)
        if question:
            answer = _ask(collection, question, inside, asking, (), as_json=as_json)
        if interactive:
            first = [(question, answer)] if question else []
            _converse(collection, inside, asking, first, as_json=as_json)


def _split(words: tuple[str, ...], *, interactive: bool) -> tuple[str | None, str]:
    from pathlib import Path

    if interactive and len(words) == 1 and Path(words[0]).expanduser().exists():
        return words[0], ""
    return split(words, "ask")


def _converse(
    collection: Collection,
    where: Filter | None,
    asking: ask_options.Asking,
    before: Sequence[tuple[str, Answer]],
    *,
    as_json: bool,
) -> None:
    """Ask on until an empty line or the end of the input."""
    said = [(question, answer) for question, answer in before]
    while question := _next_question():
        rewrites = bool(said) and _writes(said[-1][1], asking.generator)
        history = _history(said) if rewrites else ()
        try:
            answer = _ask(collection, question, where, asking, history, as_json=as_json)
        except NearfieldError as error:  # one question that fails does not end the conversation
            click.echo(click.style("error: ", fg="red", bold=True) + str(error), err=True)
            continue
        said.append((question, answer))


def _next_question() -> str:
    try:
        if not sys.stdin.isatty():
            return sys.stdin.readline().strip()
        return input(click.style("? ", fg="cyan", bold=True)).strip()
    except EOFError:
        return ""


def _writes(last: Answer, generator: str | None) -> bool:
    from nearfield.rag.extractive import NAME

    return generator != NAME and (generator is not None or last.generator != NAME)


def _history(said: Sequence[tuple[str, Answer]]) -> tuple[Message, ...]:
    return tuple(
        message
        for question, answer in said
        for message in (Message(Speaker.USER, question), Message(Speaker.ASSISTANT, answer.text))
    )


def _ask(
    collection: Collection,
    question: str,
    where: Filter | None,
    asking: ask_options.Asking,
    history: Sequence[Message],
    *,
    as_json: bool,
) -> Answer:
    if as_json:
        answer = collection.ask(
            question,
            where=where,
            generator=asking.generator,
            history=history,
            options=asking.options,
        )
        _dump(collection, answer)
        return answer
    pieces = collection.ask_stream(
        question,
        where=where,
        generator=asking.generator,
        history=history,
        options=asking.options,
    )
    with _preview() as show:
        text = ""
        for piece in pieces:
            if isinstance(piece, Piece):
                text += piece.text
                show(text)
    assert isinstance(piece, Answer)
    _show(collection, piece)
    return piece


@contextmanager
def _preview() -> Iterator[Callable[[str], None]]:
    """Show a text as it grows; it goes away when the answer with its citations is there."""
    if not sys.stdout.isatty():
        yield lambda text: None
        return
    from rich.live import Live
    from rich.text import Text

    with Live(Text("…", style="dim"), transient=True, refresh_per_second=15) as live:
        yield lambda text: live.update(Text(safe(text)))


def _show(collection: Collection, answer: Answer) -> None:
    for paragraph in safe(answer.text).splitlines():
        for line in textwrap.wrap(paragraph, width(), break_on_hyphens=False) or [""]:
            click.echo(click.style(line, bold=True) if sys.stdout.isatty() else line)
    click.echo()
    if answer.abstained:
        click.echo(click.style("nearest passages", dim=True))
        for hit in answer.nearest[:_NEAREST]:
            _show_nearest(hit)
    for citation in answer.citations:
        _show_citation(citation)
    click.echo(click.style(" · ".join(_facts(collection, answer)), dim=True))
    click.echo()


def _show_citation(citation: Citation) -> None:
    number = click.style(f"[{citation.number}]", fg="green", bold=True)
    where = _place(citation.source or citation.document_id, citation.headings, citation.page)
    span = f"characters {citation.start:,}–{citation.end:,}"
    note = "" if citation.verified else click.style("  changed since it was read", fg="yellow")
    click.echo(f"{number} {where} · {click.style(span, dim=True)}{note}")
    for line in _wrapped(f"“{' '.join(safe(citation.quote).split())}”"):
        click.echo(f"    {line}")


def _show_nearest(hit: Hit) -> None:
    chunk = hit.chunk
    click.echo(
        f"{hit.rank:>2}  {_place(chunk.source or chunk.document_id, chunk.headings, chunk.page)}"
    )
    short = textwrap.shorten(" ".join(safe(chunk.text).split()), 2 * width(), placeholder=" …")
    for line in _wrapped(short):
        click.echo(f"    {line}")


def _place(source: str, headings: Sequence[str], page: int | None) -> str:
    titles = "".join(f" › {safe(title)}" for title in headings)
    return (
        click.style(path_text(source), fg="cyan")
        + titles
        + (f" · page {page}" if page is not None else "")
    )


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, width() - 4, break_on_hyphens=False)


def _facts(collection: Collection, answer: Answer) -> Iterator[str]:
    if answer.generator:
        yield safe(answer.generator)
    if answer.confidence is not None:
        yield f"confidence {answer.confidence:.0%}"
    if answer.usage is not None:
        yield f"{answer.usage.input_tokens:,} + {answer.usage.output_tokens:,} tokens"
        if answer.usage.cost is not None:
            yield f"${answer.usage.cost:.4f}"
    for reason, count in answer.left_out.items():
        yield f"{count} {reason}"
    if answer.queries and answer.queries != (answer.question,):
        yield "searched for " + "; ".join(f"“{safe(each)}”" for each in answer.queries)
    yield path_text(collection.model)
    yield duration(sum(s for name, s in answer.seconds.items() if name != "first piece"))


def _dump(collection: Collection, answer: Answer) -> None:
    fields = {
        "question": answer.question,
        "text": answer.text,
        "abstained": answer.abstained,
        "confidence": answer.confidence,
        "statements": answer.statements,
        "citations": answer.citations,
        "nearest": [
            {
                "id": hit.chunk.id,
                "source": hit.chunk.source,
                "page": hit.chunk.page,
                "score": round(hit.score, 6),
                "text": hit.chunk.text,
            }
            for hit in answer.nearest
        ],
        "generator": answer.generator,
        "usage": answer.usage,
        "queries": answer.queries,
        "left_out": dict(answer.left_out),
        "seconds": dict(answer.seconds),
        "collection": str(collection.path),
        "model": collection.model,
    }
    dump(fields)
