"""Encoding alone: passages a second, latency of one query, and whether the vectors are equal.

Both libraries stay loaded and take turns on the same texts; sentence-transformers runs fp32 at
its own defaults. Vectors are compared row by row.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks.contenders import Worker, nearfield, sentence_transformers, started, write_texts
from benchmarks.data import passages
from benchmarks.harness import (
    Check,
    Context,
    Json,
    Outcome,
    at_least,
    interleave,
    peer_missing,
    scratch,
    summary,
)
from nearfield.evaluation.measuring.sts import cosines

__all__ = ["run"]

_MODEL = "all-MiniLM-L6-v2"
_PASSAGES = 1000
_QUERIES = 200
_QUERY_WORDS = 10
_COSINE = 0.99999
"""The lowest cosine that still counts as the same vector."""


def run(context: Context) -> Outcome:
    """Measure Nearfield, beside sentence-transformers where there is one."""
    chosen = passages(context.data, _PASSAGES)
    queries = [" ".join(text.split()[:_QUERY_WORDS]) for text in chosen.texts[:_QUERIES]]
    contenders = [nearfield(_MODEL)]
    peer = sentence_transformers(context, _MODEL)
    if peer is not None:
        contenders.append(peer)
    with scratch() as folder, ExitStack() as stack:
        workers = {each.name: stack.enter_context(started(each)) for each in contenders}
        long = write_texts(folder / "passages.json", chosen.texts)
        short = write_texts(folder / "queries.json", queries)
        seconds = interleave(
            context.repeat,
            {name: _all(worker, long, folder / f"{name}.npy") for name, worker in workers.items()},
        )
        latency = {
            name: [value for _ in range(2) for value in worker.encode(short, one_by_one=True)]
            for name, worker in workers.items()
        }
        vectors = {name: np.load(folder / f"{name}.npy") for name in workers}
    figures: dict[str, Json] = {
        "model": _MODEL,
        "texts": chosen.origin,
        "passages": len(chosen.texts),
        "mean_characters": round(statistics.fmean(map(len, chosen.texts)), 1),
    }
    for name in workers:
        rates = [len(chosen.texts) / each for each in seconds[name]]
        figures[name] = {
            "passages_per_second": summary(rates, 1),
            "query_milliseconds": _percentiles(latency[name]),
        }
    if peer is None:
        figures["sentence-transformers"] = peer_missing()
        return Outcome((), figures)
    similar = cosines(vectors["nearfield"], vectors[peer.name])
    ratio = statistics.median(seconds[peer.name]) / statistics.median(seconds["nearfield"])
    figures["cosine"] = {
        "min": round(float(similar.min()), 8),
        "mean": round(float(similar.mean()), 8),
    }
    figures["ratio"] = round(ratio, 3)
    return Outcome(_checks(float(similar.min()), ratio), figures, workers[peer.name].versions)


def _checks(cosine: float, ratio: float) -> tuple[Check, ...]:
    return (
        at_least("cosine to sentence-transformers fp32, smallest", cosine, _COSINE),
        at_least("passages a second, ratio to sentence-transformers", ratio, 1.0, "×"),
    )


def _all(worker: Worker, texts: Path, vectors: Path) -> Callable[[], float]:
    return lambda: worker.encode(texts, save=str(vectors))[0]


def _percentiles(seconds: Sequence[float]) -> dict[str, Json]:
    p50, p99 = np.percentile(np.asarray(seconds) * 1000, (50, 99))
    return {"p50": round(float(p50), 2), "p99": round(float(p99), 2), "calls": len(seconds)}
