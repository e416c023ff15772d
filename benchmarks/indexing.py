"""Indexing 5,000 passages, everything included, beside encoding them alone.

``nearfield index`` starts cold with an empty cache, reads the file, cuts, tokenises, encodes and
commits. sentence-transformers is given the same texts in memory and only encodes; its whole
process is shown as well. Both embed the same characters.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

from benchmarks.contenders import Contender, sentence_transformers, write_texts
from benchmarks.data import passages
from benchmarks.harness import (
    Context,
    Json,
    Outcome,
    at_least,
    interleave,
    peer_missing,
    private_home,
    run_process,
    scratch,
    summary,
)

__all__ = ["run"]

_MODEL = "all-MiniLM-L6-v2"
_PASSAGES = 5000
_WHOLE = "sentence-transformers, whole process"
_ENCODE = "sentence-transformers, encode() alone"


def run(context: Context) -> Outcome:
    """Measure both; the ratio is against the peer's encode() alone."""
    chosen = passages(context.data, _PASSAGES)
    peer = sentence_transformers(context, _MODEL)
    encode_seconds: list[float] = []
    with scratch() as folder:
        source = folder / "passages.jsonl"
        chosen.write_jsonl(source)
        timed = {"nearfield index": _index(source, folder)}
        if peer is not None:
            texts = write_texts(folder / "passages.json", chosen.texts)
            timed[_WHOLE] = _encode(peer, texts, encode_seconds)
        # Minutes long: what a warm-up would save is below what repetitions vary by.
        seconds = interleave(context.repeat, timed, warm_up=False)
    ours = statistics.median(seconds["nearfield index"])
    figures: dict[str, Json] = {
        "model": _MODEL,
        "texts": chosen.origin,
        "passages": len(chosen.texts),
        "seconds": {name: summary(runs, 2) for name, runs in seconds.items()},
        "passages_per_second": round(len(chosen.texts) / ours, 1),
    }
    if peer is None:
        figures["sentence-transformers"] = peer_missing()
        return Outcome((), figures)
    ratio = statistics.median(encode_seconds) / ours
    figures[_ENCODE] = summary(encode_seconds, 2)
    figures["ratio to encode() alone"] = round(ratio, 3)
    figures["ratio to the whole process"] = round(statistics.median(seconds[_WHOLE]) / ours, 3)
    check = at_least("indexing 5,000 passages, ratio to encode() alone", ratio, 1.0, "×")
    return Outcome((check,), figures, peer.versions())


def _index(source: Path, folder: Path) -> Callable[[], float]:
    numbers = count()

    def index() -> float:
        # A home and a collection of its own for each run: nothing may be found in a cache.
        place = folder / f"run-{next(numbers)}"
        place.mkdir()
        command = ["index", str(source), "--to", str(place / "passages.nf"), "--model", _MODEL]
        return run_process(
            [sys.executable, "-m", "nearfield", *command], environment=private_home(place)
        )[0]

    return index


def _encode(peer: Contender, texts: Path, encode_seconds: list[float]) -> Callable[[], float]:
    def encode() -> float:
        whole, alone = peer.whole_process(texts)
        encode_seconds.append(alone)
        return whole

    return encode
