"""``nearfield drift``: what changed between two snapshots of a collection."""

from __future__ import annotations

import math
from dataclasses import asdict

import click

from nearfield.cli import options
from nearfield.cli.output import counted, dump, path_text
from nearfield.cli.place import find_collection
from nearfield.collection import open_collection
from nearfield.collection.health import CollectionDrift, compare_collections

__all__ = ["command"]

_LEVEL = 0.05


@click.command("drift")
@click.argument("before")
@click.argument("after")
@click.option(
    "-k", default=10, show_default=True, type=click.IntRange(min=1), help="Neighbours to follow."
)
@options.as_json
def command(before: str, after: str, k: int, as_json: bool) -> None:
    """Compare the vectors of BEFORE, such as a snapshot, with those of AFTER.

    By distribution (maximum mean discrepancy with a permutation test), and passage by passage where
    both hold it: whether its vector changed, and whether its neighbours did.
    """
    first, second = find_collection(before), find_collection(after)
    with (
        open_collection(first, create=False) as old,
        open_collection(second, create=False) as new,
    ):
        found = compare_collections(old, new, k=k)
    if as_json:
        dump({"before": str(first), "after": str(second), **asdict(found)})
        return
    counts = f"{found.drift.before:,} and {counted(found.drift.after, 'passage')}"
    click.echo(f"{path_text(first)} → {path_text(second)}: {counts}")
    for line in _lines(found):
        click.echo(line)


def _lines(found: CollectionDrift) -> list[str]:
    lines = []
    distance = found.drift.discrepancy
    if distance is None:
        lines.append(
            f"made by two models ({found.models[0]}, {found.models[1]}): their vectors cannot be "
            "compared, their neighbourhoods can"
        )
    else:
        differ = distance.p < _LEVEL
        verdict = (
            click.style("drifted", fg="yellow") if differ else click.style("no drift", fg="green")
        )
        lines.append(
            f"{verdict}: MMD² {distance.mmd2:.5f}, p {distance.p:.3f} "
            f"({'below' if differ else 'not below'} {_LEVEL:g}; {distance.sampled:,} of each)"
        )
        lines.append(
            f"centroid moved by cosine distance {distance.centroid:.4f}, that is "
            f"{distance.shift:.2f} times the spread of the passages"
        )
    moved = found.drift.moved
    if moved is None or not moved.common:
        return [*lines, "no passage stands in both: nothing to follow"]
    line = f"{counted(moved.common, 'passage')} in both"
    if moved.changed is not None:
        line += f", {moved.changed:.1%} with another vector"
    if math.isfinite(moved.overlap):
        line += f", {moved.overlap:.1%} of their {moved.k} nearest stayed"
    lines.append(line)
    if found.reread:
        lines.append(
            click.style("note: ", fg="yellow")
            + f"{counted(found.reread, 'vector')} changed though the text did not: the model "
            "computes something else than before"
        )
    return lines
