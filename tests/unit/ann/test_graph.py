"""The graph against exact search, its invariants, and the same answers from every kernel."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from nearfield.ann import graph_library, library
from nearfield.ann.graph import Graph, GraphOptions, RowFormat
from nearfield.ann.graph_links import NONE, levels_of
from nearfield.errors import DimensionMismatch, InputError, UnsupportedOperation, VectorRejected
from nearfield.masks import pack_mask
from nearfield.metric import Metric, pairwise, top_k

COUNT, DIMENSION, FLAT = 4000, 48, 10

needs_compiler = pytest.mark.skipif(
    graph_library.chosen_kernel() is None, reason="the compiled library is not here"
)
pytestmark = needs_compiler


def low_dimensional(count: int, seed: int) -> np.ndarray:
    """Points near a plane of few dimensions, as embeddings lie, of lengths from 0.5 to 2."""
    plane = np.random.default_rng(0).standard_normal((FLAT, DIMENSION))
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((count, FLAT)) @ plane
    points += 0.05 * rng.standard_normal(points.shape)
    points *= rng.uniform(0.5, 2.0, (count, 1)) / np.linalg.norm(points, axis=1, keepdims=True)
    return points.astype(np.float32)


VECTORS, QUERIES = low_dimensional(COUNT, 1), low_dimensional(60, 2)


@pytest.fixture(scope="module")
def graph() -> Graph:
    return Graph.build(VECTORS, GraphOptions(m=12, ef_construction=100))


def recall(found: np.ndarray, metric: Metric, k: int, vectors=VECTORS, among=None) -> float:
    scores = pairwise(QUERIES, vectors, metric)
    if among is not None:
        scores[:, ~among] = -np.inf
    right = top_k(scores, k)
    return float(np.mean([np.isin(r, f).mean() for r, f in zip(right, found, strict=True)]))


def same(a: Graph, b: Graph) -> bool:
    one, two, count = a._state, b._state, len(a)
    return (
        len(a) == len(b)
        and (one.links.top, one.links.entry) == (two.links.top, two.links.entry)
        and np.array_equal(one.links.base[:count], two.links.base[:count])
        and np.array_equal(
            one.links.upper[: one.links.upper_count], two.links.upper[: two.links.upper_count]
        )
        and np.array_equal(one.rows[:count], two.rows[:count])
    )


def test_points_on_a_line_link_to_both_sides():
    # With M = 2 each point links to the nearest one on either side: the next on the same side is
    # nearer to that one than to the point. The outermost fill no second place.
    line = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]], dtype=np.float32)
    options = GraphOptions(metric=Metric.EUCLIDEAN, m=2, format=RowFormat.FLOAT32, seed=1)
    built = Graph.build(line, options)
    near = [sorted(built._state.links.neighbours(slot, 0).tolist()) for slot in range(5)]
    assert near == [[1], [0, 2], [1, 3], [2, 4], [3]]
    found = built.search(np.array([[2.2]], dtype=np.float32), k=3, ef=5)
    assert found.slots.tolist() == [[2, 3, 1]]
    np.testing.assert_allclose(found.estimates, [[-0.2, -0.8, -1.2]], rtol=1e-5)
    assert not found.exhausted.any()


@pytest.mark.parametrize("row_format", RowFormat)
@pytest.mark.parametrize("metric", Metric)
def test_recall_against_exact(metric, row_format):
    built = Graph.build(VECTORS, GraphOptions(metric=metric, m=12, format=row_format))
    found = built.search(QUERIES, k=20, ef=100)
    assert recall(found.slots, metric, 10) >= 0.98
    exact = np.take_along_axis(pairwise(QUERIES, VECTORS, metric), found.slots, axis=1)
    np.testing.assert_allclose(found.estimates, exact, atol=0.02)
    assert (np.diff(found.estimates, axis=1) <= 0).all()


def test_strided_rows_give_the_same_graph(graph):
    records = np.zeros((COUNT, 4 + DIMENSION), dtype=np.float32)
    records[:, 4:] = VECTORS
    strided = Graph.build(records[:, 4:], graph.options)
    assert same(strided, graph)
    floats = [
        Graph.build(rows, GraphOptions(format=RowFormat.FLOAT32)).search(QUERIES, 10).slots
        for rows in (VECTORS[:500], records[:500, 4:])
    ]
    np.testing.assert_array_equal(*floats)


def test_lists_are_bounded_distinct_and_without_loops(graph):
    links = graph._state.links
    assert links.base.shape[1] == 24
    for slot in range(0, COUNT, 7):
        for layer in range(int(links.levels[slot]) + 1):
            near = links.neighbours(slot, layer).tolist()
            assert len(set(near)) == len(near) <= (24 if layer == 0 else 12)
            assert slot not in near
            assert all(links.levels[other] >= layer for other in near)


def test_every_slot_can_be_reached_from_the_entry(graph):
    links = graph._state.links
    reached, edge = {links.entry}, [links.entry]
    while edge:
        near = {n for slot in edge for n in links.neighbours(slot, 0).tolist()}
        edge = list(near - reached)
        reached |= near
    assert len(reached) == COUNT
    assert links.levels[links.entry] == links.top == links.levels[:COUNT].max()


def test_levels_follow_the_distribution_of_the_paper():
    levels = levels_of(0, 200_000, m=10, seed=3)
    for layer in (1, 2, 3):
        expected = 200_000 * 10.0**-layer
        assert abs((levels >= layer).sum() - expected) < 5 * np.sqrt(expected)
    np.testing.assert_array_equal(levels_of(500, 600, m=10, seed=3), levels[500:600])
    assert (levels_of(0, 200_000, m=10, seed=4) != levels).any()


def test_equal_input_gives_an_equal_graph_and_extending_is_building(graph):
    again = Graph.build(VECTORS[:1500], graph.options)
    assert len(again) == 1500
    again.extend(VECTORS[:1501])
    again.extend(VECTORS[:1501])
    again.extend(VECTORS)
    assert same(again, graph)
    other = Graph.build(VECTORS, GraphOptions(m=12, ef_construction=100, seed=1))
    assert not same(other, graph)


def test_threads_build_as_good_a_graph(graph):
    alone = recall(graph.search(QUERIES, 20, 60).slots, Metric.COSINE, 10)
    together = Graph.build(VECTORS, graph.options, threads=4)
    assert recall(together.search(QUERIES, 20, 60).slots, Metric.COSINE, 10) >= alone - 0.01
    own = together.search(VECTORS, 1, 30).slots[:, 0]
    assert (own == np.arange(COUNT)).mean() >= 0.995


@pytest.mark.parametrize("keep_pruned", [False, True])
def test_pruned_candidates_fill_lists_up(keep_pruned):
    options = GraphOptions(m=12, keep_pruned=keep_pruned)
    links = Graph.build(VECTORS[:1000], options)._state.links
    degrees = (links.base[:1000] != NONE).sum(axis=1)
    assert degrees.min() >= (12 if keep_pruned else 1)


def kernels() -> list[str]:
    return [*library.available().kernels, "none"]


@pytest.mark.parametrize("metric", Metric)
def test_every_kernel_and_numpy_find_the_same(metric, monkeypatch):
    built = {}
    for kernel in library.available().kernels:
        monkeypatch.setenv(library.KERNEL_VARIABLE, kernel)
        built[kernel] = Graph.build(VECTORS[:1200], GraphOptions(metric=metric, m=8))
    first, *others = built.values()
    assert all(same(first, other) for other in others)
    allowed = pack_mask(np.arange(1200) % 3 == 0)
    found = {}
    for kernel in kernels():
        monkeypatch.setenv(library.KERNEL_VARIABLE, kernel)
        found[kernel] = [
            first.search(QUERIES[:8], 10, 40),
            first.search(QUERIES[:8], 10, 40, allowed=allowed),
            first.search(QUERIES[:8], 10, 40, allowed=allowed, effort=100),
        ]
    for answers in found.values():
        for one, two in zip(answers, found["none"], strict=True):
            np.testing.assert_array_equal(one.slots, two.slots)
            np.testing.assert_array_equal(one.estimates, two.estimates)
            np.testing.assert_array_equal(one.computed, two.computed)
            np.testing.assert_array_equal(one.exhausted, two.exhausted)


@pytest.mark.parametrize("metric", Metric)
def test_numpy_walks_float32_rows_as_well(metric, monkeypatch):
    built = Graph.build(VECTORS[:800], GraphOptions(metric=metric, format=RowFormat.FLOAT32))
    compiled = built.search(QUERIES[:8], 10, 40)
    monkeypatch.setenv(library.KERNEL_VARIABLE, "none")
    walked = built.search(QUERIES[:8], 10, 40)
    np.testing.assert_array_equal(walked.slots, compiled.slots)
    np.testing.assert_allclose(walked.estimates, compiled.estimates, rtol=1e-5, atol=1e-6)


def test_without_the_library_nothing_is_built(monkeypatch):
    monkeypatch.setenv(library.KERNEL_VARIABLE, "none")
    with pytest.raises(UnsupportedOperation, match="compiled library"):
        Graph.build(VECTORS[:10])


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.001])
def test_masks_against_exact(graph, share):
    wanted = np.random.default_rng(5).random(COUNT) < share
    found = graph.search(QUERIES, 20, 60, allowed=pack_mask(wanted), effort=10 * COUNT)
    returned = found.slots[found.slots >= 0]
    assert wanted[returned].all()
    assert not found.exhausted.any()
    assert recall(found.slots, Metric.COSINE, min(10, wanted.sum()), among=wanted) >= 0.98


def test_a_bounded_search_says_when_it_gave_up(graph):
    wanted = np.zeros(COUNT, dtype=bool)
    wanted[:40] = True
    found = graph.search(QUERIES, 10, 20, allowed=pack_mask(wanted))
    # 8 ef is the least bound; one expansion may go beyond it by its own neighbours.
    assert (found.computed <= 8 * 20 + 24).all()
    assert found.exhausted.all()
    nothing = graph.search(QUERIES, 10, 20, allowed=pack_mask(np.zeros(COUNT, dtype=bool)))
    assert (nothing.slots == -1).all()
    assert np.isneginf(nothing.estimates).all()


def test_deleted_slots_are_walked_over(graph):
    kept = np.random.default_rng(6).random(COUNT) < 0.7
    found = graph.search(QUERIES, 20, 60, allowed=pack_mask(kept))
    assert kept[found.slots].all()
    assert not found.exhausted.any()
    assert recall(found.slots, Metric.COSINE, 10, among=kept) >= 0.98


def test_more_asked_for_than_there_are():
    few = Graph.build(VECTORS[:3], GraphOptions(m=4))
    found = few.search(QUERIES[:1], k=5)
    assert sorted(found.slots[0].tolist()) == [-1, -1, 0, 1, 2]
    assert not found.exhausted.any()
    nothing = Graph.build(VECTORS[:0], GraphOptions(m=4))
    assert nothing.search(QUERIES[:1], k=2).slots.tolist() == [[-1, -1]]
    assert few.search(QUERIES[:0], k=2).slots.shape == (0, 2)


def test_zero_vectors_and_equal_vectors_have_a_place():
    rows = np.zeros((300, DIMENSION), dtype=np.float32)
    rows[150:] = VECTORS[0]
    built = Graph.build(rows, GraphOptions(m=4))
    found = built.search(VECTORS[:1], k=3, ef=64)
    assert (found.slots >= 150).all()
    np.testing.assert_allclose(found.estimates, 1.0, atol=1e-4)


def test_dot_finds_long_vectors():
    lengths = np.exp(np.random.default_rng(7).standard_normal((COUNT, 1)))
    rows = (VECTORS * lengths).astype(np.float32)
    built = Graph.build(rows, GraphOptions(metric=Metric.DOT, m=12))
    found = built.search(QUERIES, 20, 100)
    assert recall(found.slots, Metric.DOT, 10, vectors=rows) >= 0.98


def test_many_threads_search_while_one_extends(graph):
    growing = Graph.build(VECTORS[:1000], graph.options)
    expected = graph.search(QUERIES, 10, 40).slots
    wrong, done = [], threading.Event()

    def search() -> None:
        while not done.is_set():
            known = len(growing)
            found = growing.search(QUERIES[:4], 10, 40)
            if (found.slots < 0).any() or (found.slots >= len(growing)).any() or known < 1000:
                wrong.append(found)
            if not np.array_equal(graph.search(QUERIES, 10, 40).slots, expected):
                wrong.append(found)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    growing.extend(VECTORS)
    done.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert same(growing, graph)


def test_progress_may_end_a_build():
    seen = []

    def stop(inserted: int, count: int) -> None:
        seen.append((inserted, count))
        raise KeyboardInterrupt

    built = Graph.build(VECTORS[:100])
    with pytest.raises(KeyboardInterrupt):
        built.extend(VECTORS, progress=stop)
    assert seen == [(2148, COUNT)]
    assert len(built) == 2148
    built.extend(VECTORS)
    assert same(built, Graph.build(VECTORS))


@pytest.mark.parametrize("row_format", RowFormat)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_vectors_that_are_not_finite_are_refused(value, row_format, monkeypatch):
    bad = VECTORS[:5].copy()
    bad[3, 2] = value
    with pytest.raises(VectorRejected, match="NaN or infinity"):
        Graph.build(bad, GraphOptions(format=row_format))
    good = Graph.build(VECTORS[:5], GraphOptions(format=row_format))
    for kernel in kernels():
        monkeypatch.setenv(library.KERNEL_VARIABLE, kernel)
        with pytest.raises(VectorRejected, match="NaN or infinity"):
            good.search(bad[3:4], k=1)


def test_mistakes_are_named(graph):
    with pytest.raises(InputError, match="k is 0"):
        graph.search(QUERIES, k=0)
    with pytest.raises(InputError, match="effort is 0"):
        graph.search(QUERIES, k=1, effort=0)
    with pytest.raises(InputError, match="mask"):
        graph.search(QUERIES, k=1, allowed=np.zeros(8, dtype=np.uint8))
    with pytest.raises(DimensionMismatch, match=r"expected \(q, 48\)"):
        graph.search(QUERIES[:, :5], k=1)
    with pytest.raises(InputError, match="fewer than the 4000"):
        graph.extend(VECTORS[:10])
    with pytest.raises(DimensionMismatch):
        graph.extend(VECTORS[:, :5])
    with pytest.raises(InputError, match="m is 1"):
        GraphOptions(m=1)
    with pytest.raises(InputError, match="ef_construction is 0"):
        GraphOptions(ef_construction=0)
    with pytest.raises(InputError, match="threads is 0"):
        Graph.build(VECTORS[:5], threads=0)
