from __future__ import annotations

import math
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.errors import InputError, ModelError, TruncationWarning
from nearfield.models.transformer import load
from nearfield.models.transformer.batches import BatchLimits
from nearfield.protocols import Encoder, TokenEncoder
from nearfield.types import Role

words = st.text(alphabet="abcdefgh XY0é\x00\ud800中", max_size=14)


@pytest.fixture(scope="module")
def encoders(golden):
    """Every family, and the mean with a prompt left out; batches of several sizes."""
    return [load(golden / name, name=name) for name in ("bert", "roberta", "mpnet")]


def distance(a: np.ndarray, b: np.ndarray) -> float:
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float((1 - (a * b).sum(1) / lengths).max())


@settings(max_examples=25, deadline=None)
@given(
    texts=st.lists(words, min_size=1, max_size=12),
    budget=st.sampled_from([1, 16, 64, 4096]),
    window=st.integers(1, 5),
    data=st.data(),
)
def test_batch_size_order_and_company_never_change_a_vector(encoders, texts, budget, window, data):
    order = data.draw(st.permutations(range(len(texts))))
    for encoder in encoders:
        alone = np.concatenate([encoder.encode([text]) for text in texts])
        encoder._limits = BatchLimits(budget, window_texts=window)
        together = encoder.encode([texts[i] for i in order])
        assert distance(together, alone[list(order)]) <= 1e-5


def test_roles_of_the_protocols(tiny):
    assert isinstance(tiny, Encoder)
    assert isinstance(tiny, TokenEncoder)


@pytest.mark.parametrize("inputs", [[], (), [""], ["a", "", "a"]])
def test_shape_type_and_order(tiny, inputs):
    vectors = tiny.encode(inputs)
    assert vectors.shape == (len(inputs), 16)
    assert vectors.dtype == np.float32
    assert vectors.flags.c_contiguous
    assert np.isfinite(vectors).all()


def test_wrong_inputs_are_refused(tiny):
    with pytest.raises(InputError, match="one string"):
        tiny.encode("a text")
    with pytest.raises(InputError, match="input 1 is of type int"):
        tiny.encode(["a", 1])
    with pytest.raises(InputError, match="'author', expected one of query, document"):
        tiny.encode(["a"], role="author")


def test_identical_texts_are_embedded_once_and_all_reported(tiny):
    reports = []
    long = "hats and gloves for snow"
    inputs = ["a", long, "", "a", long, "a"]
    vectors = tiny.encode(inputs, observe=reports.append)
    assert sorted(i for report in reports for i in report.indices) == [0, 1, 2, 3, 4, 5]
    assert sum(report.tokens for report in reports) == 3 + 20 + 2
    assert [i for report in reports for i in report.truncated] == [1, 4]
    assert [i for report in reports for i in report.empty] == [2]
    assert (vectors[[3, 5]] == vectors[0]).all()
    assert (vectors[4] == vectors[1]).all()


def test_truncation_without_an_observer_warns_with_counts(tiny):
    with pytest.warns(TruncationWarning, match="2 of 3 texts .* 20 tokens"):
        tiny.encode(["hats and gloves for snow", "a", "hats and gloves for snow"])


def test_prompts_follow_the_role(edit, tiny):
    encoder = load(edit("config_sentence_transformers.json", prompts={"query": "b "}), name="x")
    assert encoder.card.prompts == {Role.QUERY: "b "}
    assert (encoder.encode(["c"], role="query") == tiny.encode(["b c"])).all()
    assert (encoder.encode(["c"], role=Role.DOCUMENT) == tiny.encode(["c"])).all()


def test_token_vectors_leave_the_prompt_and_special_tokens_out(edit, tiny):
    encoder = load(edit("config_sentence_transformers.json", prompts={"query": "b "}), name="x")
    (shown,) = encoder.encode_tokens(["c de"], role="query")
    (whole,) = tiny.encode_tokens(["b c de"])
    assert (shown.tokens, shown.spans.tolist()) == (("c", "d", "##e"), [[0, 1], [2, 3], [3, 4]])
    np.testing.assert_array_equal(shown.vectors, whole.vectors[1:])


