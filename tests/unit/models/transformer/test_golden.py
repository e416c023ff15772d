"""The same vectors as sentence-transformers: for every family, pooling and module."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nearfield.models.transformer import load
from nearfield.types import BatchReport

FAMILIES = ["bert", "roberta", "xlm-roberta", "distilbert", "mpnet", "electra"]
POOLINGS = ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]
OLD_SWITCHES = {
    "cls": "pooling_mode_cls_token",
    "max": "pooling_mode_max_tokens",
    "mean": "pooling_mode_mean_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}


def counted(report: BatchReport) -> None:
    """Take reports, so that truncation is not a warning."""


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def modules(folder: Path, count: int) -> None:
    path = folder / "modules.json"
    path.write_text(json.dumps(json.loads(path.read_text())[:count]))


@pytest.mark.parametrize("family", FAMILIES)
def test_families(family, golden, texts, references):
    vectors = load(golden / family, name=family).encode(texts["tiny"], observe=counted)
    np.testing.assert_allclose(vectors, references[f"{family}/mean"], atol=3e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_token_vectors(family, golden, references):
    (tokens,) = load(golden / family, name=family).encode_tokens(["warm parka"])
    assert tokens.tokens[:5] == ("w", "##a", "##r", "##m", "p")
    assert tokens.spans.tolist()[3:6] == [[3, 4], [5, 6], [6, 7]]
    np.testing.assert_allclose(tokens.vectors, references[f"{family}/tokens"], atol=5e-6)


@pytest.mark.parametrize("mode", [*POOLINGS, "cls+mean+max"])
def test_poolings_in_the_new_spelling(mode, folder, edit, texts, references):
    edit("1_Pooling/config.json", pooling_mode=mode.split("+"))
    modules(folder, 2)
    vectors = load(folder, name="x").encode(texts["tiny"], observe=counted)
    np.testing.assert_allclose(vectors, references[f"pooling/{mode}"], atol=5e-6)


@pytest.mark.parametrize("mode", [*POOLINGS, "cls+max+mean"])
def test_poolings_in_the_old_spelling(mode, folder, texts, references):
    switched = {switch: name in mode.split("+") for name, switch in OLD_SWITCHES.items()}
    config = {"word_embedding_dimension": 16, **switched}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(config))
    modules(folder, 2)
    vectors = load(folder, name="x").encode(texts["tiny"], observe=counted)
    # Switches have no order of their own; sentence-transformers puts max before mean.
    expected = np.concatenate([references[f"pooling/{name}"] for name in mode.split("+")], axis=1)
    np.testing.assert_allclose(vectors, expected, atol=5e-6)


@pytest.mark.parametrize("mode", POOLINGS)
@pytest.mark.parametrize("kind", ["with-prompt", "without-prompt"])
def test_prompts_in_and_out_of_the_pooling(kind, mode, folder, edit, texts, references):
    edit("1_Pooling/config.json", pooling_mode=mode, include_prompt=kind == "with-prompt")
    edit("config_sentence_transformers.json", prompts={"document": "ask: "})
    modules(folder, 2)
    vectors = load(folder, name="x").encode(texts["tiny"], observe=counted)
    np.testing.assert_allclose(vectors, references[f"{kind}/{mode}"], atol=5e-6)


def test_dense_layer_norm_and_normalise(folder, golden, texts, references):
    shutil.copytree(golden / "headed", folder, dirs_exist_ok=True)
    encoder = load(folder, name="x")
    vectors = encoder.encode(texts["tiny"], observe=counted)
    np.testing.assert_allclose(vectors, references["headed/mean"], atol=3e-6)
    assert (encoder.card.dimension, encoder.card.normalised) == (8, True)


def test_old_module_names_read_the_same(folder, texts, references):
    path = folder / "modules.json"
    old = path.read_text()
    for new in ("base.modules.transformer", "base.modules.normalize"):
        old = old.replace(f"sentence_transformers.{new}", "sentence_transformers.models")
    old = old.replace("sentence_transformer.modules.pooling", "models")
    assert json.loads(old)[1]["type"] == "sentence_transformers.models.Pooling"
    path.write_text(old)
    (folder / "sentence_bert_config.json").write_text(
        '{"max_seq_length": 20, "do_lower_case": false}'
    )
    vectors = load(folder, name="x").encode(texts["tiny"], observe=counted)
    np.testing.assert_allclose(vectors, references["bert/mean"], atol=3e-6)


def test_minilm(minilm_path, texts, real_references):
    vectors = load(minilm_path, name="minilm").encode(texts["real"], observe=counted)
    expected = real_references["all-MiniLM-L6-v2"]
    assert cosines(vectors, expected).min() >= 0.99999
    np.testing.assert_allclose(vectors, expected, atol=2e-6)


def test_mpnet(minilm_path, texts, real_references):
    folder = minilm_path.parent / "all-mpnet-base-v2"
    if not folder.is_dir():
        pytest.skip("the model all-mpnet-base-v2 is missing")
    vectors = load(folder, name="mpnet").encode(texts["real"][2:10], observe=counted)
    assert cosines(vectors, real_references["all-mpnet-base-v2"]).min() >= 0.99999


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_16_bit_weights_are_widened(dtype, folder, golden, texts, references):
    from safetensors.numpy import load_file, save_file

    tensors = load_file(golden / "bert" / "model.safetensors")
    path = folder / "model.safetensors"
    if dtype == "float16":
        save_file({k: v.astype(np.float16) for k, v in tensors.items()}, path)
    else:
        _save_bfloat16(tensors, path)
    vectors = load(folder, name="x").encode(texts["tiny"], observe=counted)
    assert cosines(vectors, references["bert/mean"]).min() > 0.998


def _save_bfloat16(tensors: dict[str, np.ndarray], path: Path) -> None:
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = (tensor.view(np.uint32) >> 16).astype("<u2").tobytes()
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": "BF16", "shape": tensor.shape, "data_offsets": offsets}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def test_shards_and_prefixes_read_the_same(folder, golden, texts, references):
    from safetensors.numpy import load_file, save_file

    tensors = list(load_file(golden / "bert" / "model.safetensors").items())
    (folder / "model.safetensors").unlink()
    weight_map = {}
    for number, part in enumerate((tensors[::2], tensors[1::2])):
        shard = f"model-0000{number + 1}-of-00002.safetensors"
        save_file({f"bert.{name}": tensor for name, tensor in part}, folder / shard)
        weight_map |= {f"bert.{name}": shard for name, _ in part}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    vectors = load(folder, name="x").encode(texts["tiny"], observe=counted)
    np.testing.assert_allclose(vectors, references["bert/mean"], atol=3e-6)


def test_lower_casing_comes_before_the_tokenizer(folder, edit: Callable[..., Path]):
    plain = load(folder, name="x")
    lower = load(edit("sentence_bert_config.json", do_lower_case=True), name="x")
    np.testing.assert_array_equal(lower.encode(["Warm PARKA"]), plain.encode(["warm parka"]))
    assert lower.card.fingerprint != plain.card.fingerprint
