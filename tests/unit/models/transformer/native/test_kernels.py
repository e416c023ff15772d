"""Every kernel that this processor runs, against ONNX Runtime and against the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearfield.errors import ModelError
from nearfield.models.transformer import graph, weights
from nearfield.models.transformer.config import Activation, Family, read_shape
from nearfield.models.transformer.native.library import available, kernels
from nearfield.models.transformer.native.model import NativeModel, NativePooling, is_finite
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
    model = NativeModel(shape, values, kernel.name, threads)
    given_texts = texts(shape, lengths + [shape.max_tokens] * giants)
    require_same_bits(model, given_texts, order)


@EVERY
@FEW
@given(data=st.data(), order=st.randoms(use_true_random=False))
def test_one_giant_among_tiny_texts_changes_no_bit(kernel, make, data, order):
    # 384, 768 and 1024 dimensions, scaled down by 4 and 8.
    hidden, size = data.draw(st.sampled_from([(96, 32), (192, 64), (128, 32), (128, 64)]), "width")
    shape, values = make(
        layers=1, hidden=hidden, heads=hidden // size, intermediate=4 * hidden, positions=512,
        relative_buckets=data.draw(st.sampled_from([0, 32]), "relative"),
    )  # fmt: skip
    giant = data.draw(st.integers(1, 64 if kernel.only_by_name else 512), "giant")
    tiny = data.draw(st.lists(st.integers(0, 20), min_size=1, max_size=12), "tiny")
    model = NativeModel(shape, values, kernel.name, data.draw(st.integers(1, 3), "threads"))
    require_same_bits(model, texts(shape, [giant, *tiny]), order)


@EVERY
def test_a_team_on_one_text_changes_no_bit(kernel, make):
    # Large enough for a second thread to be worth starting.
    shape, values = make(layers=2, hidden=256, heads=4, intermediate=1024)
    alone, team = (NativeModel(shape, values, kernel.name, threads) for threads in (1, 3))
    for length in (1, 2, 11, 33, 72):
        batch = pack(texts(shape, [length], seed=length))
        for _ in range(1 if kernel.only_by_name else 10):
            for pooling in (NativePooling.MEAN, NativePooling.TOKENS):
                assert np.array_equal(alone.encode(batch, pooling), team.encode(batch, pooling))


def require_same_bits(model, given_texts, order):
    """Each text alone and all in another order give equal vectors."""
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
@pytest.mark.parametrize("pooling", NativePooling)
def test_nan_in_a_table_is_an_error_that_names_it(kernel, pooling, make):
    shape, values = make()
    values["words"][7] = np.nan
    model = NativeModel(shape, values, kernel.name, 1)
    assert np.isfinite(model.encode(pack([np.array([3, 8])]), pooling)).all()
    message = r"text 1 of its batch \(token ids 3 7\) .* row 7 of the word table"
    with pytest.raises(ModelError, match=message):
        model.encode(pack([np.array([3, 8]), np.array([3, 7])]), pooling)
    values["words"][7] = 0
    values["positions"][2] = np.inf
    model = NativeModel(shape, values, kernel.name, 1)
    assert np.isfinite(model.encode(pack([np.array([3, 8])]), pooling)).all()
    with pytest.raises(ModelError, match=r"text 0 of its batch .* the position table"):
        model.encode(pack([np.array([3, 8, 9])]), pooling)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "name",
    [
        "embedding_norm.weight", "token_types", "relative_bias", "layers.0.query.weight",
        "layers.1.widen.bias", "layers.1.norm.bias",
    ],
)  # fmt: skip
def test_bad_weights_are_named(name, value, make):
    shape, values = make(relative_buckets=32)
    values[name].flat[0] = value
    with pytest.raises(ModelError, match=f"the weight '{name}' holds NaN or infinite"):
        NativeModel(shape, values, "plain", 1)


def test_large_weights_are_not_mistaken_for_infinite_ones():
    assert is_finite(np.full(8, 3e38, dtype=np.float32))
    assert not is_finite(np.array([1, -np.inf, np.inf], dtype=np.float32))


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
