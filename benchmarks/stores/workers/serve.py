"""Lets one engine store and search, in a process of its own and with its own interpreter.

Run by path, alone in its folder so that it shadows no other module::

    python benchmarks/stores/workers/serve.py ENGINE ROWS

One JSON request a line on standard input, one JSON answer a line on standard output; the handlers
below say what they take. Timers stand around the engine's own calls only.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from engine import Condition, Engine, Rows

ENGINES = {
    "nearfield": "with_nearfield:Nearfield",
    "chroma": "with_chroma:Chroma",
    "lancedb": "with_lancedb:LanceDB",
    "qdrant": "with_qdrant:Qdrant",
    "milvus": "with_milvus:Milvus",
    "sqlite-vec": "with_sqlite_vec:SqliteVec",
    "hnswlib": "with_hnswlib:Hnswlib",
    "faiss": "with_faiss:Faiss",
}


class Server:
    """The requests, one method each."""

    def __init__(self, engine: Engine, rows: Rows) -> None:
        self.engine, self.rows = engine, rows
        self.queries, self.words = rows.queries(), rows.words()

    def ingest(self, folder: str, first: int, last: int, batch: int) -> dict[str, Any]:
        """Store the rows and close; the seconds of every batch, and those of finishing."""
        begun = time.perf_counter()
        if first:
            self.engine.extend(Path(folder))
        else:
            self.engine.create(Path(folder), self.queries.shape[1])
        created = time.perf_counter() - begun
        seconds = []
        for part in self.rows.batches(first, last, batch):
            begun = time.perf_counter()
            self.engine.add(part)
            seconds.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        self.engine.finish()
        return {"create": created, "add": seconds, "finish": time.perf_counter() - begun}

    def open(self, folder: str, knob: str) -> dict[str, Any]:
        """Open the folder and answer one query: the seconds of both together."""
        begun = time.perf_counter()
        self.engine.open(Path(folder))
        self.engine.set_knob(knob)
        self.engine.search(self.queries[0], 10, None)
        return {"seconds": time.perf_counter() - begun}

    def memory(self) -> dict[str, Any]:
        """Resident bytes of this process: all of them, and the anonymous part."""
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        fields = dict(line.split(":", 1) for line in status.splitlines())
        kilobytes = {name: int(fields[name].split()[0]) for name in ("VmRSS", "RssAnon")}
        return {"resident": 1024 * kilobytes["VmRSS"], "anonymous": 1024 * kilobytes["RssAnon"]}

    def search(
        self, queries: list[int], k: int, knob: str, where: list[Any] | None, seconds: float
    ) -> dict[str, Any]:
        """One query after another, until the time is up: milliseconds and rows of each."""
        self.engine.set_knob(knob)
        conditions = [Condition.of(each) for each in where or [None] * len(queries)]
        vectors, search = self.queries, self.engine.search
        asked = list(zip(queries, conditions, strict=True))
        return _timed(asked, lambda each: search(vectors[each[0]], k, each[1]), seconds)

    def lexical(self, queries: list[int], k: int, seconds: float) -> dict[str, Any]:
        """The same by words."""
        return _timed(queries, lambda each: self.engine.lexical(self.words[each], k), seconds)

    def hybrid(self, queries: list[int], k: int, knob: str, seconds: float) -> dict[str, Any]:
        """The same by both."""
        self.engine.set_knob(knob)
        vectors, words, hybrid = self.queries, self.words, self.engine.hybrid
        return _timed(queries, lambda each: hybrid(words[each], vectors[each], k), seconds)

    def rate(self, threads: int, k: int, knob: str, seconds: float) -> dict[str, Any]:
        """Queries a second of threads that each ask one after another."""
        self.engine.set_knob(knob)
        counts = [0] * threads
        begun = time.perf_counter()
        end = begun + seconds

        def ask(place: int) -> None:
            number = place
            while time.perf_counter() < end:
                self.engine.search(self.queries[number % len(self.queries)], k, None)
                counts[place] += 1
                number += threads

        running = [threading.Thread(target=ask, args=(place,)) for place in range(threads)]
        for each in running:
            each.start()
        for each in running:
            each.join()
        return {"per_second": sum(counts) / (time.perf_counter() - begun)}

    def close(self) -> dict[str, Any]:
        self.engine.close()
        return {}


def _timed(asked: list[Any], ask: Callable[[Any], Any], limit: float) -> dict[str, Any]:
    milliseconds, found = [], []
    end = time.perf_counter() + limit
    for each in asked:
        begun = time.perf_counter()
        rows = ask(each)
        now = time.perf_counter()
        milliseconds.append((now - begun) * 1000)
        found.append([int(row) for row in rows])
        if now > end:
            break
    return {"ms": milliseconds, "found": found}


def _versions(engine: Engine) -> dict[str, str]:
    found = {}
    for package in engine.packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found


def main() -> None:
    name, rows = sys.argv[1:]
    # The real standard output; whatever libraries print goes to standard error.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    begun = time.perf_counter()
    module, _, attribute = ENGINES[name].partition(":")
    engine: Engine = getattr(importlib.import_module(module), attribute)()
    ready = {
        "import": time.perf_counter() - begun,
        "versions": _versions(engine),
        "knobs": engine.knobs,
        "kept": engine.kept,
        "settings": engine.settings,
    }
    server = Server(engine, Rows(Path(rows)))
    print(json.dumps(ready), file=out, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(server, request.pop("do"))(**request)
        except NotImplementedError:
            answer = {"missing": True}
        print(json.dumps(answer), file=out, flush=True)
    # Engines with threads of their own may hang when the interpreter takes them down.
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
