"""``nearfield similarity``: how near texts are to each other, or one word in several contexts."""

from __future__ import annotations

from collections.abc import Sequence

import click

from nearfield.cli import options
from nearfield.cli.output import dump, safe, table
from nearfield.metric import Metric
from nearfield.types import FloatArray

__all__ = ["command"]

_LABEL = 40


@click.command("similarity")
@click.argument("texts", nargs=-1, required=True, metavar="TEXT TEXT...")
@click.option("--word", metavar="WORD", help="Compare this word as it stands in each text.")
@click.option(
    "--metric",
    type=click.Choice([metric.value for metric in Metric]),
    default="cosine",
    show_default=True,
    help="Higher is closer; euclidean is the negated distance.",
)
@options.model
@options.precision
@options.as_json
def command(
    texts: tuple[str, ...],
    word: str | None,
    metric: str,
    model: str | None,
    dimensions: int | None,
    precision: str,
    as_json: bool,
) -> None:
    """Compare texts with each other.

    \b
    nearfield similarity --model glove-6b-50d king queen apple
    nearfield similarity --word bank "the bank of the river" "a loan from the bank"
    """
    from nearfield.metric import similarity
    from nearfield.models.in_context import word_in_context
    from nearfield.models.resolve import default_model, load

    if len(texts) < 2:
        raise click.UsageError("give at least two texts")
    encoder = load(model or default_model(), dimensions=dimensions, precision=precision)
    vectors = word_in_context(encoder, texts, word) if word else encoder.encode(texts)
    scores = similarity(vectors, vectors, metric=metric)
    if as_json:
        dump(
            {
                "model": encoder.card,
                "metric": metric,
                "word": word,
                "texts": texts,
                "similarity": scores,
            }
        )
        return
    if word:
        click.echo(f"{safe(word)!r} in {encoder.card.name}, {metric}:")
    _print(texts, scores)


def _print(texts: Sequence[str], scores: FloatArray) -> None:
    if len(texts) == 2:
        click.echo(f"{scores[0, 1]:.4f}")
        return
    labels = [safe(text.replace("\n", " ")) for text in texts]
    labels = [text if len(text) <= _LABEL else text[: _LABEL - 1] + "…" for text in labels]
    short = [label if len(label) <= 10 else f"({n})" for n, label in enumerate(labels, 1)]
    rows = [
        [label if label == name else f"{name} {label}", *(f"{score:.4f}" for score in row)]
        for label, name, row in zip(labels, short, scores, strict=True)
    ]
    table(rows, head=("", *short), right=range(1, len(texts) + 1))
