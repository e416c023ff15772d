"""Drift: found where it was planted, and not where it was not."""

from __future__ import annotations

import numpy as np
import pytest

from nearfield.analysis.drift import discrepancy, drift, moved, neighbour_overlap
from nearfield.errors import DimensionMismatch, InputError


def gauss(seed: int, *size: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(size).astype(np.float32)


def test_mmd_is_that_of_the_formula() -> None:
    a, b = gauss(1, 40, 3), gauss(2, 30, 3) + 0.5
    found = discrepancy(a, b, partitions=1)
    x, y = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (a, b))
    both = np.concatenate([x, y]).astype(np.float64)
    squares = ((both[:, None] - both[None]) ** 2).sum(axis=2)
    width = np.median(squares[np.triu_indices(70, 1)])
    kernel = np.exp(-squares / width)
    first = sum(kernel[i, j] for i in range(40) for j in range(40) if i != j) / (40 * 39)
    second = sum(kernel[i, j] for i in range(40, 70) for j in range(40, 70) if i != j) / (30 * 29)
    assert found.mmd2 == pytest.approx(first + second - 2 * kernel[:40, 40:].mean(), abs=1e-6)


def test_one_distribution_is_called_one_as_often_as_promised() -> None:
    found = [
        discrepancy(gauss(2 * seed, 60, 5), gauss(2 * seed + 1, 50, 5), partitions=99).p
        for seed in range(60)
    ]
    # Under the null hypothesis p is uniform: 5% below 0.05, give or take 3 standard errors.
    assert np.mean(np.array(found) <= 0.05) <= 0.14
    assert 0.35 < np.mean(found) < 0.65


def test_a_planted_shift_is_found() -> None:
    before, after = gauss(3, 300, 8), gauss(4, 300, 8)
    after[:, 0] += 0.7
    found = discrepancy(before, after)
    assert found.p < 0.01
    assert found.shift > discrepancy(before, gauss(5, 300, 8)).shift
    assert found.mmd2 > 0


def test_common_passages_are_followed() -> None:
    before = gauss(6, 120, 8)
    names = [f"p{at}" for at in range(120)]
    after = before.copy()
    after[:30] = gauss(7, 30, 8)
    order = np.random.default_rng(0).permutation(120)
    found = moved(before, after[order], (names, [names[at] for at in order]))
    assert found.common == 120
    assert found.changed == pytest.approx(0.25)
    assert 0.3 < found.overlap < 0.9
    same = moved(before, 5 * before[order], (names, [names[at] for at in order]))
    assert (same.changed, same.overlap) == (0.0, 1.0)
    few = moved(before, after, (names, [*names[:4], *(f"q{at}" for at in range(116))]))
    assert few.common == 4
    assert np.isnan(few.overlap)


def test_two_models_have_neighbourhoods_to_compare_and_nothing_else() -> None:
    before = gauss(8, 50, 6)
    turned = before @ np.linalg.qr(gauss(9, 6, 6))[0].astype(np.float32)
    wide = np.concatenate([turned, np.zeros((50, 3), np.float32)], axis=1)
    names = [str(at) for at in range(50)]
    found = drift(before, wide, ids=(names, names), same_space=False)
    assert found.discrepancy is None
    assert found.moved is not None
    assert found.moved.changed is None
    assert found.moved.overlap == 1.0  # a rotation keeps every neighbour
    with pytest.raises(DimensionMismatch, match="6 and 9"):
        drift(before, wide)


def test_overlap_of_unrelated_spaces_is_chance() -> None:
    found = neighbour_overlap(gauss(1, 200, 16), gauss(2, 200, 16), 10)
    assert found.mean() == pytest.approx(10 / 199, abs=0.02)


def test_too_few_vectors_are_refused() -> None:
    with pytest.raises(InputError, match="before has 4 vectors"):
        discrepancy(gauss(1, 4, 3), gauss(2, 40, 3))
    with pytest.raises(InputError, match="1 ids for 40 vectors"):
        moved(gauss(1, 40, 3), gauss(2, 40, 3), (["a"], ["b"]))
