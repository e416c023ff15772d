from __future__ import annotations

import json
import shutil

import pytest

from nearfield.errors import InputError, ModelNotInstalled, UnsupportedModel
from nearfield.models.transformer import PoolingMode, load
from nearfield.models.transformer.layout import read_layout
from nearfield.types import Role


def test_reads_what_sentence_transformers_6_writes(golden):
    layout = read_layout(golden / "bert")
    assert layout.transformer == golden / "bert"
    assert layout.pooling.modes == (PoolingMode.MEAN,)
    assert [step.spec for step in layout.steps] == ["normalise"]
    assert (layout.prompts, layout.max_tokens, layout.notes) == ({}, 20, ())


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"prompts": {"query": "q: ", "passage": "p: "}}, ("q: ", "p: ")),
        ({"prompts": {"query": "q: ", "document": "", "passage": "p: "}}, ("q: ", "p: ")),
        ({"prompts": {"query": "q: ", "document": ""}}, ("q: ", None)),
        ({"prompts": {"sts": "s: "}, "default_prompt_name": "sts"}, ("s: ", "s: ")),
        ({"prompts": {"query": "q: "}, "default_prompt_name": "query"}, ("q: ", None)),
        (
            {"prompts": {"query": "", "document": "", "sts": "s: "}, "default_prompt_name": "sts"},
            (None, None),
        ),
        ({"prompts": {}, "default_prompt_name": None}, (None, None)),
    ],
)
def test_prompts_by_role(folder, config, expected):
    (folder / "config_sentence_transformers.json").write_text(json.dumps(config))
    prompts = read_layout(folder).prompts
    assert (prompts.get(Role.QUERY), prompts.get(Role.DOCUMENT)) == expected


@pytest.mark.parametrize(
    ("name", "keys", "message"),
    [
        ("config.json", {"model_type": "llama"}, "the architecture 'llama'"),
        ("config.json", {"hidden_act": "mish"}, "the activation 'mish'"),
        ("config.json", {"position_embedding_type": "alibi"}, "'alibi'"),
        ("config.json", {"auto_map": {"AutoModel": "x.Y"}}, "never run"),
        ("config.json", {"is_decoder": True}, "decoder"),
        ("config.json", {"quantization_config": {"bits": 4}}, "quantised"),
        ("config.json", {"hidden_size": 15}, "not a multiple of its 2 heads"),
        ("config.json", {"hidden_size": "16"}, "expected int"),
        ("config.json", {"num_hidden_layers": 0}, "at least 1"),
        ("config.json", {"num_hidden_layers": 3}, "missing weights encoder.layer.2"),
        ("config.json", {"intermediate_size": 33}, "config.json implies (33, 16)"),
        ("1_Pooling/config.json", {"pooling_mode": "median"}, "'median'"),
        ("1_Pooling/config.json", {"pooling_mode_top_tokens": True}, "pooling_mode_top_tokens"),
        ("1_Pooling/config.json", {"surprise": 1}, "surprise"),
        ("1_Pooling/config.json", {"embedding_dimension": 32}, "expects 32 dimensions"),
        ("2_Normalize/config.json", {"module_input_name": "token_embeddings"}, "module_input_name"),
        ("sentence_bert_config.json", {"transformer_task": "fill-mask"}, "transformer_task"),
        ("sentence_bert_config.json", {"query_length": 32}, "query_length = 32"),
        ("sentence_bert_config.json", {"max_seq_length": "many"}, "max_seq_length = 'many'"),
        ("sentence_bert_config.json", {"model_args": {"adapter": 1}}, "model_args"),
        ("config_sentence_transformers.json", {"model_type": "SparseEncoder"}, "SparseEncoder"),
        ("config_sentence_transformers.json", {"truncate_dim": 0}, "truncate_dim = 0"),
        ("config_sentence_transformers.json", {"default_prompt_name": "x"}, "default prompt 'x'"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(edit, name, keys, message):
    folder = edit(name, **keys)
    with pytest.raises(UnsupportedModel) as refusal:
        load(folder, name="x")
    assert message in str(refusal.value)
    assert str(folder) in str(refusal.value)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"type": "custom.Module", "path": "3"}, "never run"),
        ({"type": "sentence_transformers.models.LSTM", "path": "3_LSTM"}, "LSTM"),
        ({"type": "sentence_transformers.models.Normalize", "path": "../x"}, "outside"),
        ({"type": "sentence_transformers.models.Normalize", "kwargs": ["task"]}, "arguments"),
        ({"path": "3"}, "does not state 'type'"),
        ("not an object", "list of modules"),
    ],
)
def test_unknown_modules_are_refused(folder, entry, message):
    path = folder / "modules.json"
    path.write_text(json.dumps([*json.loads(path.read_text()), entry]))
    with pytest.raises(UnsupportedModel, match=message):
        read_layout(folder)


