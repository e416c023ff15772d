"""The embedded store at 10,000 and 100,000 rows: writing, a cold search, bytes.

Writing is durable: each batch is on disk before the next begins. A cold search is a fresh
process that opens the collection and searches once; its time starts after the imports. Vectors
are WordLlama's (256 dimensions) of real passages, or random where those are not at hand.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import passages
from benchmarks.harness import Context, Json, Outcome, at_least, run_process, scratch, summary
from nearfield.metric import normalise
from nearfield.models.resolve import load
from nearfield.paths import models_dir
from nearfield.stores.exact import ExactStore
from nearfield.stores.local import LocalStore
from nearfield.types import Chunk, FloatArray

__all__ = ["run"]

_SIZES = (10_000, 100_000)
_BATCH = 1000
_QUERIES = 50
_K = 10
_MODEL = "wordllama-l2-supercat-256"
_DIMENSION = 256
_WORKER = Path(__file__).parent / "workers" / "search.py"


def run(context: Context) -> Outcome:
    """Fill a store of each size and search it."""
    chosen = passages(context.data, max(_SIZES) + _QUERIES)
    real = chosen.origin != "generated" and (models_dir() / _MODEL).is_dir()
    vectors = normalise(load(_MODEL).encode(chosen.texts) if real else _random(len(chosen.texts)))
    queries, vectors = vectors[-_QUERIES:], vectors[:-_QUERIES]
    figures: dict[str, Json] = {
        "texts": chosen.origin,
        "vectors": _MODEL if real else "random",
        "dimension": vectors.shape[1],
        "batch": _BATCH,
    }
    checks = []
    for size in _SIZES:
        chunks = [
            Chunk(f"d{row}#0-{len(text)}", f"d{row}", text, 0, len(text))
            for row, text in enumerate(chosen.texts[:size])
        ]
        measured = _measure(chunks, vectors[:size], queries, context.repeat)
        same = measured["same_ids_as_exact"]
        checks.append(at_least(f"store, {size:,} rows: answers equal to the oracle's", same, 1.0))
        figures[f"{size:,} rows"] = measured
    return Outcome(tuple(checks), figures)


def _measure(
    chunks: list[Chunk], vectors: FloatArray, queries: FloatArray, repeat: int
) -> dict[str, Any]:
    with scratch() as folder:
        path = folder / "rows.nf"
        rates = _fill(path, chunks, vectors)
        asked = folder / "queries.npy"
        np.save(asked, queries)
        command = [sys.executable, str(_WORKER), str(path), str(asked), str(_K)]
        first = json.loads(run_process(command)[1])
        colds = [json.loads(run_process(command)[1]) for _ in range(repeat)]
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    text = sum(len(chunk.text.encode("utf-8")) for chunk in chunks)
    warm = np.percentile([value for cold in colds for value in cold["warm_ms"]], (50, 99))
    return {
        "rows_per_second": round(len(chunks) / sum(rates), 1),
        "batch_ms": {"p50": _ms(np.percentile(rates, 50)), "p99": _ms(np.percentile(rates, 99))},
        "first_open_and_search_ms": round(first["open_and_search_ms"], 2),
        "open_and_search_ms": summary([cold["open_and_search_ms"] for cold in colds], 2),
        "warm_search_ms": {"p50": round(float(warm[0]), 2), "p99": round(float(warm[1]), 2)},
        "same_ids_as_exact": statistics.fmean(_agreement(chunks, vectors, queries, first["ids"])),
        "bytes_per_row": round(size / len(chunks), 1),
        "of_which_text": round(text / len(chunks), 1),
        "of_which_vector": vectors.shape[1] * vectors.itemsize,
    }


def _fill(path: Path, chunks: list[Chunk], vectors: FloatArray) -> list[float]:
    """Seconds of each batch."""
    seconds = []
    with LocalStore.create(path, dimension=vectors.shape[1]) as store:
        for start in range(0, len(chunks), _BATCH):
            begun = time.perf_counter()
            store.add(chunks[start : start + _BATCH], vectors[start : start + _BATCH])
            seconds.append(time.perf_counter() - begun)
    return seconds


def _agreement(
    chunks: list[Chunk], vectors: FloatArray, queries: FloatArray, found: list[list[str]]
) -> list[bool]:
    """Whether each query's ids are those of the oracle, in the same order."""
    oracle = ExactStore(vectors.shape[1])
    oracle.add(chunks, vectors)
    return [
        [hit.chunk.id for hit in hits] == ids
        for hits, ids in zip(oracle.search(queries, _K), found, strict=True)
    ]


def _random(count: int) -> FloatArray:
    return np.random.default_rng(13).standard_normal((count, _DIMENSION)).astype(np.float32)


def _ms(seconds: float) -> float:
    return round(float(seconds) * 1000, 2)
