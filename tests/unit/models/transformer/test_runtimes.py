"""What every runtime that is present promises, and which one is chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.errors import InputError, MissingExtra, ModelError, UnsupportedOperation
from nearfield.models.precision import COMPANY_BOUNDS, Precision
from nearfield.models.transformer import TransformerEncoder, choice, load
from nearfield.models.transformer.batches import BatchLimits
from nearfield.models.transformer.choice import RuntimeName, choose
from nearfield.models.transformer.config import read_shape
from nearfield.models.transformer.runtime import pack, pad
from nearfield.models.transformer.runtimes.providers import providers
from nearfield.types import BatchReport

GOLDEN = Path(__file__).parent / "golden"
FAMILIES = ["bert", "roberta", "xlm-roberta", "distilbert", "mpnet", "electra"]
ON_PROCESSOR = [RuntimeName.NATIVE, RuntimeName.OPENVINO, RuntimeName.ONNXRUNTIME]
COMPUTED = [
    (runtime, precision)
    for runtime in ON_PROCESSOR
    for precision in (Precision.EXACT, Precision.FAST)
]

words = st.text(alphabet="abcdefgh XY0é\x00\ud800中", max_size=30)


def counted(report: BatchReport) -> None:
    """Take reports, so that truncation is not a warning."""


def opened(folder: Path, runtime: RuntimeName, precision: Precision) -> TransformerEncoder:
    try:
        return load(folder, name="x", runtime=runtime, precision=precision)
    except (UnsupportedOperation, MissingExtra) as error:
        pytest.skip(str(error))


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("runtime", "precision"), COMPUTED)
def test_equals_the_reference(family, runtime, precision, texts, references):
    encoder = opened(GOLDEN / family, runtime, precision)
    assert encoder.card.precision == precision
    assert encoder.card.runtime.startswith(runtime)
    vectors = encoder.encode(texts["tiny"], observe=counted)
    (tokens,) = encoder.encode_tokens(["warm parka"])
    if precision is Precision.EXACT:
        np.testing.assert_allclose(vectors, references[f"{family}/mean"], atol=3e-6)
        np.testing.assert_allclose(tokens.vectors, references[f"{family}/tokens"], atol=5e-6)
    else:  # sixteen dimensions of random weights round far more than a trained model's
        assert cosines(vectors, references[f"{family}/mean"]).min() > 0.998
        assert cosines(tokens.vectors, references[f"{family}/tokens"]).min() > 0.99


@pytest.mark.parametrize(("runtime", "precision"), COMPUTED)
@settings(max_examples=15, deadline=None)
@given(
    inputs=st.lists(words, min_size=1, max_size=12),
    budget=st.sampled_from([1, 16, 64, 4096]),
    window=st.integers(1, 5),
    data=st.data(),
)
def test_batch_size_order_and_company_never_change_a_vector(
    runtime, precision, inputs, budget, window, data
):
    encoder = _ENCODERS.setdefault((runtime, precision), None) or opened(
        GOLDEN / "mpnet", runtime, precision
    )
    _ENCODERS[runtime, precision] = encoder
    order = data.draw(st.permutations(range(len(inputs))))
    alone = np.concatenate([encoder.encode([text], observe=counted) for text in inputs])
    encoder._limits = BatchLimits(budget, window_texts=window)
    together = encoder.encode([inputs[i] for i in order], observe=counted)
    distances = 1 - cosines(together, alone[list(order)])
    assert distances.max() <= COMPANY_BOUNDS[precision]


_ENCODERS: dict[tuple[RuntimeName, Precision], TransformerEncoder | None] = {}


@pytest.mark.parametrize(("runtime", "precision"), COMPUTED)
def test_texts_as_long_as_the_position_table(runtime, precision, edit):
    # 20 is no multiple of 8: rounding the width up to 24 would leave a table of 20 positions.
    from safetensors.numpy import load_file, save_file

    folder = edit("config.json", max_position_embeddings=20)
    tensors = load_file(folder / "model.safetensors")
    name = next(name for name in tensors if name.endswith("position_embeddings.weight"))
    tensors[name] = np.ascontiguousarray(tensors[name][:20])
    save_file(tensors, folder / "model.safetensors")
    encoder = opened(folder, runtime, precision)
    long = "hats and gloves for snow"
    vectors = encoder.encode([long, "a", "hats and gloves"], observe=counted)
    whole = load(GOLDEN / "bert", name="x").encode([long], observe=counted)
    assert cosines(vectors[:1], whole).min() > 0.999


@pytest.mark.parametrize("runtime", ON_PROCESSOR)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_an_error(runtime, bad, folder):
    from safetensors.numpy import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    name = next(name for name in tensors if name.endswith("output.dense.weight"))
    tensors[name] = tensors[name].copy()
    tensors[name][0, 0] = bad
    save_file(tensors, folder / "model.safetensors")
    try:
        choose(read_shape(folder / "config.json"), Precision.EXACT, wanted=runtime)
    except (UnsupportedOperation, MissingExtra) as error:
        pytest.skip(str(error))
    with pytest.raises(ModelError, match=r"NaN|not finite|infinite"):
        load(folder, name="damaged", runtime=runtime).encode(["a", "b", "a"])


def test_texts_without_finite_vectors_are_named(tiny, monkeypatch):
    monkeypatch.setattr(
        tiny, "_embed", lambda tokens, skip: np.full((len(tokens.lengths), 16), np.nan)
    )
    with pytest.raises(ModelError, match=r"'tiny' .* 2 texts \(positions 0, 2\)"):
        tiny._limits = BatchLimits(1)
        tiny.encode(["snow and ice", "a", "snow and ice"])


@given(lengths=st.lists(st.integers(0, 30), min_size=1, max_size=6), longest=st.integers(1, 40))
@settings(max_examples=60)
def test_padding_never_exceeds_the_longest_input(lengths, longest):
    batch = pack([np.arange(1, n + 1) for n in lengths])
    ids, given_tokens = pad(batch, 0, multiple=8, longest=longest)
    needed = max(1, *lengths) if len(lengths) > 1 else max(1, lengths[0])
    assert ids.shape[1] == max(needed, min(-(-needed // 8) * 8, longest))
    assert given_tokens.sum() == sum(lengths)


class TestChoice:
    shape = read_shape(GOLDEN / "bert" / "config.json")

    def test_the_fastest_is_chosen_and_says_why(self):
        found = choose(self.shape, Precision.EXACT)
        assert found.runtime in ON_PROCESSOR
        assert found.why

    def test_without_native_and_openvino_onnx_runtime_serves(self, monkeypatch):
        monkeypatch.setenv("NEARFIELD_NATIVE_KERNEL", "none")
        monkeypatch.setattr(choice, "_has_openvino", lambda: False)
        found = choose(self.shape, Precision.EXACT)
        assert found.runtime is RuntimeName.ONNXRUNTIME
        assert found.why == "the native encoder is switched off; ONNX Runtime is always there"
        with pytest.raises(UnsupportedOperation, match=r"needs a processor .* switched off"):
            choose(self.shape, Precision.FAST)
        with pytest.raises(MissingExtra, match=r"nearfield\[openvino\]"):
            choose(self.shape, Precision.EXACT, wanted=RuntimeName.OPENVINO)
        assert load(GOLDEN / "bert", name="x", precision="auto").card.precision == "exact"

    def test_openvino_comes_after_native(self, monkeypatch):
        pytest.importorskip("openvino")
        monkeypatch.setenv("NEARFIELD_NATIVE_KERNEL", "none")
        assert choose(self.shape, Precision.EXACT).runtime is RuntimeName.OPENVINO

    def test_a_card_serves_large_models_only(self, monkeypatch):
        monkeypatch.setattr(choice, "_installed_card", lambda: RuntimeName.CUDA)
        assert choose(self.shape, Precision.EXACT).runtime is not RuntimeName.CUDA
        monkeypatch.setattr(choice, "_LARGE", 1000)
        assert choose(self.shape, Precision.EXACT).runtime is RuntimeName.CUDA
        without = choose(self.shape, Precision.EXACT, card=False)
        assert without.runtime in ON_PROCESSOR
        # This machine's ONNX Runtime knows no such card: the processor serves after all.
        assert load(GOLDEN / "bert", name="x").card.runtime.split("-")[0] in ON_PROCESSOR

    def test_small_is_for_files(self):
        with pytest.raises(UnsupportedOperation, match="int8"):
            choose(self.shape, Precision.SMALL)

    def test_names_from_the_environment_and_the_argument(self, monkeypatch):
        monkeypatch.setenv("NEARFIELD_RUNTIME", "onnxruntime")
        assert load(GOLDEN / "bert", name="x").card.runtime == "onnxruntime"
        with pytest.raises(UnsupportedOperation, match="computes fp32 only"):
            load(GOLDEN / "bert", name="x", precision="fast")
        monkeypatch.setenv("NEARFIELD_RUNTIME", "abacus")
        with pytest.raises(InputError, match=r"NEARFIELD_RUNTIME is 'abacus'.*openvino"):
            load(GOLDEN / "bert", name="x")
        with pytest.raises(InputError, match="runtime is 'sliderule'"):
            load(GOLDEN / "bert", name="x", runtime="sliderule")

    def test_a_named_card_that_is_not_there_is_an_error(self):
        with pytest.raises(UnsupportedOperation, match="CUDAExecutionProvider"):
            load(GOLDEN / "bert", name="x", runtime="cuda")


def test_cards_come_before_the_processor_and_keep_fp32():
    offered = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    first, last = providers(RuntimeName.CUDA, offered)
    assert first == ("CUDAExecutionProvider", {"use_tf32": "0"})
    assert last == ("CPUExecutionProvider", {})
    with pytest.raises(UnsupportedOperation, match="DmlExecutionProvider"):
        providers(RuntimeName.DIRECTML, offered)
