"""Similarity: hand-worked values, agreement of the metrics, and a fixed order of ties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nearfield.errors import DimensionMismatch, InputError
from nearfield.metric import Metric, normalise, similarity, top_k


def test_hand_worked_scores() -> None:
    a = [[1.0, 0.0], [3.0, 4.0]]
    b = [[0.0, 2.0], [6.0, 8.0], [-1.0, 0.0]]
    np.testing.assert_allclose(similarity(a, b), [[0, 0.6, -1], [0.8, 1, -0.6]], atol=1e-6)
    np.testing.assert_allclose(similarity(a, b, metric="dot"), [[0, 6, -1], [8, 50, -3]])
    expected = [[-np.sqrt(5), -np.sqrt(89), -2], [-np.sqrt(13), -5, -np.sqrt(32)]]
    np.testing.assert_allclose(similarity(a, b, metric="euclidean"), expected, rtol=1e-6)


def test_near_neighbours_keep_their_distance_in_float32() -> None:
    a = np.full((1, 384), 10.0, dtype=np.float32)
    b = a + np.float32(1e-3)
    expected = -np.linalg.norm(a.astype(np.float64) - b.astype(np.float64))
    assert similarity(a, b, metric="euclidean")[0, 0] == pytest.approx(expected, rel=1e-3)


def test_a_zero_vector_is_near_to_nothing() -> None:
    assert similarity([0.0, 0.0], [1.0, 1.0])[0, 0] == 0.0


def test_wrong_inputs_are_named() -> None:
    with pytest.raises(DimensionMismatch, match=r"length 2 .* length 3"):
        similarity([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="expected one of cosine, dot, euclidean"):
        similarity([1.0], [1.0], metric="manhattan")
    with pytest.raises(InputError, match=r"a has shape \(1, 1, 1\)"):
        similarity([[[1.0]]], [1.0])
    with pytest.raises(InputError, match="k is -1"):
        top_k(np.zeros(3), -1)


_ROWS = arrays(np.float32, (6, 4), elements=st.floats(-4, 4, width=32))


@given(_ROWS, _ROWS)
def test_on_unit_vectors_distance_and_cosine_say_the_same(a: np.ndarray, b: np.ndarray) -> None:
    a, b = normalise(a + np.eye(6, 4) * 9), normalise(b + np.eye(6, 4) * 9)
    cosine = similarity(a, b).astype(np.float64)
    distance = similarity(a, b, metric=Metric.EUCLIDEAN).astype(np.float64)
    known = np.linalg.norm(a, axis=1)[:, None] * np.linalg.norm(b, axis=1)[None] > 0.5
    np.testing.assert_allclose((distance**2)[known], (2 - 2 * cosine)[known], atol=1e-5)


@given(
    arrays(np.float64, st.integers(0, 30), elements=st.sampled_from([0.0, 0.5, 1.0, -2.0])),
    st.integers(0, 35),
)
def test_top_k_equals_a_stable_sort(scores: np.ndarray, k: int) -> None:
    expected = sorted(range(len(scores)), key=lambda i: (-scores[i], i))[:k]
    assert top_k(scores, k).tolist() == expected


def test_top_k_of_many_rows() -> None:
    scores = np.array([[1.0, 3.0, 2.0], [5.0, 5.0, 5.0]])
    assert top_k(scores, 2).tolist() == [[1, 2], [0, 1]]
    assert top_k(np.empty((0, 3)), 2).shape == (0, 2)
