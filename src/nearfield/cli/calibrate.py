"""``nearfield calibrate``: turn scores into confidences."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from nearfield.cli import options
from nearfield.cli.output import dump, path_text
from nearfield.cli.place import find_collection
from nearfield.collection import open_collection
from nearfield.collection.judged import read_judged

__all__ = ["command"]


@click.command("calibrate")
@click.argument("path", required=False)
@click.option(
    "--sample",
    default=300,
    show_default=True,
    type=click.IntRange(min=20),
    help="Passages to take a sentence from.",
)
@click.option(
    "--questions",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='Questions of your own instead, JSONL: {"question": "...", "relevant": ["id", ...]}.',
)
@click.option(
    "--mode",
    type=click.Choice(["dense", "lexical", "hybrid", "sparse"]),
    default="dense",
    show_default=True,
    help="Whose scores; all but dense need --questions.",
)
@options.as_json
def command(path: str | None, sample: int, file: Path | None, mode: str, as_json: bool) -> None:
    """Learn what the scores of a collection are worth.

    From its own sentences, or better from questions whose answers you know. From then on every
    hit of that mode has a confidence, and a search says when nothing that it found seems relevant.
    """
    home = find_collection(path)
    with open_collection(home, create=False) as collection:
        questions = read_judged(file) if file else None
        found = collection.calibrate(sample, questions=questions, mode=mode)
    if as_json:
        dump({"collection": str(home), **asdict(found)})
        return
    click.echo(
        f"{path_text(home)}: calibrated on {found.questions} examples; it tells the answerable "
        f"from the others with AUROC {found.auroc:.3f} (0.5 is chance); below confidence "
        f"{found.threshold:.2f} nothing counts as relevant"
    )
