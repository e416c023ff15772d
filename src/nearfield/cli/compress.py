"""``nearfield compress``: what smaller vectors cost in quality, bytes and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np

from nearfield.cli import options
from nearfield.cli.output import counted, dump, path_text, table
from nearfield.cli.progress import progress
from nearfield.collection import open_collection
from nearfield.collection.locate import is_collection
from nearfield.evaluation.compression import CompressionReport, Outcome, study
from nearfield.evaluation.tasks import RetrievalTask, load
from nearfield.evaluation.tasks.retrieval import whole_text
from nearfield.models.cache import CachedEncoder, VectorCache
from nearfield.models.resolve import default_model
from nearfield.models.resolve import load as load_model
from nearfield.types import BatchReport, FloatArray, Role

__all__ = ["command"]


@click.command("compress")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("-m", "--model", metavar="NAME", help="Model, for a folder of judged questions.")
@click.option("--split", help="Part of the judgements.")
@click.option("--dimensions", metavar="N,N", help="Fewer dimensions to try, such as 128,64.")
@click.option("--measure", default="ndcg@10", show_default=True, help="What quality is.")
@click.option(
    "--sample",
    default=200,
    show_default=True,
    type=click.IntRange(min=10),
    help="Vectors of a collection to ask.",
)
@click.option("--no-graph", is_flag=True, help="Leave HNSW graphs out.")
@options.as_json
def command(
    path: Path,
    model: str | None,
    split: str | None,
    dimensions: str | None,
    measure: str,
    sample: int,
    no_graph: bool,
    as_json: bool,
) -> None:
    """Measure fewer dimensions, float16, int8, binary and HNSW against float32.

    PATH is a folder with a corpus, queries and judgements, whose quality is measured; or a
    collection without any, of which only the nearest neighbours are compared.
    """
    kept = None if dimensions is None else _numbers(dimensions)
    qrels: list[Mapping[int, int]] | None = None
    if is_collection(path):
        name, documents, queries = _own(path, sample)
    else:
        task = load(path, split=split)
        if not isinstance(task, RetrievalTask):
            raise click.UsageError(f"{path} is no retrieval task: it has no corpus with queries")
        name = model or default_model()
        documents, queries = _encoded(task, name)
        qrels = _judgements(task)
    with progress("Measuring", "ways") as bar:
        report = study(
            documents,
            queries,
            qrels=qrels,
            measure=measure,
            kept=kept,
            graphs=not no_graph,
            listener=lambda done, of, what: bar.update(done / of, done, what),
        )
    if as_json:
        dump(_json(path, name, report))
        return
    click.echo(
        f"{path_text(path)}: {counted(report.documents, 'document')}, "
        f"{counted(report.queries, 'question')}, {name}"
    )
    _show(report)


def _judgements(task: RetrievalTask) -> list[Mapping[int, int]]:
    """Grades by row; judged documents that are not there count as never found."""
    places = {id_: at for at, id_ in enumerate(task.documents)}
    for grades in task.qrels.values():
        for id_ in grades:
            places.setdefault(id_, len(places))
    return [{places[id_]: grade for id_, grade in grades.items()} for grades in task.qrels.values()]


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(f"{text!r} is no list of numbers, such as 128,64") from None


def _own(path: Path, sample: int) -> tuple[str, FloatArray, FloatArray]:
    """A collection's vectors, and some of them as questions, which are left out of the rest."""
    with open_collection(path, create=False) as collection:
        rows = [vector for _, vector in collection.store.scan()]
        name = collection.model
    if len(rows) < 2 * sample:
        sample = len(rows) // 2
    chosen = np.random.default_rng(0).permutation(len(rows))
    matrix = np.stack(rows) if rows else np.empty((0, 1), dtype=np.float32)
    return name, matrix[np.sort(chosen[sample:])], matrix[np.sort(chosen[:sample])]


def _encoded(task: RetrievalTask, name: str) -> tuple[FloatArray, FloatArray]:
    encoder = CachedEncoder(load_model(name), VectorCache())
    texts = [whole_text(document) for document in task.documents.values()]
    with progress("Encoding", "texts") as bar:
        done = 0

        def observe(report: BatchReport) -> None:
            nonlocal done
            done += len(report.indices)
            bar.update(done / len(texts), done)

        documents = encoder.encode(texts, role=Role.DOCUMENT, observe=observe)
    return documents, encoder.encode(list(task.queries.values()), role=Role.QUERY)


def _show(report: CompressionReport) -> None:
    labelled = bool(report.measure)
    rows = [_row(each, report.outcomes[0].bytes, labelled=labelled) for each in report.outcomes]
    quality = (report.measure, "kept", "95% interval", "") if labelled else ()
    head = ("vectors", "bytes", "smaller", *quality, "recall@10")
    table(rows, head=(*head, "ms"), right=tuple(range(1, len(head) + 1)))
    smallest = report.smallest()
    if smallest is not None:
        click.echo(
            f"smallest that is not measurably worse: {smallest.variant.name}, "
            f"{smallest.bytes:,.0f} bytes a vector"
        )
    for skipped in report.skipped:
        click.echo(click.style("note: ", fg="yellow") + skipped)


def _row(found: Outcome, whole: float, *, labelled: bool) -> list[str]:
    size = [found.variant.name, f"{found.bytes:,.0f}"]
    size.append(f"{whole / found.bytes:.1f}×")
    recall, speed = f"{found.recall.mean:.3f}", f"{found.milliseconds:.2f}"
    if not labelled or found.quality is None or found.retention is None:
        return [*size, recall, speed]
    colour = {"worse": "red", "better": "green"}.get(found.verdict)
    return [
        *size,
        f"{found.quality.mean:.3f}",
        f"{found.retention.mean:.1%}",
        f"{found.retention.low:.1%}–{found.retention.high:.1%}",
        click.style(found.verdict, fg=colour),
        recall,
        speed,
    ]


def _json(path: Path, name: str, report: CompressionReport) -> dict[str, object]:
    return {
        "path": str(path),
        "model": name,
        **asdict(report),
        "outcomes": [
            {**asdict(each), "name": each.variant.name, "verdict": each.verdict}
            for each in report.outcomes
        ],
    }
