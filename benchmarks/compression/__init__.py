"""What smaller vectors cost on judged collections, by model."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from benchmarks import page
from benchmarks.harness import BenchmarkError, Context, DataMissing, Outcome
from benchmarks.results import RESULTS, origin, record, save
from nearfield.evaluation.compression import CompressionReport, study
from nearfield.evaluation.tasks import RetrievalTask, load
from nearfield.evaluation.tasks.retrieval import whole_text
from nearfield.models.cache import CachedEncoder, VectorCache
from nearfield.models.resolve import load as load_model
from nearfield.types import Role

__all__ = ["main", "run"]

_MODELS = ("all-MiniLM-L6-v2", "wordllama-l2-supercat-256")
_SETS = ("scifact", "cranfield")
_USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, save and put the result into the page; 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks compression", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help=f"holds {', '.join(_SETS)}")
    parser.add_argument("--models", nargs="+", default=list(_MODELS))
    parser.add_argument("--sets", nargs="+", default=list(_SETS))
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON file")
    parser.add_argument("--page", action="store_true", help="put the result into the docs")
    options = parser.parse_args(arguments)
    begun, made = time.perf_counter(), origin()
    try:
        outcome = run(options.data, options.models, options.sets)
    except BenchmarkError as error:
        print(f"  failed: {error}")
        return _USAGE
    command = "python -m benchmarks compression --data DATA"
    result = record("compression", command, outcome, Context(data=options.data), made)
    saved = save(result, options.out)
    print(f"  {time.perf_counter() - begun:,.0f} s · {saved}", flush=True)
    return page.main(["--results", str(options.out)]) if options.page else 0


def run(data: Path, models: Sequence[str], sets: Sequence[str]) -> Outcome:
    """Study each model on each set."""
    found: dict[str, Any] = {}
    for name in sets:
        if not (data / name).is_dir():
            raise DataMissing(
                f"needs the data set {name}: --data FOLDER, where FOLDER/{name}/ is it"
            )
        task = load(data / name)
        assert isinstance(task, RetrievalTask)
        for model in models:
            print(f"  {name} · {model}", flush=True)
            found[f"{name} · {model}"] = _figures(_study(task, model))
    return Outcome((), found)


def _study(task: RetrievalTask, model: str) -> CompressionReport:
    encoder = CachedEncoder(load_model(model, precision="exact"), VectorCache())
    texts = [whole_text(document) for document in task.documents.values()]
    documents = encoder.encode(texts, role=Role.DOCUMENT, observe=lambda _: None)
    queries = encoder.encode(list(task.queries.values()), role=Role.QUERY)
    places = {id_: at for at, id_ in enumerate(task.documents)}
    for grades in task.qrels.values():
        for id_ in grades:
            places.setdefault(id_, len(places))  # judged and not there: never found
    qrels = [{places[id_]: grade for id_, grade in each.items()} for each in task.qrels.values()]
    # Graphs are walked by one thread, and NumPy's would wait for each other on a busy machine.
    with threadpool_limits(1):
        return study(documents, queries, qrels=qrels)


def _figures(report: CompressionReport) -> dict[str, Any]:
    smallest = report.smallest()
    return {
        "documents": report.documents,
        "queries": report.queries,
        "dimension": report.dimension,
        "smallest": "" if smallest is None else smallest.variant.name,
        "skipped": list(report.skipped),
        "ways": [
            {
                "name": each.variant.name,
                "bytes": round(each.bytes, 1),
                "disk_bytes": each.disk_bytes,
                "milliseconds": round(each.milliseconds, 3),
                "recall": _rounded(asdict(each.recall)),
                "ndcg@10": None if each.quality is None else _rounded(asdict(each.quality)),
                "kept": None if each.retention is None else _rounded(asdict(each.retention)),
                "p": round(each.p, 4),
                "verdict": each.verdict,
            }
            for each in report.outcomes
        ],
    }


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}