def test_token_vectors_of_cut_and_empty_texts(tiny):
    text = "hats and gloves for snow"
    with pytest.warns(TruncationWarning, match="1 of 2"):
        cut, empty = tiny.encode_tokens([text, ""])
    assert (len(cut.tokens), cut.spans[-1].tolist()) == (18, [21, 22])
    assert "".join(text[a:b] for a, b in cut.spans) == "hatsandglovesforsn"
    assert (empty.tokens, empty.spans.shape, empty.vectors.shape) == ((), (0, 2), (0, 16))
    assert tiny.encode_tokens([]) == []


def test_a_tokens_vector_depends_on_its_neighbours(tiny):
    first, second = tiny.encode_tokens(["a b", "a c"])
    assert np.abs(first.vectors[0] - second.vectors[0]).max() > 0.01


def test_card(golden, folder, tiny):
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: mit\n---\nlicense: other\n")
    card = load(folder, name="tiny").card
    assert card.fingerprint == tiny.card.fingerprint
    assert (card.licence, tiny.card.licence) == ("mit", "")
    assert (card.name, card.dimension, card.max_tokens, card.normalised) == ("tiny", 16, 20, True)
    assert card.precision == "exact"
    assert card.runtime.split("-")[0] in ("native", "openvino", "onnxruntime")
    linear = 4 * (16 * 16 + 16) + 2 * 16 * 32 + 32 + 16
    assert card.parameters == (56 + 24 + 2 + 2) * 16 + 2 * (linear + 4 * 16)
    assert card.size_bytes == (golden / "bert" / "model.safetensors").stat().st_size


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("1_Pooling/config.json", {"pooling_mode": "cls"}),
        ("1_Pooling/config.json", {"include_prompt": False}),
        ("config.json", {"hidden_act": "relu"}),
        ("config.json", {"layer_norm_eps": 1e-5}),
        ("sentence_bert_config.json", {"max_seq_length": 12}),
        ("config_sentence_transformers.json", {"prompts": {"query": "q: "}}),
        ("config_sentence_transformers.json", {"truncate_dim": 8}),
    ],
)
def test_whatever_decides_the_vectors_is_in_the_fingerprint(edit, tiny, name, keys):
    fingerprint = load(edit(name, **keys), name="tiny").card.fingerprint
    assert fingerprint != tiny.card.fingerprint
    assert len(fingerprint) == 64


def test_weights_are_in_the_fingerprint(folder, tiny):
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert load(folder, name="tiny").card.fingerprint != tiny.card.fingerprint


def test_tokens_beyond_the_vocabulary_are_refused(tiny):
    tiny._vocabulary = 5
    with pytest.raises(ModelError, match="tokenizer and weights do not belong together"):
        tiny.encode(["snow"])


def test_several_threads_may_share_an_encoder(tiny):
    texts = ["a", "bc", "def", "snow and ice"]
    expected = tiny.encode(texts)
    worst = []

    def work() -> None:
        worst.extend(np.abs(tiny.encode(texts) - expected).max() for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(worst) == 20
    assert max(worst) < 1e-6


def test_minilm_places_texts_by_meaning(minilm_path):
    encoder = load(minilm_path, name="minilm")
    assert (encoder.card.dimension, encoder.card.max_tokens) == (384, 256)
    assert encoder.card.licence == "apache-2.0"
    query, parka, pan = encoder.encode(["cold weather gear", "insulated parka", "frying pan"])
    assert math.isclose(float(query @ query), 1.0, abs_tol=1e-5)
    assert query @ parka > query @ pan + 0.2


def test_a_word_has_another_vector_in_another_context(minilm_path):
    encoder = load(minilm_path, name="minilm")
    river, loan, again = encoder.encode_tokens(
        ["the bank of the river", "the bank gave a loan", "the bank lent me money"]
    )
    banks = [found.vectors[found.tokens.index("bank")] for found in (river, loan, again)]
    unit = np.stack([bank / np.linalg.norm(bank) for bank in banks])
    assert unit[1] @ unit[2] > unit[0] @ unit[1]
