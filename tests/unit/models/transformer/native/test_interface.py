"""What the library refuses, how it is chosen, and that everything works without it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nearfield.errors import UnsupportedModel, UnsupportedOperation
from nearfield.models.transformer import load
from nearfield.models.transformer.config import Activation
from nearfield.models.transformer.native import available
from nearfield.models.transformer.native import library as native
from nearfield.models.transformer.native.model import NativeModel, NativePooling, _shape
from nearfield.models.transformer.runtime import Precision, TokenBatch
from nearfield.models.transformer.runtimes.native import open_native

compiled = pytest.mark.usefixtures("compiled")
GOLDEN = Path(__file__).parents[1] / "golden"
OTHERS = ("openvino", "onnxruntime")
has_fast = pytest.mark.skipif(
    native.choose(Precision.FAST) is None, reason="no bfloat16 kernel is usable here"
)


def batch(ids, borders) -> TokenBatch:
    return TokenBatch(np.array(ids, dtype=np.int64), np.array(borders, dtype=np.int64))


@pytest.fixture
def without_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "libnearfield_native.so"
    monkeypatch.setattr(native, "PLACE", place)
    cached = (native.library, native.kernels, native.fault, native.build)
    for function in cached:
        function.cache_clear()
    yield place
    for function in cached:
        function.cache_clear()


@compiled
def test_available_names_the_kernels():
    found = available()
    assert "plain" in found.kernels
    own = [name for name in found.kernels if name != "amx-emulated"]
    assert all(name in found.reason for name in own)
    assert "emulated" not in found.reason


@compiled
@pytest.mark.parametrize(
    ("ids", "borders", "message"),
    [
        ([1, 50], [0, 2], "token 1 is 50, the vocabulary has 50"),
        ([-1], [0, 1], "token 0 is -1, the vocabulary has 50"),
        ([1, 2], [0, 1], "borders go from 0 to 1, expected 0 to 2"),
        ([1, 2], [1, 2], "borders go from 1 to 2"),
        ([1, 2], [0, 2, 1, 2], "border 1 is 2 and the next one 1"),
        ([1, 2], [0, 3, 2], "border 0 is 0 and the next one 3"),
        ([1, 2], [0, -(2**63), 2], "border 0 is 0 and the next one"),
        ([1] * 73, [0, 73], "text 0 has 73 tokens, positions are for 72"),
    ],
)
def test_bad_batches_are_refused(ids, borders, message, make):
    model = NativeModel(*make(), "plain", 1)
    with pytest.raises(ValueError, match=message):
        model.encode(batch(ids, borders), NativePooling.TOKENS)


@compiled
def test_empty_batches(make):
    model = NativeModel(*make(), "plain", 2)
    assert model.encode(batch([], [0]), NativePooling.MEAN).shape == (0, 64)
    assert model.encode(batch([], [0, 0, 0]), NativePooling.TOKENS).shape == (0, 64)
    assert not model.encode(batch([], [0, 0, 0]), NativePooling.MEAN).any()


@compiled
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": 0}, "layers must be"),
        ({"hidden": 2**40}, "hidden must be"),
        ({"heads": 3}, "heads must divide hidden"),
        ({"heads": 0}, "heads must divide hidden"),
        ({"intermediate": 0}, "intermediate must be"),
        ({"vocabulary": -1}, "vocabulary must be"),
        ({"positions": 0}, "positions must be"),
        ({"padding_id": 71}, "padding_id must leave"),
        ({"relative": 2}, "relative must be"),
        ({"activation": 9}, "unknown activation"),
        ({"norm_epsilon": float("nan")}, "norm_epsilon must be"),
    ],
)
def test_bad_shapes_are_refused(change, message, make):
    shape, _ = make()
    given = _shape(shape)
    for name, value in change.items():
        setattr(given, name, value)
    with pytest.raises(ValueError, match=message):
        native.panels_bytes(given, "plain")


@compiled
def test_null_pointers_and_wrong_panels_are_refused(make):
    shape, _ = make()
    given = _shape(shape)
    size = native.panels_bytes(given, "plain")
    panels = np.zeros(size + 64, dtype=np.uint8)
    address = panels.ctypes.data + -panels.ctypes.data % 64
    with pytest.raises(ValueError, match="missing weights: embedding norm"):
        native.fill_panels(given, native.Weights(), "plain", 1, address, size)
    layers = (native.LayerWeights * shape.layers)()
    weights = native.Weights(None, address, address, None, layers)
    with pytest.raises(ValueError, match="a layer's weight or bias"):
        native.fill_panels(given, weights, "plain", 1, address, size)
    given.relative = 1
    with pytest.raises(ValueError, match="missing weights: relative bias"):
        native.fill_panels(given, weights, "plain", 1, address, size)
    given.relative = 0
    with pytest.raises(ValueError, match="missing weights: words or positions"):
        native.new_model(given, "plain", (address, 0), address, size)
    with pytest.raises(ValueError, match="cache line's border"):
        native.new_model(given, "plain", (address, address), address + 4, size)
    with pytest.raises(ValueError, match=f"panels have {size - 64} bytes, expected {size}"):
        native.new_model(given, "plain", (address, address), address, size - 64)
    library = native.library()
    message = ctypes.create_string_buffer(100)
    assert library.nf_panels_bytes(None, None, None, message, 100) == 1
    assert library.nf_panels_fill(None, None, None, 1, None, 0, message, 100) == 1
    assert library.nf_model_new(None, None, None, None, None, 0, None, message, 100) == 1
    assert library.nf_encode(None, None, 0, None, 0, 0, None, 0, 1, message, 100) == 1
    assert b"null pointer" in message.value
    library.nf_model_free(None)


@compiled
def test_wrong_room_for_results_is_refused(make):
    shape, values = make()
    model = NativeModel(shape, values, "plain", 1)
    ids, borders = np.array([1, 2]), np.array([0, 2])
    out = np.zeros(64, dtype=np.float32)
    message = ctypes.create_string_buffer(100)
    status = native.library().nf_encode(
        model._handle, ids.ctypes.data, 2, borders.ctypes.data, 1, 0, out.ctypes.data, 64, 1,
        message, 100,
    )  # fmt: skip
    assert (status, message.value) == (1, b"out has 64 floats, expected 2 rows of 64")
    status = native.library().nf_encode(
        model._handle, ids.ctypes.data, 2, borders.ctypes.data, 1, 7, out.ctypes.data, 64, 1,
        message, 4,
    )  # fmt: skip
    assert (status, message.value) == (1, b"unk")


@compiled
def test_unknown_kernels_and_shapes_are_refused(make):
    shape, values = make()
    with pytest.raises(UnsupportedModel, match="the kernel abacus is not in this library"):
        NativeModel(shape, values, "abacus", 1)
    with pytest.raises(UnsupportedModel, match="widened to 64"):
        NativeModel(replace(shape, embedding=32), values, "plain", 1)


@compiled
def test_every_activation_has_its_number(make):
    numbers = [_shape(make(activation=activation)[0]).activation for activation in Activation]
    assert sorted(numbers) == [0, 1, 2, 3, 4]


@compiled
def test_a_kernel_can_be_named(monkeypatch):
    monkeypatch.setenv(native.KERNEL_VARIABLE, "plain")
    assert load(GOLDEN / "bert", name="x").card.runtime == "native-plain"
    monkeypatch.setenv(native.KERNEL_VARIABLE, "none")
    assert load(GOLDEN / "bert", name="x").card.runtime in OTHERS


@compiled
def test_small_electra_is_served_by_another_runtime():
    assert load(GOLDEN / "electra", name="x").card.runtime in OTHERS


@compiled
@has_fast
def test_fast_vectors_are_another_space_close_to_the_exact_one():
    exact = load(GOLDEN / "mpnet", name="x")
    fast = load(GOLDEN / "mpnet", name="x", precision="fast")
    assert (fast.card.precision, exact.card.precision) == ("fast", "exact")
    assert fast.card.fingerprint != exact.card.fingerprint
    texts = ["warm parka", "", "a", "the cold wind"]
    similar = (fast.encode(texts) * exact.encode(texts)).sum(1)
    assert 0.999 < similar.min() < 1.0


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert", "mpnet"])
@pytest.mark.parametrize("kernel", ["none", "plain", "avx2", "avx512"])
def test_every_runtime_gives_the_same_vectors(family, kernel, monkeypatch):
    expected = load(GOLDEN / family, name="x")
    texts = ["a", "", "abc", "warm parka", "a <pad> b [PAD] c", "hats and gloves"]
    vectors = expected.encode(texts)
    (tokens,) = expected.encode_tokens(["warm parka"])
    monkeypatch.setenv(native.KERNEL_VARIABLE, kernel)
    other = load(GOLDEN / family, name="x")
    assert other.card.fingerprint == expected.card.fingerprint
    np.testing.assert_allclose(other.encode(texts), vectors, atol=3e-6)
    np.testing.assert_allclose(
        other.encode_tokens(["warm parka"])[0].vectors, tokens.vectors, atol=5e-6
    )


def test_without_the_library_another_runtime_serves(without_library, make):
    found = available()
    assert (found.usable, found.kernels) == (False, ())
    assert "libnearfield_native.so is missing" in found.reason
    assert load(GOLDEN / "bert", name="x").card.runtime in OTHERS
    shape, values = make()
    with pytest.raises(UnsupportedOperation, match="the compiled part is not installed"):
        open_native(shape, values, Precision.FAST)


def test_a_damaged_library_is_told(without_library):
    without_library.write_bytes(b"\x7fELF not really")
    assert not available().usable
    assert load(GOLDEN / "bert", name="x").card.runtime in OTHERS


@compiled
def test_another_version_is_told(monkeypatch, without_library):
    monkeypatch.setattr(native, "PLACE", Path(native.__file__).parent / "libnearfield_native.so")
    monkeypatch.setattr(native, "ABI_VERSION", 99)
    assert "has interface version 2, expected 99" in available().reason
