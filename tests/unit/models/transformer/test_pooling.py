from __future__ import annotations

import numpy as np
import pytest

from nearfield.models.transformer.pooling import PoolingMode, pool

STATES = np.array([[1, 8], [3, 6], [5, 1], [2, 2]], dtype=np.float32)
BORDERS = np.array([0, 3, 4])


@pytest.mark.parametrize(
    ("mode", "first"),
    [
        (PoolingMode.CLS, [1, 8]),
        (PoolingMode.LAST_TOKEN, [5, 1]),
        (PoolingMode.MAX, [5, 8]),
        (PoolingMode.MEAN, [3, 5]),
        (PoolingMode.MEAN_SQRT_LENGTH, [9 / 3**0.5, 15 / 3**0.5]),
        (PoolingMode.WEIGHTED_MEAN, [(1 + 6 + 15) / 6, (8 + 12 + 3) / 6]),
    ],
)
def test_by_hand(mode, first):
    pooled = pool(STATES, BORDERS, [mode])
    np.testing.assert_allclose(pooled, [first, [2, 2]], rtol=1e-6)
    assert pooled.dtype == np.float32


@pytest.mark.parametrize(
    ("mode", "first"),
    [
        (PoolingMode.CLS, [3, 6]),
        (PoolingMode.LAST_TOKEN, [5, 1]),
        (PoolingMode.MAX, [5, 6]),
        (PoolingMode.MEAN, [4, 3.5]),
        (PoolingMode.MEAN_SQRT_LENGTH, [8 / 2**0.5, 7 / 2**0.5]),
        (PoolingMode.WEIGHTED_MEAN, [(6 + 15) / 5, (12 + 3) / 5]),
    ],
)
def test_skipping_a_prompt_keeps_places_and_empties_short_texts(mode, first):
    pooled = pool(STATES, BORDERS, [mode], skip=1)
    np.testing.assert_allclose(pooled, [first, [0, 0]], rtol=1e-6)


@pytest.mark.parametrize("mode", PoolingMode)
@pytest.mark.parametrize("borders", [[0, 0, 4, 4], [0, 4, 4, 4], [0, 0, 0, 0]])
def test_texts_without_tokens_are_zero(mode, borders):
    pooled = pool(STATES[: borders[-1]].reshape(-1, 2), np.array(borders), [mode])
    lengths = np.diff(borders)
    assert (pooled[lengths == 0] == 0).all()
    assert (pooled[lengths > 0] != 0).all()


def test_several_modes_stand_side_by_side():
    pooled = pool(STATES, BORDERS, [PoolingMode.MAX, PoolingMode.CLS])
    np.testing.assert_array_equal(pooled, [[5, 8, 1, 8], [2, 2, 2, 2]])