def test_a_model_must_start_with_transformer_and_pooling(folder):
    path = folder / "modules.json"
    path.write_text(json.dumps(json.loads(path.read_text())[1:]))
    with pytest.raises(UnsupportedModel, match="starts with Pooling and Normalize"):
        read_layout(folder)


@pytest.mark.parametrize("content", ["", "{", "[1]", "\udcff"])
def test_damaged_json_is_refused(folder, content):
    (folder / "config.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(UnsupportedModel, match=r"config\.json"):
        load(folder, name="x")


def test_dense_settings_that_are_not_known_are_refused(folder, golden):
    shutil.copytree(golden / "headed", folder, dirs_exist_ok=True)
    path = folder / "2_Dense" / "config.json"
    config = json.loads(path.read_text())
    for change, message in (
        ({"activation_function": "os.system"}, "os.system"),
        ({"out_features": 13}, r"\(12, 16\), expected \(13, 16\)"),
        ({"gate": True}, "gate"),
    ):
        path.write_text(json.dumps(config | change))
        with pytest.raises(UnsupportedModel, match=message):
            read_layout(folder)


def test_modules_that_do_not_fit_together_are_refused(folder, golden):
    shutil.copytree(golden / "headed", folder, dirs_exist_ok=True)
    path = folder / "modules.json"
    entries = json.loads(path.read_text())
    path.write_text(json.dumps([*entries[:2], *entries[3:]]))
    with pytest.raises(UnsupportedModel, match="takes vectors of 12 dimensions"):
        load(folder, name="x")


def test_dropout_does_nothing_and_truncation_cuts(folder, edit, golden):
    path = folder / "modules.json"
    dropout = {"type": "sentence_transformers.models.Dropout", "path": "3_Dropout"}
    path.write_text(json.dumps([*json.loads(path.read_text()), dropout]))
    whole = load(golden / "bert", name="x").encode(["snow"])
    assert (load(folder, name="x").encode(["snow"]) == whole).all()
    cut = load(edit("config_sentence_transformers.json", truncate_dim=4), name="x")
    assert (cut.encode(["snow"]) == whole[:, :4]).all()
    assert (cut.card.dimension, cut.card.normalised) == (4, False)


def test_a_plain_folder_is_read_with_mean_pooling_and_says_so(folder, golden):
    (folder / "modules.json").unlink()
    encoder = load(folder, name="x")
    assert "do not state a pooling" in encoder.notes[0]
    assert not encoder.card.normalised
    vector = encoder.encode(["snow"])
    whole = load(golden / "bert", name="x").encode(["snow"])
    assert abs(vector / (vector**2).sum() ** 0.5 - whole).max() < 1e-6
    assert load(folder, name="x", pooling="cls").notes == ()


def test_wrong_arguments(tmp_path, golden):
    with pytest.raises(ModelNotInstalled, match="no model folder"):
        load(tmp_path / "absent", name="x")
    with pytest.raises(InputError, match="'tiny', expected one of 'auto', 'exact'"):
        load(golden / "bert", name="x", precision="tiny")
    with pytest.raises(InputError, match="'median', expected one of cls"):
        load(golden / "bert", name="x", pooling="median")


def test_pickled_weights_are_refused(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UnsupportedModel, match="pickle"):
        load(folder, name="x")


def test_the_limit_is_the_smallest_that_is_stated(edit, golden):
    assert (
        load(edit("sentence_bert_config.json", max_seq_length=12), name="x").card.max_tokens == 12
    )
    # The position table has 24 rows, whatever is stated.
    assert (
        load(edit("sentence_bert_config.json", max_seq_length=99), name="x").card.max_tokens == 24
    )
    assert load(golden / "roberta", name="x").card.max_tokens == 20
