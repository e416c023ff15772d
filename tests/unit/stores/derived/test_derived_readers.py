"""Readers beside a writer that adds, replaces, deletes, derives, compacts and builds graphs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from nearfield.filters import parse
from nearfield.stores.local import LocalStore, LocalView, SearchPath
from nearfield.types import Chunk, FloatArray

pytestmark = pytest.mark.usefixtures("low_limits", "every_candidate")

DIMENSION = 16
FIRST = parse('document like "1%"')


def batch(number: int) -> tuple[list[Chunk], FloatArray]:
    """As ``faults/writer_process.py`` writes them."""
    rng = np.random.default_rng([number, 0])
    chunks = [
        Chunk(f"{number}-{n}", str(number), f"version 0 of {number}-{n} " * 9, n, n + 9, "s")
        for n in range(25)
    ]
    return chunks, rng.standard_normal((25, DIMENSION)).astype(np.float32)


def of_all(store: LocalStore, view: LocalView, found: set[str], wanted: set[str]) -> None:
    """All that is wanted; what was deleted since the view began may be known no more."""
    assert found <= wanted
    if found < wanted:
        with store.view() as newer:
            assert newer.state.sequence > view.state.sequence


def look(store: LocalStore, rng: np.random.Generator) -> str:
    """Ask one view in every way; it must show one state. Returns the path that served."""
    query = rng.standard_normal(DIMENSION).astype(np.float32)
    with store.view() as view:
        slots = np.arange(view.slots) if view.allowed(None) is None else None
        ranking = view.nearest(query, 10**6)
        chunks = {chunk.id: chunk for chunk in view.chunks(ranking.keys)}
        assert slots is None or len(ranking.keys) == len(slots)
        assert len(chunks) == len(ranking.keys) == view.slots - view.state.dead
        assert set(Counter(chunk.document_id for chunk in chunks.values()).values()) <= {25}
        assert len({(c.document_id, c.text.split()[1]) for c in chunks.values()}) == len(
            {c.document_id for c in chunks.values()}
        )
        few = view.nearest(query, 10)
        (exact,), _ = view.nearest_of_each(query[None, :], 10, view.allowed(None), SearchPath.EXACT)
        assert few.keys.tolist() == exact.slots.tolist()
        assert few.scores.tolist() == exact.scores.tolist()
        words = view.lexical("version", 10**6)
        of_all(store, view, {c.id for c in view.chunks(words.keys)}, set(chunks))
        filtered = view.nearest(query, 10**6, where=FIRST)
        wanted = {id_ for id_, chunk in chunks.items() if chunk.document_id.startswith("1")}
        of_all(store, view, {c.id for c in view.chunks(filtered.keys)}, wanted)
        both = view.lexical("version", 10**6, where=FIRST)
        of_all(store, view, {c.id for c in view.chunks(both.keys)}, wanted)
        assert (view.lexical_scores("version", words.keys[:20]) > 0).all()
    return few.path


@pytest.mark.usefixtures("compiled_search")
@pytest.mark.parametrize("seconds", [3, pytest.param(60, marks=pytest.mark.slow)])
def test_readers_see_one_state_while_parts_are_derived(tmp_path: Path, seconds: float) -> None:
    path = tmp_path / "c.nf"
    with LocalStore.create(path, dimension=DIMENSION) as store:
        for number in range(30):
            store.add(*batch(number))
    script = str(Path(__file__).with_name("deriving_writer.py"))
    paths: Counter[str] = Counter()
    with (
        subprocess.Popen(
            [sys.executable, script, str(path), "1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as writer,
        LocalStore.open(path) as shared,
        LocalStore.open(path) as own,
        ThreadPoolExecutor(4) as pool,
    ):
        assert writer.stdout is not None
        assert writer.stdout.readline().startswith("open")
        until = time.monotonic() + seconds
        lines: list[str] = []

        def going() -> bool:
            """Until it is time and something was compacted, however slow the machine is."""
            now = time.monotonic()
            seen = any(line.startswith("compact") for line in lines)
            return now < until or (not seen and now < until + 120)

        def read(number: int) -> int:
            rng, looks = np.random.default_rng(number), 0
            while going():
                paths[look([shared, shared, own][number], rng)] += 1
                looks += 1
            return looks

        output = pool.submit(lines.extend, writer.stdout)
        try:
            looks = list(pool.map(read, range(3)))
        finally:
            writer.kill()
        output.result()
    assert min(looks) > 0
    assert paths["quantised"] > 0
    assert not [line for line in lines if line.startswith("failed")]
    assert sum(line.startswith("compact") for line in lines) > 0
