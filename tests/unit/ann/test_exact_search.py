"""Exact search and rescoring against the stores' oracle, in every implementation."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearfield.ann import library
from nearfield.ann.exact import Records, exact_search, rescore
from nearfield.errors import DimensionMismatch, InputError
from nearfield.masks import pack_mask
from nearfield.metric import Metric
from nearfield.stores.scoring import best
from nearfield.stores.scoring import exact_scores as oracle_scores

METRICS = list(Metric)
relaxed = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def expected(rows, query, k, metric, wanted=None):
    """The k best by the oracle, -1 and -inf behind them."""
    places = np.arange(len(rows)) if wanted is None else np.flatnonzero(wanted)
    slots, scores = best(oracle_scores(rows[places], query, metric), places, k)
    missing = k - len(slots)
    return (
        np.concatenate([slots, np.full(missing, -1)]),
        np.concatenate([scores, np.full(missing, -np.inf, dtype=np.float32)]),
    )


def whole_numbers(rng, n, dimension):
    """Vectors whose products are exact in float64, with many ties and no zero row."""
    rows = rng.integers(-2, 3, (n, dimension)).astype(np.float32)
    rows[:, 0] = np.where(rows.any(axis=1), rows[:, 0], 1.0)
    return rows


@relaxed
@given(
    n=st.integers(1, 200), dimension=st.integers(1, 70), k=st.integers(1, 30),
    metric=st.sampled_from(METRICS), seed=st.integers(0, 2**20),
    share=st.sampled_from([None, 0.5, 0.05]),
)  # fmt: skip
def test_slots_and_scores_are_those_of_the_oracle(
    implementation, n, dimension, k, metric, seed, share
):
    rng = np.random.default_rng(seed)
    rows, queries = whole_numbers(rng, n, dimension), whole_numbers(rng, 3, dimension)
    wanted = None if share is None else rng.random(n) < share
    mask = None if wanted is None else pack_mask(wanted)
    slots, scores = exact_search(rows, queries, k, metric, mask)
    for i, query in enumerate(queries):
        due_slots, due_scores = expected(rows, query, k, metric, wanted)
        np.testing.assert_array_equal(slots[i], due_slots)
        np.testing.assert_array_equal(scores[i], due_scores)


@pytest.mark.parametrize("metric", METRICS)
def test_scores_are_within_one_unit_in_the_last_place_of_the_oracle(implementation, metric):
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((300, 101)).astype(np.float32)
    query = rng.standard_normal((1, 101)).astype(np.float32)
    slots, scores = exact_search(rows, query, len(rows), metric)
    by_slot = np.empty(len(rows), dtype=np.float32)
    by_slot[slots[0]] = scores[0]
    np.testing.assert_array_max_ulp(by_slot, oracle_scores(rows, query[0], metric), maxulp=1)


@pytest.mark.parametrize("metric", METRICS)
def test_all_implementations_give_the_same_bits(metric, monkeypatch):
    rng = np.random.default_rng(4)
    rows = rng.standard_normal((500, 77)).astype(np.float32)
    rows[250:] = rows[:250]
    queries = np.concatenate([rows[:2], rng.standard_normal((3, 77)).astype(np.float32)])
    answers = []
    for name in ("none", *library.available().kernels):
        monkeypatch.setenv(library.KERNEL_VARIABLE, name)
        answers.append(exact_search(rows, queries, 20, metric))
    for slots, scores in answers[1:]:
        np.testing.assert_array_equal(slots, answers[0][0])
        np.testing.assert_array_equal(scores, answers[0][1])
    # The pair of a duplicated row has one score, and the smaller slot stands first.
    if metric is not Metric.DOT:
        assert answers[0][0][:2, :2].tolist() == [[0, 250], [1, 251]]
    for slots in answers[0][0]:
        order = {slot: place for place, slot in enumerate(slots.tolist())}
        assert all(order[s] + 1 == order[s + 250] for s in order if s < 250 and s + 250 in order)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("length", [1e-30, 1e-20, 1e15, 1e18])
def test_lengths_beyond_float32_sums_are_still_exact(implementation, metric, length):
    rng = np.random.default_rng(5)
    rows = (rng.standard_normal((120, 9)) * length).astype(np.float32)
    rows[60:] = rng.standard_normal((60, 9))
    for query in (rows[3], rows[70]):
        slots, scores = exact_search(rows, query[None], 40, metric)
        due_slots, due_scores = expected(rows, query, 40, metric)
        np.testing.assert_array_max_ulp(scores[0], due_scores, maxulp=1)
        distinct = np.flatnonzero(
            np.diff(due_scores.astype(np.float64)) < -1e-6 * abs(due_scores[1:])
        )
        assert set(slots[0, : distinct[-1] + 1]) == set(due_slots[: distinct[-1] + 1])


@pytest.mark.parametrize("metric", METRICS)
def test_zero_rows_give_no_nan(implementation, metric):
    rows = np.zeros((5, 3), dtype=np.float32)
    rows[2] = [0.0, 2.0, 0.0]
    slots, scores = exact_search(rows, np.array([[0.0, 1.0, 0.0]]), 5, metric)
    assert sorted(slots[0].tolist()) == [0, 1, 2, 3, 4]
    assert not np.isnan(scores).any()
    if metric is Metric.COSINE:
        assert dict(zip(slots[0].tolist(), scores[0].tolist(), strict=True))[0] == 0.0


@pytest.mark.parametrize("metric", METRICS)
def test_rows_may_lie_apart_in_memory_and_in_a_file(implementation, metric, tmp_path):
    rng = np.random.default_rng(6)
    records = np.zeros(50, dtype=[("head", "V16"), ("vector", "<f4", 7)])
    records["vector"] = rng.standard_normal((50, 7))
    path = tmp_path / "records"
    path.write_bytes(b"x" * 100 + records.tobytes())
    rows, queries = records["vector"], rng.standard_normal((2, 7)).astype(np.float32)
    assert rows.strides == (44, 4)
    found = exact_search(rows, queries, 6, metric)
    candidates = np.concatenate([found[0], np.full((2, 1), -1)], axis=1)[:, ::-1]
    file = os.open(path, os.O_RDONLY)
    try:
        for source in (rows, Records(file, 116, 44, 50, 7)):
            again = rescore(source, queries, candidates, metric, 6)
            np.testing.assert_array_equal(again[0], found[0])
            np.testing.assert_array_equal(again[1], found[1])
        with pytest.raises(OSError, match="shorter than expected"):
            rescore(Records(file, 116, 44, 51, 7), queries, np.array([[50], [1]]), metric, 1)
    finally:
        os.close(file)


def test_many_rows_that_cannot_be_told_apart(implementation):
    rows = np.tile(np.array([[0.6, 0.8, 0.0]], dtype=np.float32), (5000, 1))
    slots, scores = exact_search(rows, rows[:1], 3, Metric.COSINE)
    assert slots.tolist() == [[0, 1, 2]]
    assert scores.tolist() == [[1.0, 1.0, 1.0]]


@pytest.mark.parametrize("metric", METRICS)
def test_rows_that_differ_in_the_last_bits_are_told_apart(implementation, metric):
    rng = np.random.default_rng(7)
    apart = rng.standard_normal((400, 48)).astype(np.float32) * np.float32(1e-7)
    rows = rng.standard_normal((1, 48)).astype(np.float32) + apart
    query = rng.standard_normal((1, 48)).astype(np.float32)
    everything = np.arange(400)[None, :]
    for wanted in (query, rows[:1]):
        slots, scores = exact_search(rows, wanted, 9, metric)
        due_slots, due_scores = rescore(rows, wanted, everything, metric, 9)
        np.testing.assert_array_equal(slots, due_slots)
        np.testing.assert_array_equal(scores, due_scores)


def test_empty_inputs(implementation):
    nothing, query = np.empty((0, 3), dtype=np.float32), np.ones((1, 3), dtype=np.float32)
    slots, scores = exact_search(nothing, query, 2, Metric.DOT)
    assert slots.tolist() == [[-1, -1]]
    assert scores.tolist() == [[-np.inf, -np.inf]]
    assert exact_search(query, nothing, 2, Metric.DOT)[0].shape == (0, 2)
    assert rescore(query, query, np.empty((1, 0)), Metric.DOT, 1)[0].tolist() == [[-1]]


def test_mistakes_are_told(implementation):
    rows = np.ones((3, 2), dtype=np.float32)
    with pytest.raises(DimensionMismatch, match=r"queries have shape \(1, 3\)"):
        exact_search(rows, np.ones((1, 3)), 1, Metric.DOT)
    with pytest.raises(InputError, match="k is 0"):
        exact_search(rows, rows, 0, Metric.DOT)
    with pytest.raises(InputError, match="each of 3 slots"):
        exact_search(rows, rows, 1, Metric.DOT, np.empty(0, dtype=np.uint8))
    with pytest.raises(InputError, match="expected -1 to 2"):
        rescore(rows, rows[:1], np.array([[3]]), Metric.DOT, 1)
    with pytest.raises(InputError, match=r"expected k ≥ 1 and \(1, c\)"):
        rescore(rows, rows[:1], np.array([1]), Metric.DOT, 1)
