"""The recall that an audit says is the recall that a count by hand gives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nearfield.errors import InputError
from nearfield.filters import parse
from nearfield.masks import members
from nearfield.metric import pairwise
from nearfield.stores.local import LiveAudit, LocalStore, RecallMonitor, SearchPath, paths
from nearfield.stores.local.audit import Regions, audit, wilson
from nearfield.stores.local.derived import building
from nearfield.stores.local.derived.tuning import Tuning
from nearfield.types import Chunk

COUNT, DIMENSION = 3000, 16


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, compiled_search: None) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("audited") / "c.nf"
    rows = np.random.default_rng(0).standard_normal((COUNT, DIMENSION)).astype(np.float32)
    chunks = [Chunk(f"p{n}", "d", f"t{n}", 0, 2, metadata={"n": n}) for n in range(COUNT)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "EXACT_MOST", 400)
        patch.setattr(paths, "EXACT_MOST", 400)
        with LocalStore.create(path, dimension=DIMENSION) as store:
            store.add(chunks, rows)
            store.delete([f"p{n}" for n in range(0, COUNT, 6)])
            store.build_graph(m=4)
        yield path


@pytest.fixture
def poor(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few candidates that much is missed."""

    def candidates(
        self: Tuning, k: int, *, filtered: bool = False, in_lists: bool = False
    ) -> tuple[int, int]:
        return k, 2 * k

    monkeypatch.setattr(Tuning, "candidates", candidates)


def test_recall_is_what_a_count_by_hand_gives(path: Path, poor: None) -> None:
    queries = np.random.default_rng(1).standard_normal((20, DIMENSION)).astype(np.float32)
    with LocalStore.open(path) as store:
        report = store.audit(k=10, queries=queries)
        found, exact = (
            [{hit.chunk.id for hit in hits[:10]} for hits in store.search(queries, 11, path=path_)]
            for path_ in (SearchPath.QUANTISED, SearchPath.EXACT)
        )
    shares = [len(ours & true) / 10 for ours, true in zip(found, exact, strict=True)]
    overall = report.rows[0]
    assert (overall.condition, overall.path) == ("all", "quantised")
    assert overall.recall == pytest.approx(np.mean(shares))
    assert overall.worst == pytest.approx(min(shares))
    assert overall.recall < 0.95
    assert overall.low < overall.recall < overall.high
    assert (report.vectors, report.dead, report.queries) == (2500, 500, 20)


def test_every_condition_is_measured(path: Path) -> None:
    with LocalStore.open(path) as store:
        report = store.audit(sampled=15)
    assert [row.condition for row in report.rows] == [
        "all", "random 0.5", "random 0.1", "random 0.01", "random 0.001", "own region",
        "far region",
    ]  # fmt: skip
    # Filters that leave at most a hundred are compared exactly.
    exact = [row for row in report.rows if row.condition in ("random 0.01", "random 0.001")]
    assert {(row.path, row.recall) for row in exact} == {("exact", 1.0)}
    assert report.rows[0].path == "quantised"
    assert min(row.recall for row in report.rows) >= 0.95


def test_the_graph_can_be_audited(path: Path) -> None:
    with LocalStore.open(path) as store, store.view() as view:
        report = audit(view, sampled=20, path=SearchPath.GRAPH)
    assert {row.path for row in report.rows} == {"graph"}
    assert report.rows[0].recall >= 0.95
    assert min(row.recall for row in report.rows) >= 0.9


def test_regions_are_of_the_nearest_centre(path: Path) -> None:
    with LocalStore.open(path) as store, store.view() as view:
        alive = members(view.allowed(None))
        centres = alive[[3, 500, 900]]
        regions = Regions.around(view, centres, alive)
        scores = pairwise(view.vectors(alive), view.vectors(centres), view.metric)
        assert regions.region.tolist() == scores.argmax(axis=1).tolist()
        query = view.vectors(centres[1:2])[0]
        own = members(regions.mask(query, nearest=True))
        assert own.tolist() == alive[scores.argmax(axis=1) == 1].tolist()


def test_an_empty_collection_has_nothing_to_audit(tmp_path: Path) -> None:
    with (
        LocalStore.create(tmp_path / "c.nf", dimension=2) as store,
        pytest.raises(InputError, match="empty"),
    ):
        store.audit()


