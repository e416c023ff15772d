"""kill -9 while parts are derived: truth is what was said, searches are right, nothing is torn."""

from __future__ import annotations

import importlib.util
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from nearfield.filters import parse
from nearfield.stores.local import LocalStore, SearchPath

pytestmark = pytest.mark.usefixtures("low_limits", "every_candidate")

HERE = Path(__file__).parent
BATCHES = 30


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


faults = loaded(HERE.parent / "faults" / "test_local_crashes.py")


def killed(path: Path, seed: int, seconds: float) -> list[str]:
    """Run the writer for so long after it has opened; returns the lines that it said whole."""
    script = str(HERE / "deriving_writer.py")
    process = subprocess.Popen(
        [sys.executable, script, str(path), str(seed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first.startswith("open"), process.stderr.read() if process.stderr else ""
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    output = process.stdout.read()
    process.communicate()
    return output.split("\n")[:-1]


def searches_agree(store: LocalStore) -> None:
    """The fast paths give what the slow ones give."""
    queries = np.random.default_rng(2).standard_normal((3, faults.DIMENSION)).astype(np.float32)
    wanted = store.search(queries, 10, path=SearchPath.EXACT)
    found = store.search(queries, 10)
    assert [[(h.chunk, h.score) for h in hits] for hits in found] == [
        [(h.chunk, h.score) for h in hits] for hits in wanted
    ]
    chunks = [chunk for chunk, _ in store.scan()]
    where = parse('document like "1%"')
    wanted_ids = {chunk.id for chunk in chunks if chunk.document_id.startswith("1")}
    assert {h.chunk.id for h in store.search(queries[:1], 10**6, where=where)[0]} == wanted_ids
    assert store.count(where=where) == len(wanted_ids)
    with store.view() as view:
        ranking = view.lexical(chunks[0].text, 10**6)
        assert {c.id for c in view.chunks(ranking.keys)} == {chunk.id for chunk in chunks}


@pytest.mark.usefixtures("compiled_search")
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
@pytest.mark.parametrize("times", [8, pytest.param(60, marks=pytest.mark.slow)])
def test_kill_9_while_parts_are_derived(tmp_path: Path, times: int) -> None:
    path, rng = tmp_path / "c.nf", random.Random(times)
    with LocalStore.create(path, dimension=faults.DIMENSION) as store:
        for number in range(BATCHES):
            store.add(*faults.batch(number, 0))
        store.build_graph(m=4, ef_construction=16)
    state = faults.contents(path)
    for seed in range(times):
        lines = killed(path, seed, rng.uniform(0.0, 0.5))
        found = faults.contents(path)
        assert found in faults.outcomes(state, lines)
        state = found
        with LocalStore.open(path) as store:
            report = store.verify()
            assert report.whole, report.findings
            searches_agree(store)
        if rng.random() < 0.5:  # else the writer that is killed next finds what this one left
            LocalStore.open(path, mode="w", timeout=0).close()
            with LocalStore.open(path) as store:
                assert store.verify().whole
                assert store.problems == ()
                searches_agree(store)
    with LocalStore.open(path, mode="w", timeout=0) as store:
        store.upsert(*faults.batch(10_000, 0))
    with LocalStore.open(path) as store:
        assert store.verify().whole
        searches_agree(store)
        queries = np.ones((1, faults.DIMENSION), dtype=np.float32)
        assert store.search(queries, 3)[0][0].path == "quantised"
        assert len(store.search(queries, 3, path=SearchPath.GRAPH)[0]) == 3
    assert len(list((path / "derived").iterdir())) == 1
