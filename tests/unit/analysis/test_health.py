"""Figures of an embedding space on data whose true answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.analysis.health import examine, neighbours, shape, two_nn
from nearfield.analysis.health.neighbours import nearest_of_each, skewness
from nearfield.errors import InputError


def gauss(seed: int, *size: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(size).astype(np.float32)


def manifold(dimension: int, count: int = 2000, within: int = 40) -> np.ndarray:
    """Points on a flat patch of a known dimension, turned into a larger space, off the origin."""
    chance = np.random.default_rng(dimension)
    turn = np.linalg.qr(chance.standard_normal((within, within)))[0]
    points = np.zeros((count, within))
    points[:, 0] = 10.0  # far from the origin, so that directions form the same patch
    points[:, 1 : dimension + 1] = chance.uniform(-1, 1, (count, dimension))
    return (points @ turn).astype(np.float32)


@pytest.mark.parametrize("dimension", [2, 5, 9])
def test_the_dimension_of_a_manifold_is_found(dimension: int) -> None:
    found = neighbours(manifold(dimension)).intrinsic_dimension
    # TwoNN falls short near the borders of a patch, more so in more dimensions.
    assert 0.8 * dimension < found < 1.1 * dimension


def test_two_nn_follows_its_law() -> None:
    # μ of the law F(μ) = 1 − μ^−d, drawn by its inverse.
    ratios = (1 - np.random.default_rng(1).random(20_000)) ** (-1 / 7.0)
    assert two_nn(np.ones(20_000), ratios) == pytest.approx(7.0, rel=0.03)
    assert np.isnan(two_nn(np.zeros(50), np.ones(50)))


def test_copies_do_not_spoil_the_dimension() -> None:
    rows = manifold(4)
    doubled = np.concatenate([rows, rows[:800]])
    alone, found = neighbours(rows), neighbours(doubled)
    assert found.intrinsic_dimension == pytest.approx(alone.intrinsic_dimension, rel=0.02)


def test_planted_duplicates_are_counted() -> None:
    rows = gauss(3, 500, 24)
    near = rows[:50] + 0.1 * gauss(4, 50, 24)  # cosine distance near 0.005
    found = neighbours(np.concatenate([rows, 3.0 * rows[:100], near]))
    # 100 originals and their copies; of 50 more originals' neighbours none is identical.
    assert found.same == pytest.approx(200 / 650)
    assert found.alike == pytest.approx(250 / 650)
    assert neighbours(rows).same == 0.0


def test_a_planted_hub_is_found_and_skews() -> None:
    rows = gauss(5, 600, 50)
    rows[:, 0] += 3.0
    quiet = neighbours(rows)
    centre = rows.mean(axis=0)
    found = neighbours(np.vstack([rows, centre]))
    assert found.hubs[0] == 600  # the centre is near to everything
    assert found.largest_hub > 3 * quiet.largest_hub
    assert found.hubness > quiet.hubness


def test_neighbours_are_those_of_brute_force() -> None:
    rows = gauss(6, 700, 12)
    unit = rows.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    scores = unit @ unit.T
    np.fill_diagonal(scores, -2)
    expected = np.argsort(-scores, axis=1)[:, :7]
    places, distances = nearest_of_each(rows, 7)
    assert np.array_equal(places, expected)
    assert np.allclose(distances, 1 - np.take_along_axis(scores, expected, axis=1), atol=1e-12)


def test_skewness_is_that_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    values = np.random.default_rng(2).exponential(size=300)
    assert skewness(values) == pytest.approx(stats.skew(values))


def test_shape_of_known_clouds() -> None:
    even = shape(gauss(7, 4000, 10))
    assert abs(even.anisotropy) < 0.005
    assert even.dead == ()
    assert even.effective_rank == pytest.approx(10, abs=0.1)
    assert even.first_component == pytest.approx(0.1, abs=0.02)

    cone = gauss(7, 4000, 10)
    cone[:, 3] += 6.0
    cone[:, 8] = 0.5
    leaning = shape(cone)
    # Mean cosine from the means' length: ‖mean of unit rows‖², without the pairs of one row.
    unit = cone.astype(np.float64) / np.linalg.norm(cone, axis=1, keepdims=True)
    pairs = unit @ unit.T
    expected = (pairs.sum() - len(cone)) / (len(cone) * (len(cone) - 1))
    assert leaning.anisotropy == pytest.approx(expected, abs=1e-9)
    assert leaning.anisotropy > 0.7
    assert leaning.dominant_share > 0.9
    assert leaning.dead == (8,)
    assert leaning.effective_rank < even.effective_rank


@given(st.integers(1, 6))
def test_effective_rank_of_equal_directions_is_their_number(rank: int) -> None:
    rows = np.zeros((120, 6), dtype=np.float32)
    for at in range(120):
        rows[at, at % rank] = 1.0 if at // rank % 2 else -1.0
    spread = shape(np.vstack([rows, -rows]))
    assert spread.effective_rank == pytest.approx(rank, abs=1e-6)


def test_unusable_rows_are_counted_and_left_out() -> None:
    rows = gauss(8, 100, 6)
    rows[3], rows[4, 2], rows[5, 0] = 0.0, np.nan, np.inf
    found = examine(rows)
    assert (found.vectors, found.sampled, found.unusable) == (100, 97, 3)
    by_name = {figure.name: figure for figure in found.figures()}
    assert not by_name["unusable vectors"].is_usual
    assert by_name["unusable vectors"].value == 3
    for figure in by_name.values():
        assert figure.meaning
        assert figure.source
        assert figure.low <= figure.high


def test_a_large_space_is_sampled_and_says_so() -> None:
    rows = gauss(9, 900, 5)
    found = examine(rows, most=200)
    assert (found.vectors, found.sampled) == (900, 200)
    assert found == examine(rows, most=200)
    assert found != examine(rows, most=200, seed=1)


def test_too_little_is_refused() -> None:
    with pytest.raises(InputError, match="3 usable vectors say nothing"):
        examine(gauss(1, 3, 4))
    with pytest.raises(InputError, match="expected \\(n, dimension\\)"):
        examine(gauss(1, 8))
