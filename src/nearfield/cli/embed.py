"""``nearfield embed``: texts into vectors."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from nearfield.cli import options
from nearfield.cli.output import dump, duration
from nearfield.cli.progress import progress
from nearfield.types import BatchReport, FloatArray, Role

__all__ = ["command"]


@click.command("embed")
@click.argument("texts", nargs=-1, metavar="[TEXT...]")
@click.option(
    "-f", "--file", "source", metavar="FILE", help="One text a line; - reads standard input."
)
@click.option("-o", "--out", metavar="FILE.npy", help="Write a float32 array of shape (n, dim).")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default="document",
    show_default=True,
    help="What the texts are to the model.",
)
@options.model
@options.precision
@options.max_cost
@options.as_json
def command(
    texts: tuple[str, ...],
    source: str | None,
    out: str | None,
    role: str,
    model: str | None,
    dimensions: int | None,
    precision: str,
    as_json: bool,
) -> None:
    """Encode texts and print their vectors, or write them to a file."""
    import time

    from nearfield.models.resolve import default_model, load

    inputs = list(texts) + (_lines(source) if source else [])
    if not inputs:
        raise click.UsageError("give texts, or --file FILE with one a line")
    encoder = load(model or default_model(), dimensions=dimensions, precision=precision)
    truncated: list[int] = []
    begun = time.perf_counter()
    with progress("Embedding", "texts") as bar:
        done = 0

        def observe(batch: BatchReport) -> None:
            nonlocal done
            done += len(batch.indices)
            truncated.extend(batch.truncated)
            bar.update(done / len(inputs), done)

        vectors = encoder.encode(inputs, role=Role(role), observe=observe)
    seconds = time.perf_counter() - begun
    if out:
        _write(Path(out), vectors)
    if as_json:
        detail: dict[str, object] = {"vectors": vectors} if not out else {"out": out}
        dump({"model": encoder.card, "truncated": sorted(truncated), "seconds": seconds} | detail)
        return
    if not out:
        for row in vectors:
            click.echo(" ".join(f"{value:.6f}" for value in row))
    click.echo(
        f"{len(vectors):,} × {encoder.card.dimension} · {encoder.card.name} · {duration(seconds)}"
        + (f" · {len(truncated):,} cut at {encoder.card.max_tokens} tokens" if truncated else ""),
        err=True,
    )


def _lines(source: str) -> list[str]:
    if source == "-":
        return sys.stdin.read().splitlines()
    return options.existing(source).read_text(encoding="utf-8").splitlines()


def _write(path: Path, vectors: FloatArray) -> None:
    import numpy as np

    if path.suffix != ".npy":
        raise click.BadParameter(f"{path} must end in .npy")
    with path.open("wb") as file:
        np.save(file, vectors, allow_pickle=False)