@pytest.mark.parametrize(("share", "trials", "low", "high"), [(0.5, 10, 0.2366, 0.7634),
                                                              (1.0, 100, 0.9630, 1.0)])  # fmt: skip
def test_wilson(share: float, trials: int, low: float, high: float) -> None:
    """Values of the published formula, worked out by hand."""
    assert wilson(share, trials) == pytest.approx((low, high), abs=1e-4)


def test_the_monitor_compares_a_share_of_live_searches(path: Path, poor: None) -> None:
    rng = np.random.default_rng(2)
    queries = rng.standard_normal((200, DIMENSION)).astype(np.float32)
    with LocalStore.open(path) as store:
        never, always, some = (RecallMonitor(store.view, rate, seed=1) for rate in (0, 1, 0.2))
        assert np.isnan(never.recall)
        for query in queries:
            for monitor in (never, always, some):
                monitor.observe(query, 10)
        found, exact = (
            [{hit.chunk.id for hit in hits} for hits in store.search(queries, 10, path=path_)]
            for path_ in (SearchPath.QUANTISED, SearchPath.EXACT)
        )
        shares = [len(ours & true) / 10 for ours, true in zip(found, exact, strict=True)]
        assert (never.compared, always.compared) == (0, 200)
        assert 20 <= some.compared <= 60
        assert always.recall == pytest.approx(np.mean(shares))
        filtered = RecallMonitor(store.view, 1.0)
        filtered.observe(queries[0], 5, parse("n < 60"))
        assert filtered.recall == 1.0
        with pytest.raises(InputError, match="share from 0 to 1"):
            RecallMonitor(store.view, 1.5)


def test_the_monitor_never_counts_deleted_vectors(tmp_path: Path) -> None:
    seen: list[set[int]] = []
    with LocalStore.create(tmp_path / "c.nf", dimension=2) as store:
        store.add(
            [Chunk(f"p{n}", "d", "t", 0, 1) for n in range(4)],
            np.array([[1, 0], [1, 0.1], [0, 1], [-1, 0]], dtype=np.float32),
        )
        store.delete(["p0", "p1"])
        monitor = RecallMonitor(store.view, 1.0)
        with store.view() as view:
            (found,), _ = view.nearest_of_each(np.ones((1, 2), np.float32), 4, view.allowed(None))
            seen.append(set(found.slots.tolist()))
        monitor.observe(np.array([1, 0], dtype=np.float32), 4)
    assert (monitor.recall, monitor.compared, seen) == (1.0, 1, [{2, 3}])


def test_a_live_audit_compares_in_the_background_and_says_what_it_left_out(
    path: Path, poor: None
) -> None:
    rng = np.random.default_rng(2)
    queries = rng.standard_normal((60, DIMENSION)).astype(np.float32)
    with LocalStore.open(path) as store:
        monitor = RecallMonitor(store.view, 1.0)
        with LiveAudit(store.view, 1.0) as audit, LiveAudit(store.view, 0.0) as idle:
            assert np.isnan(audit.so_far.recall)
            for query in queries:
                monitor.observe(query, 10)
                audit.offer(query, 10)
                idle.offer(query, 10)
            audit.wait()
            found = audit.so_far
            assert (found.seen, found.compared + found.left_out) == (60, 60)
            assert found.compared == 60
            assert found.recall == pytest.approx(monitor.recall)
            assert found.low < found.recall < found.high
            assert idle.so_far.seen == 60 and idle.so_far.compared == 0
            audit.offer(np.zeros(DIMENSION, np.float32), 10)  # which a search refuses
            audit.wait()
            assert (audit.so_far.compared, audit.so_far.left_out) == (60, 1)
        audit.close()
        with pytest.raises(InputError, match="share from 0 to 1"):
            LiveAudit(store.view, -0.1)


def test_a_live_audit_never_holds_up_a_search(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, go = threading.Event(), threading.Event()
    with LocalStore.open(path) as store:

        def slow() -> object:
            entered.set()
            go.wait(30)
            return store.view()

        audit = LiveAudit(slow, 1.0)
        audit.offer(np.ones(DIMENSION, np.float32), 3)
        assert entered.wait(30)
        for _ in range(100):
            audit.offer(np.ones(DIMENSION, np.float32), 3)
        assert audit.so_far.left_out == 100 - 64
        go.set()
        audit.close()
        assert audit.so_far.compared + audit.so_far.left_out == 101
