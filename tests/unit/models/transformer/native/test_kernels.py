"""Every kernel that this processor runs, against ONNX Runtime and against the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearfield.models.transformer import graph, weights
from nearfield.models.transformer.config import Activation, Family, read_shape
from nearfield.models.transformer.native.library import available, kernels
from nearfield.models.transformer.native.model import NativeModel, NativePooling
from nearfield.models.transformer.pooling import PoolingMode, pool
from nearfield.models.transformer.runtime import Precision, pack
from nearfield.models.transformer.runtimes.onnxruntime import OnnxEncoder

pytestmark = pytest.mark.usefixtures("compiled")

USABLE = [k for k in kernels() if k.usable] if available().usable else []
EVERY = pytest.mark.parametrize("kernel", USABLE, ids=lambda kernel: kernel.name)
FEW = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NAMES = {kernel.name for kernel in USABLE}

# Of single tokens' vectors; float32 sums in another order, and bfloat16 roundings of random
# weights, whose vectors are less alike than a trained model's.
BOUND = {Precision.EXACT: 1 - 1e-6, Precision.FAST: 0.999}

SHAPES = {
    "whole vectors": {},
    "heads of 32": {"hidden": 96, "heads": 3, "intermediate": 384},
    "heads of 64": {"hidden": 128, "heads": 2, "intermediate": 512},
    "heads of 16": {"hidden": 64, "heads": 4},
    "heads of 48": {"hidden": 96, "heads": 2},
    "nothing whole": {"hidden": 42, "heads": 3, "intermediate": 37},
    "one head": {"hidden": 8, "heads": 1, "intermediate": 8},
    "several chunks": {"intermediate": 1536, "layers": 1},
    "RoBERTa": {"family": Family.ROBERTA, "padding_id": 1, "token_types": 1},
    "DistilBERT": {"family": Family.DISTILBERT, "token_types": 0},
    "MPNet": {
        "family": Family.MPNET, "padding_id": 1, "token_types": 0, "relative_buckets": 32,
        "positions": 200,
    },
    "tanh form": {"activation": Activation.GELU_TANH},
    "ReLU": {"activation": Activation.RELU},
    "SiLU": {"activation": Activation.SILU},
    "tanh": {"activation": Activation.TANH},
    "large epsilon": {"norm_epsilon": 0.1},
}  # fmt: skip


def cosines(a, b):
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def texts(shape, lengths, seed=0):
    random = np.random.default_rng(seed)
    return [random.integers(0, shape.vocabulary, length) for length in lengths]


def reference(shape, values, batch):
    return OnnxEncoder(graph.cached(shape), values, shape.padding_id or 0).hidden_states(batch)


@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
def test_equals_onnx_runtime(changes, make):
    shape, values = make(**changes)
    batch = pack(texts(shape, [shape.max_tokens, 1, 2, 3, 15, 16, 17, 31, 32, 33, 64]))
    expected = reference(shape, values, batch)
    for kernel in USABLE:
        states = NativeModel(shape, values, kernel.name, 2).encode(batch, NativePooling.TOKENS)
        assert states.shape == expected.shape
        assert cosines(states, expected).min() >= BOUND[kernel.precision], kernel
        if kernel.precision is Precision.EXACT:
            np.testing.assert_allclose(states, expected, atol=2e-5, err_msg=kernel.name)


@FEW
@given(data=st.data())
def test_any_shape_and_lengths(make, data):
    heads = data.draw(st.integers(1, 4), "heads")
    shape, values = make(
        seed=data.draw(st.integers(0, 99), "seed"),
        heads=heads,
        hidden=heads * data.draw(st.integers(8, 40), "head size"),
        intermediate=data.draw(st.integers(1, 200), "intermediate"),
        layers=1,
        activation=data.draw(st.sampled_from(list(Activation))),
    )
    lengths = data.draw(st.lists(st.integers(0, shape.max_tokens), min_size=1, max_size=12))
    batch = pack([*texts(shape, lengths), np.array([3])])
    expected = reference(shape, values, batch)
    for kernel in USABLE:
        states = NativeModel(shape, values, kernel.name, 2).encode(batch, NativePooling.TOKENS)
        assert cosines(states, expected).min() >= BOUND[kernel.precision], kernel


@EVERY
@FEW
@given(
    lengths=st.lists(st.integers(0, 72), min_size=1, max_size=12),
    giants=st.integers(0, 2),
    order=st.randoms(use_true_random=False),
    threads=st.integers(1, 5),
)
def test_order_company_and_threads_change_no_bit(kernel, make, lengths, giants, order, threads):
    shape, values = make(layers=1)
    given_texts = texts(shape, lengths + [shape.max_tokens] * giants)
    model = NativeModel(shape, values, kernel.name, threads)
    alone = [model.encode(pack([text]), NativePooling.MEAN)[0] for text in given_texts]
    places = list(range(len(given_texts)))
    order.shuffle(places)
    together = model.encode(pack([given_texts[i] for i in places]), NativePooling.MEAN)
    assert np.array_equal(together, np.array([alone[i] for i in places]))


@EVERY
@pytest.mark.parametrize(
    ("pooling", "mode"),
    [(NativePooling.MEAN, PoolingMode.MEAN), (NativePooling.CLS, PoolingMode.CLS)],
)
def test_pooling_equals_its_formula(pooling, mode, kernel, make):
    shape, values = make()
    batch = pack(texts(shape, [4, 0, 72, 1]))
    model = NativeModel(shape, values, kernel.name, 1)
    expected = pool(model.encode(batch, NativePooling.TOKENS), batch.borders, [mode])
    pooled = model.encode(batch, pooling)
    np.testing.assert_allclose(pooled, expected, atol=1e-6)
    assert not pooled[1].any()


@EVERY
def test_large_scores_do_not_overflow(kernel, make):
    shape, values = make()
    for layer in range(shape.layers):
        values[f"layers.{layer}.query.weight"] *= 100
        values[f"layers.{layer}.key.weight"] *= 100
    batch = pack(texts(shape, [20, 72]))
    states = NativeModel(shape, values, kernel.name, 1).encode(batch, NativePooling.TOKENS)
    assert np.isfinite(states).all()
    if kernel.precision is Precision.EXACT:
        assert cosines(states, reference(shape, values, batch)).min() > 0.999


@EVERY
def test_nan_in_a_weight_shows_and_harms_nothing_else(kernel, make):
    shape, values = make()
    values["words"][7] = np.nan
    model = NativeModel(shape, values, kernel.name, 1)
    vectors = model.encode(pack([np.array([3, 7]), np.array([3, 8])]), NativePooling.MEAN)
    assert np.isnan(vectors[0]).all()
    assert np.isfinite(vectors[1]).all()


@pytest.mark.skipif("amx-emulated" not in NAMES, reason="needs AVX512-BF16")
@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
def test_the_tile_kernel_equals_the_register_kernel_bit_for_bit(changes, make):
    shape, values = make(**changes)
    batch = pack(texts(shape, [shape.max_tokens, 1, 15, 16, 17, 33, 47]))
    tiles, registers = (
        NativeModel(shape, values, name, 2).encode(batch, NativePooling.TOKENS)
        for name in ("amx-emulated", "avx512bf16")
    )
    assert np.array_equal(tiles, registers)


@EVERY
def test_a_real_model(kernel, minilm_path: Path):
    shape = read_shape(minilm_path / "config.json")
    bound = weights.bind(shape, weights.open_tensors(minilm_path), minilm_path)
    lengths = [12, 100, 37] if kernel.only_by_name else [12, 512, 100, 3, 256, 83]
    batch = pack(texts(shape, lengths))
    expected = pool(reference(shape, bound, batch), batch.borders, [PoolingMode.MEAN])
    vectors = NativeModel(shape, bound, kernel.name, 2).encode(batch, NativePooling.MEAN)
    similar = cosines(vectors, expected)
    if kernel.precision is Precision.EXACT:
        assert similar.min() >= 1 - 1e-6
    else:
        assert similar.mean() >= 0.9998
        assert similar.min() >= 0.9995
