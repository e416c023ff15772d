"""Four readers beside a writer that adds, replaces, deletes and compacts without a pause."""

from __future__ import annotations

import importlib.util
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from nearfield.filters import parse
from nearfield.stores.local import LocalStore, verify

_spec = importlib.util.spec_from_file_location(
    "writer_process", Path(__file__).parent / "writer_process.py"
)
assert _spec is not None and _spec.loader is not None
writer_process = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(writer_process)

QUERY = np.random.default_rng(0).standard_normal((1, writer_process.DIMENSION)).astype(np.float32)


@lru_cache(maxsize=10_000)
def expected(number: int, version: int) -> dict[str, float]:
    """The cosine of every passage of a batch with the query."""
    chunks, vectors = writer_process.batch(number, version)
    rows = vectors.astype(np.float64)
    cosines = rows @ QUERY[0] / np.linalg.norm(rows, axis=1) / np.linalg.norm(QUERY)
    return {chunk.id: score for chunk, score in zip(chunks, cosines.tolist(), strict=True)}


def look(store: LocalStore) -> int:
    """One search must show one state: batches whole, of one version, text beside its vector."""
    (hits,) = store.search(QUERY, 10**6)
    versions: dict[str, set[str]] = {}
    for hit in hits:
        version = hit.chunk.text.split()[1]
        versions.setdefault(hit.chunk.document_id, set()).add(version)
        wanted = expected(int(hit.chunk.document_id), int(version))[hit.chunk.id]
        assert abs(hit.score - wanted) < 1e-6
    assert all(len(found) == 1 for found in versions.values())
    counted = Counter(hit.chunk.document_id for hit in hits)
    assert set(counted.values()) <= {writer_process.BATCH}
    assert store.count() % writer_process.BATCH == 0
    scanned = Counter(chunk.document_id for chunk, _ in store.scan())
    assert set(scanned.values()) <= {writer_process.BATCH}
    (few,) = store.search(QUERY, 5, where=parse('source = "s"'))
    assert len(few) == 5
    return len(hits)


@pytest.mark.parametrize("seconds", [3, pytest.param(120, marks=pytest.mark.slow)])
def test_readers_see_one_state_each_time(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, seconds: float
) -> None:
    path = tmp_path / "c.nf"
    with LocalStore.create(path, dimension=writer_process.DIMENSION) as store:
        for number in range(5):
            store.add(*writer_process.batch(number))
    # On a busy machine the writer may need longer to come to its first compaction.
    begun, compacted = time.monotonic(), threading.Event()

    def goes_on() -> bool:
        passed = time.monotonic() - begun
        return passed < seconds or (passed < 20 * seconds and not compacted.is_set())

    def follow(lines: Iterable[str]) -> list[str]:
        seen = []
        for line in lines:
            seen.append(line)
            if line.startswith("compact"):
                compacted.set()
        return seen

    def read(own: LocalStore | None) -> int:
        store = own or LocalStore.open(path)
        looks = 0
        while goes_on():
            assert look(store) > 0
            looks += 1
        if own is None:
            store.close()
        return looks

    with start(path, 1) as writer, LocalStore.open(path) as shared:
        assert writer.stdout is not None
        assert writer.stdout.readline().startswith("open")
        with ThreadPoolExecutor(5) as pool:
            output = pool.submit(follow, writer.stdout)
            # Two threads share a handle, two have their own.
            looks = list(pool.map(read, [shared, shared, None, None]))
            writer.kill()
        lines = output.result()
    assert min(looks) > 0
    assert not any(line.startswith("failed") for line in lines)
    assert sum(line.startswith("compact") for line in lines) > 0
    assert verify(path).whole
