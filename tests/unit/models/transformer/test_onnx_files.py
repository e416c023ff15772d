from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from nearfield.errors import UnsupportedModel, UnsupportedOperation
from nearfield.models.transformer import graph, load, weights
from nearfield.models.transformer.config import read_shape
from nearfield.models.transformer.onnx_header import read_onnx_header
from nearfield.types import BatchReport


def counted(report: BatchReport) -> None:
    """Take reports, so that truncation is not a warning."""


def export(folder: Path, target: Path) -> onnx.ModelProto:
    """Write the folder's encoder as a self-contained ONNX file and drop its safetensors."""
    shape = read_shape(folder / "config.json")
    model = onnx.load_from_string(graph.build(shape))
    bound = weights.bind(shape, weights.open_tensors(folder), folder)
    for i, tensor in enumerate(model.graph.initializer):
        if tensor.name in bound:
            stored = numpy_helper.from_array(np.array(bound[tensor.name]), tensor.name)
            model.graph.initializer[i].CopyFrom(stored)
    target.parent.mkdir(exist_ok=True)
    onnx.save(model, target)
    (folder / "model.safetensors").unlink()
    return model


def save(model: onnx.ModelProto, path: Path) -> None:
    onnx.checker.check_model(model)
    onnx.save(model, path)


@pytest.mark.parametrize("place", ["model.onnx", "onnx/model.onnx", "onnx/model_O2.onnx"])
def test_an_onnx_folder_gives_the_same_vectors(folder, texts, references, place):
    export(folder, folder / place)
    encoder = load(folder, name="x")
    vectors = encoder.encode(texts["tiny"], observe=counted)
    np.testing.assert_allclose(vectors, references["bert/mean"], atol=3e-6)
    assert (encoder.card.precision, encoder.card.max_tokens) == ("exact", 20)
    assert encoder.notes == ()
    (tokens,) = encoder.encode_tokens(["warm parka"])
    np.testing.assert_allclose(tokens.vectors, references["bert/tokens"], atol=5e-6)


def test_safetensors_win_where_both_are(folder, golden):
    export(folder, folder / "model.onnx")
    only_onnx = load(folder, name="x").card
    (folder / "model.safetensors").write_bytes((golden / "bert/model.safetensors").read_bytes())
    both = load(folder, name="x").card
    assert both.fingerprint == load(golden / "bert", name="x").card.fingerprint
    assert both.fingerprint != only_onnx.fingerprint


def test_onnx_serves_architectures_that_are_not_built_in(
    folder: Path, edit: Callable[..., Path], texts, references
):
    stored = (folder / "model.safetensors").read_bytes()
    export(folder, folder / "model.onnx")
    (folder / "model.safetensors").write_bytes(stored)
    edit("config.json", model_type="modernbert")
    vectors = load(folder, name="x").encode(texts["tiny"], observe=counted)
    np.testing.assert_allclose(vectors, references["bert/mean"], atol=3e-6)


def test_without_modules_the_pooling_is_stated_or_noted(folder, texts, references):
    export(folder, folder / "model.onnx")
    (folder / "modules.json").unlink()
    unstated = load(folder, name="x")
    assert "do not state a pooling" in unstated.notes[0]
    stated = load(folder, name="x", pooling="cls")
    assert stated.notes == ()
    vectors = stated.encode(texts["tiny"], observe=counted)
    np.testing.assert_allclose(vectors, references["pooling/cls"], atol=5e-6)
    assert stated.card.fingerprint != unstated.card.fingerprint


def add_sentences(model: onnx.ModelProto) -> None:
    """Pool inside the graph: the first token's vector, normalised."""
    model.graph.initializer.append(numpy_helper.from_array(np.array(0), "first"))
    model.graph.node.extend(
        [
            helper.make_node("Gather", ["last_hidden_state", "first"], ["cls"], axis=1),
            helper.make_node("LpNormalization", ["cls"], ["sentence_embedding"], axis=1, p=2),
        ]
    )
    model.graph.output.append(
        helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["batch", 16])
    )


