"""``nearfield tokens``: how a model's vocabulary cuts a text, and what it does not know."""

from __future__ import annotations

import click

from nearfield.cli import options
from nearfield.cli.output import dump, safe, table
from nearfield.errors import UnsupportedOperation
from nearfield.tokenization import Inspection, SubwordTokenizer, WordStatus, WordTokenizer, inspect

__all__ = ["command"]

_COLOURS = {WordStatus.WHOLE: "green", WordStatus.SPLIT: "yellow", WordStatus.UNKNOWN: "red"}


@click.command("tokens")
@click.argument("text", nargs=-1, required=True)
@click.option("--max-tokens", type=click.IntRange(min=1), help="Limit; the model's own by default.")
@click.option("--words", is_flag=True, help="A row a word instead of a row a token.")
@click.option("-m", "--model", metavar="NAME", help="Model name, folder or hf:org/name.")
@options.as_json
def command(
    text: tuple[str, ...], max_tokens: int | None, words: bool, model: str | None, as_json: bool
) -> None:
    """Show the tokens of a text: ids, offsets, how each word is covered, what is cut off."""
    from nearfield.models.resolve import default_model, load

    encoder = load(model or default_model())
    tokenizer = encoder.tokenizer
    if not isinstance(tokenizer, SubwordTokenizer | WordTokenizer):
        raise UnsupportedOperation(f"{encoder.card.name} does not show its tokens")
    limit = max_tokens or encoder.card.max_tokens
    seen = inspect(tokenizer, " ".join(text), max_tokens=limit)
    if as_json:
        dump(
            {
                "model": encoder.card.name,
                "inspection": seen,
                "fertility": seen.fertility,
                "coverage": seen.coverage,
                "out_of_vocabulary": [word.text for word in seen.out_of_vocabulary],
                "truncated": seen.truncated,
                "cut_text": seen.cut_text,
            }
        )
        return
    if words:
        _words(seen)
    else:
        _tokens(seen)
    _summary(seen, encoder.card.name)


def _tokens(seen: Inspection) -> None:
    rows = []
    for token in seen.tokens:
        note = (
            "special"
            if token.special
            else "unknown"
            if token.unknown
            else ""
            if token.read
            else "cut off"
        )
        place = "" if token.special else f"{token.start}–{token.end}"
        text = safe(token.text)
        shown = click.style(text, dim=True) if token.special or not token.read else text
        rows.append([shown, str(token.id), place, note])
    table(rows, head=("token", "id", "characters", ""), right=(1,))


def _words(seen: Inspection) -> None:
    rows = [
        [
            click.style(safe(word.text), fg=_COLOURS[word.status]),
            " ".join(safe(token.text) for token in word.fragments) or "–",
            str(word.status),
            f"{word.coverage:.0%}",
        ]
        for word in seen.words
    ]
    table(rows, head=("word", "fragments", "status", "covered"), right=(3,))


def _summary(seen: Inspection, name: str) -> None:
    own = sum(not token.special for token in seen.tokens)
    strange = seen.out_of_vocabulary
    click.echo()
    click.echo(
        f"{own} tokens and {len(seen.tokens) - own} special ones for {len(seen.words)} words "
        f"({seen.fertility:.2f} tokens a word) · {name}"
    )
    if strange:
        listed = ", ".join(
            click.style(safe(word.text), fg=_COLOURS[word.status]) for word in strange[:12]
        )
        click.echo(f"out of vocabulary: {listed}; {seen.coverage:.0%} of all letters are covered")
    if seen.truncated:
        click.echo(
            click.style("note: ", fg="yellow")
            + f"the model reads {seen.max_tokens} tokens and stops at character {seen.read_end:,}; "
            f"{len(seen.cut_text):,} characters are cut off"
        )
