"""Random encoders of any shape, as the native encoder and ONNX Runtime take them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from nearfield.models.transformer.config import Activation, EncoderShape, Family
from nearfield.models.transformer.names import expected_shapes
from nearfield.models.transformer.native.library import available

Weights = dict[str, np.ndarray]

TINY = EncoderShape(
    family=Family.BERT,
    layers=2,
    hidden=64,
    heads=2,
    intermediate=96,
    embedding=64,
    vocabulary=50,
    positions=72,
    token_types=2,
    padding_id=None,
    activation=Activation.GELU,
    norm_epsilon=1e-12,
)


def random_weights(shape: EncoderShape, seed: int = 0) -> Weights:
    """Weights of the size that training leaves: every layer changes its input visibly."""
    random = np.random.default_rng(seed)
    weights = {}
    for name, size in expected_shapes(shape).items():
        values = random.standard_normal(size, dtype=np.float32) * np.float32(size[-1] ** -0.5)
        weights[name] = values + 1 if "norm" in name and name.endswith("weight") else values
    return weights


@pytest.fixture(scope="session")
def make() -> Callable[..., tuple[EncoderShape, Weights]]:
    """A shape that differs from the tiny one as told, and its weights."""

    def changed(seed: int = 0, **changes: object) -> tuple[EncoderShape, Weights]:
        if "hidden" in changes:
            changes.setdefault("embedding", changes["hidden"])
        shape = replace(TINY, **changes)
        return shape, random_weights(shape, seed)

    return changed


@pytest.fixture
def compiled() -> None:
    """Skip where the compiled part is missing."""
    found = available()
    if not found.usable:
        pytest.skip(found.reason)
