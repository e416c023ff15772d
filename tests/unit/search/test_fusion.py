"""Fusion by hand, and what must hold for any rankings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.errors import InputError
from nearfield.search.fusion import convex, lower_bound_scaled, reciprocal_rank
from nearfield.types import Ranking


def ranking(*keys: int) -> Ranking:
    scores = np.linspace(1, 0.5, len(keys), dtype=np.float32)
    return Ranking(np.array(keys, dtype=np.int64), scores, "exact")


def test_reciprocal_ranks_by_hand() -> None:
    fused = reciprocal_rank({"a": ranking(1, 2), "b": ranking(2, 3)}, constant=0)
    # 2: 1/2 + 1/1; 1: 1/1; 3: 1/2
    assert fused.keys.tolist() == [2, 1, 3]
    np.testing.assert_allclose(fused.scores, [1.5, 1.0, 0.5])


def test_a_weight_of_zero_leaves_a_path_out_of_the_order() -> None:
    weights = {"a": 0.0, "b": 1.0}
    fused = reciprocal_rank({"a": ranking(9, 8), "b": ranking(1, 2)}, weights=weights)
    assert fused.keys.tolist()[:2] == [1, 2]


lists = st.lists(st.integers(0, 50), unique=True, max_size=20)


@given(lists, lists)
def test_nothing_is_lost_and_ties_go_to_the_older_key(a: list[int], b: list[int]) -> None:
    fused = reciprocal_rank({"a": ranking(*a), "b": ranking(*b)})
    assert set(fused.keys.tolist()) == {*a, *b}
    for key, after in zip(fused.keys, fused.keys[1:], strict=False):
        at, then = (np.flatnonzero(fused.keys == k)[0] for k in (key, after))
        assert fused.scores[at] > fused.scores[then] or key < after


def test_convex_combination_by_hand() -> None:
    scores = {"dense": np.float32([0.6, -0.2, 0.2]), "lexical": np.float32([0.0, 10.0, 5.0])}
    fused = convex(
        np.array([10, 11, 12]),
        scores,
        weights={"dense": 3, "lexical": 1},
        bounds={"dense": -1.0, "lexical": 0.0},
    )
    # dense: 1.6/1.6, 0.8/1.6, 1.2/1.6; lexical: 0, 1, 0.5
    assert fused.keys.tolist() == [10, 12, 11]
    np.testing.assert_allclose(fused.scores, [0.75, 0.6875, 0.625])


def test_scaling_knows_no_worst_candidate() -> None:
    assert lower_bound_scaled(np.float32([0.5, 0.4]), -1.0).tolist() == pytest.approx(
        [1.0, 1.4 / 1.5]
    )
    assert lower_bound_scaled(np.float32([0.0, 0.0]), 0.0).tolist() == [0.0, 0.0]
    assert lower_bound_scaled(np.float32([]), 0.0).tolist() == []


def test_bad_weights_are_refused() -> None:
    with pytest.raises(InputError, match="the weight of a is -1"):
        reciprocal_rank({"a": ranking(1)}, weights={"a": -1})
    with pytest.raises(InputError, match="at least one must be positive"):
        convex(np.array([1]), {"a": np.float32([1])}, weights={"a": 0}, bounds={"a": 0})
