"""Loading a tokenizer.json and cutting texts with it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

from nearfield.errors import InputError, ModelNotInstalled, UnsupportedModel
from nearfield.protocols import Tokenizer as TokenizerRole
from nearfield.tokenization import SubwordTokenizer, load

# wordpiece ids: [CLS] 2, [SEP] 3, warm 4, coat 5, glove 6, ##s 7, for 8, ! 9, 北 10; unknown 1
ANY_TEXT = st.text(st.characters(), max_size=40)


def test_it_is_a_tokenizer(any_tokenizer: SubwordTokenizer) -> None:
    assert isinstance(any_tokenizer, TokenizerRole)


def test_fingerprint_is_the_hash_of_the_file(greedy_file: Path) -> None:
    tokenizer = load(greedy_file)
    assert tokenizer.fingerprint == hashlib.sha256(greedy_file.read_bytes()).hexdigest()
    assert load(greedy_file.parent).fingerprint == tokenizer.fingerprint


def test_tokens_spans_and_counts(wordpiece: SubwordTokenizer) -> None:
    text = "Warm coats for 北"
    assert wordpiece.tokens(text) == ["warm", "coat", "##s", "for", "北"]
    assert wordpiece.spans(text).tolist() == [[0, 4], [5, 9], [9, 10], [11, 14], [15, 16]]
    assert wordpiece.count([text, "", "gloves"]) == [5, 0, 2]
    assert wordpiece.spans("").shape == (0, 2)
    assert wordpiece.spans("").dtype == "int64"


def test_prepare_puts_special_tokens_around(wordpiece: SubwordTokenizer) -> None:
    prepared = wordpiece.prepare(["warm coats", "", " ", "warm !"])
    assert [ids.tolist() for ids in prepared.ids] == [[2, 4, 5, 7, 3], [2, 3], [2, 3], [2, 4, 9, 3]]
    assert {ids.dtype.name for ids in prepared.ids} == {"int64"}
    assert prepared.truncated == ()
    assert prepared.empty == (1, 2)


def test_prepare_keeps_the_closing_token_when_it_cuts(wordpiece: SubwordTokenizer) -> None:
    prepared = wordpiece.prepare(["warm coats for", "warm !", "warm"], max_tokens=4)
    assert [ids.tolist() for ids in prepared.ids] == [[2, 4, 5, 3], [2, 4, 9, 3], [2, 4, 3]]
    assert prepared.truncated == (0,)


def test_prepare_without_special_tokens(wordpiece: SubwordTokenizer) -> None:
    prepared = wordpiece.prepare(["warm coats", ""], max_tokens=2, special=False)
    assert [ids.tolist() for ids in prepared.ids] == [[4, 5], []]
    assert (prepared.truncated, prepared.empty) == ((0,), (1,))


def test_prepare_of_nothing(any_tokenizer: SubwordTokenizer) -> None:
    prepared = any_tokenizer.prepare([])
    assert (prepared.ids, prepared.truncated, prepared.empty) == ([], (), ())
    assert any_tokenizer.count([]) == []


def test_the_files_own_padding_and_truncation_are_off(greedy_file: Path) -> None:
    tokenizer = load(greedy_file)
    assert tokenizer.prepare(["warm " * 9]).ids[0].tolist() == [2, *[4] * 9, 3]
    assert tokenizer.count(["warm " * 9, "warm"]) == [9, 1]
    assert len(tokenizer.spans("warm " * 9)) == 9
    assert tokenizer.pad_id == 7


def test_special_ids_of_each_kind(
    wordpiece: SubwordTokenizer, byte_level: SubwordTokenizer, unigram: SubwordTokenizer
) -> None:
    assert (wordpiece.pad_id, wordpiece.unknown_id, wordpiece.special_count) == (0, 1, 2)
    assert (byte_level.pad_id, byte_level.unknown_id, byte_level.special_count) == (1, None, 2)
    assert (unigram.pad_id, unigram.unknown_id, unigram.special_count) == (0, 1, 0)


def test_vocabulary_size_counts_added_tokens(greedy_file: Path) -> None:
    assert load(greedy_file).vocabulary_size == 12


def test_a_limit_without_room_is_refused(wordpiece: SubwordTokenizer) -> None:
    with pytest.raises(InputError, match="max_tokens is 2, but 2 special tokens"):
        wordpiece.prepare(["warm"], max_tokens=2)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("warm", "got one string"),
        (["warm", None], "input 1 is of type NoneType"),
        ([b"warm"], "input 0 is of type bytes"),
    ],
)
def test_what_is_not_texts_is_refused(
    wordpiece: SubwordTokenizer, texts: list[str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        wordpiece.prepare(texts)
    with pytest.raises(InputError, match=message):
        wordpiece.count(texts)


def test_lone_surrogates_keep_offsets(wordpiece: SubwordTokenizer) -> None:
    assert (
        wordpiece.spans("\ud800 warm\udfff").tolist()
        == wordpiece.spans("\ufffd warm\ufffd").tolist()
    )
    assert wordpiece.prepare(["\ud800warm"]).ids[0].tolist()[-2:] == [4, 3]


def test_nul_and_astral_characters(byte_level: SubwordTokenizer) -> None:
    spans = byte_level.spans("\0🏔x")
    assert spans.tolist() == [[0, 1], *[[1, 2]] * 4, [2, 3]]


def test_a_text_that_tokenises_to_nothing(letters: SubwordTokenizer) -> None:
    prepared = letters.prepare(["北京 2026", "warm 北京 coat"])
    coat, warm = (letters.prepare([word]).ids[0].tolist() for word in ("coat", "warm"))
    assert [ids.tolist() for ids in prepared.ids] == [[], warm + coat]
    assert prepared.empty == (0,)


def test_a_vocabulary_without_unknown_token_is_refused(tmp_path: Path) -> None:
    tokenizer = Tokenizer(models.WordLevel({"warm": 0}))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(UnsupportedModel, match="no entry for unknown words"):
        load(tmp_path)


def test_a_megabyte(any_tokenizer: SubwordTokenizer) -> None:
    text = "warm " * 200_000
    (count,) = any_tokenizer.count([text])
    assert count >= 200_000
    prepared = any_tokenizer.prepare([text, "warm"], max_tokens=64)
    assert len(prepared.ids[0]) == 64
    assert prepared.truncated == (0,)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=ANY_TEXT, limit=st.integers(3, 9))
def test_all_views_of_a_text_agree(any_tokenizer: SubwordTokenizer, text: str, limit: int) -> None:
    cut = any_tokenizer.cut(text)
    own = ~cut.special
    assert [token for token, mine in zip(cut.tokens, own, strict=True) if mine] == (
        any_tokenizer.tokens(text)
    )
    assert cut.spans[own].tolist() == any_tokenizer.spans(text).tolist()
    assert any_tokenizer.count([text]) == [int(own.sum())]
    whole = any_tokenizer.prepare([text])
    assert whole.ids[0].tolist() == cut.ids.tolist()
    spans = any_tokenizer.spans(text)
    assert ((spans >= 0) & (spans <= len(text))).all()
    short = any_tokenizer.prepare([text], max_tokens=limit)
    assert len(short.ids[0]) == min(limit, len(whole.ids[0]))
    assert bool(short.truncated) == (len(whole.ids[0]) > limit)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\xff\xfe\0", b"[1, 2]", b'{"version": "1.0", "model": {"type": "x"}}']
)
def test_a_damaged_file_names_itself(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "tokenizer.json"
    file.write_bytes(content)
    with pytest.raises(UnsupportedModel, match=r"tokenizer\.json is not a tokenizer"):
        load(tmp_path)


def test_a_missing_file_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(ModelNotInstalled, match=r"there is no tokenizer at .*tokenizer\.json"):
        load(tmp_path)
    with pytest.raises(ModelNotInstalled, match="there is no tokenizer at"):
        load(tmp_path / "nowhere.json")


def test_a_real_vocabulary(minilm_path: Path) -> None:
    tokenizer = load(minilm_path)
    # The published file asks for padding and truncation to 128.
    assert tokenizer.vocabulary_size == 30522
    assert tokenizer.prepare(["hello world"]).ids[0].tolist() == [101, 7592, 2088, 102]
    assert tokenizer.tokens("unaffable embeddings") == [
        "una",
        "##ffa",
        "##ble",
        "em",
        "##bed",
        "##ding",
        "##s",
    ]
    assert tokenizer.count(["word " * 1000]) == [1000]