def test_pooled_outputs_are_used_where_no_pooling_is_stated(folder, texts, references):
    model = export(folder, folder / "model.onnx")
    add_sentences(model)
    save(model, folder / "model.onnx")
    by_modules = load(folder, name="x").encode(texts["tiny"], observe=counted)
    np.testing.assert_allclose(by_modules, references["bert/mean"], atol=3e-6)
    (folder / "modules.json").unlink()
    encoder = load(folder, name="x")
    vectors = encoder.encode(texts["tiny"], observe=counted)
    cls = references["pooling/cls"]
    np.testing.assert_allclose(vectors, cls / np.linalg.norm(cls, axis=1, keepdims=True), atol=3e-6)
    assert encoder.notes == ()
    with pytest.raises(UnsupportedOperation, match="hides its tokens'"):
        encoder.encode_tokens(["snow"])


def test_other_inputs_are_filled_as_int32_or_int64(folder, texts, references):
    model = export(folder, folder / "model.onnx")
    for value in model.graph.input:
        value.type.tensor_type.elem_type = TensorProto.INT32
        wide = f"{value.name}_wide"
        for node in model.graph.node:
            node.input[:] = [wide if name == value.name else name for name in node.input]
        cast = helper.make_node("Cast", [value.name], [wide], to=TensorProto.INT64)
        model.graph.node.insert(0, cast)
    model.graph.input.append(
        helper.make_tensor_value_info("token_type_ids", TensorProto.INT64, ["batch", "time"])
    )
    model.graph.input.append(
        helper.make_tensor_value_info("position_ids", TensorProto.INT64, ["batch", "time"])
    )
    save(model, folder / "model.onnx")
    vectors = load(folder, name="x").encode(texts["tiny"], observe=counted)
    np.testing.assert_allclose(vectors, references["bert/mean"], atol=3e-6)


@pytest.mark.parametrize("damage", [b"", b"not a model", b"\x3a\xff\xff\xff\xff\x0f"])
def test_damaged_files_are_refused(folder, damage):
    export(folder, folder / "model.onnx")
    (folder / "model.onnx").write_bytes(damage)
    with pytest.raises(UnsupportedModel, match=r"model\.onnx"):
        load(folder, name="x")


def test_a_truncated_file_is_refused(folder):
    export(folder, folder / "model.onnx")
    path = folder / "model.onnx"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UnsupportedModel, match="not a whole ONNX model"):
        load(folder, name="x")


def test_foreign_inputs_and_outputs_are_refused(folder):
    model = export(folder, folder / "model.onnx")
    model.graph.input.append(
        helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", 3])
    )
    save(model, folder / "model.onnx")
    with pytest.raises(UnsupportedModel, match="pixel_values"):
        load(folder, name="x")


def test_header_equals_the_onnx_library(folder):
    model = export(folder, folder / "model.onnx")
    header = read_onnx_header(folder / "model.onnx")
    assert header.operators == {node.op_type for node in model.graph.node}
    assert header.full_precision
    assert header.external == ()
    floats = [t for t in model.graph.initializer if t.data_type == TensorProto.FLOAT and t.dims]
    integers = [t for t in model.graph.initializer if len(t.dims) > 1 and t not in floats]
    assert header.parameters == sum(int(np.prod(t.dims)) for t in [*floats, *integers])


def test_weights_beside_the_file_are_found_and_hashed(folder, texts, references):
    model = export(folder, folder / "model.onnx")
    (folder / "model.onnx").unlink()
    onnx.save(
        model,
        folder / "model.onnx",
        save_as_external_data=True,
        location="model.onnx_data",
        size_threshold=64,
    )
    assert read_onnx_header(folder / "model.onnx").external == ("model.onnx_data",)
    encoder = load(folder, name="x")
    vectors = encoder.encode(texts["tiny"], observe=counted)
    np.testing.assert_allclose(vectors, references["bert/mean"], atol=3e-6)
    data = folder / "model.onnx_data"
    content = bytearray(data.read_bytes())
    content[0] ^= 1
    data.write_bytes(content)
    assert load(folder, name="x").card.fingerprint != encoder.card.fingerprint


def test_dynamic_int8_is_computed_one_by_one_so_that_company_does_not_matter(bge_path):
    encoder = load(bge_path, name="bge", pooling="cls")
    assert (encoder.card.precision, encoder.card.dimension) == ("small", 384)
    assert encoder.card.max_tokens == 512
    assert encoder.card.parameters == pytest.approx(33.3e6, rel=0.01)
    texts = ["cold weather gear", "a parka", "x" * 200]
    together = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    np.testing.assert_array_equal(together, alone)
