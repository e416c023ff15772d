"""Cutting texts into the words of a list."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.errors import InputError
from nearfield.protocols import Tokenizer
from nearfield.tokenization import WordTokenizer

WORDS = ["the", "do", "n't", "john", "'s", "u.s.", "e-mail", "3.5", ".", ",", "...", "--", "parka",
         "like", "new_york", "straße", "नमस्ते", "i̇stanbul"]  # fmt: skip


@pytest.fixture
def tokenizer() -> WordTokenizer:
    return WordTokenizer(WORDS)


def test_it_is_a_tokenizer(tokenizer: WordTokenizer) -> None:
    assert isinstance(tokenizer, Tokenizer)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The parka, the parka.", ["the", "parka", ",", "the", "parka", "."]),
        ("Don't", ["do", "n't"]),
        ("DON’T", ["do", "n't"]),
        ("John's e-mail", ["john", "'s", "e-mail"]),
        ("U.S. parka", ["u.s.", "parka"]),
        ("parka-like", ["parka", "like"]),
        ("New_York", ["new_york"]),
        ("snake_case", ["snake", "case"]),
        ("3.5 4.5", ["3.5", "4", "5"]),
        ("parka...the--like", ["parka", "...", "the", "--", "like"]),
        ("नमस्ते", ["नमस्ते"]),
        ("STRASSE Straße", ["strasse", "straße"]),
        ("İstanbul", ["i̇stanbul"]),
        ("_", ["_"]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_worked_examples(tokenizer: WordTokenizer, text: str, tokens: list[str]) -> None:
    assert tokenizer.tokens(text) == tokens
    assert tokenizer.count([text]) == [len(tokens)]


def test_spans_point_at_the_text(tokenizer: WordTokenizer) -> None:
    text = "İstanbul DON’T, parka-like"
    spans = tokenizer.spans(text)
    assert [text[a:b] for a, b in spans] == ["İstanbul", "DO", "N’T", ",", "parka", "like"]
    assert tokenizer.spans("").shape == (0, 2)


def test_ids_and_limits(tokenizer: WordTokenizer) -> None:
    prepared = tokenizer.prepare(["the anorak, parka", "", "the"], max_tokens=3)
    assert [ids.tolist() for ids in prepared.ids] == [[0, -1, 9], [], [0]]
    assert (prepared.truncated, prepared.empty) == ((0,), (1,))


def test_case_follows_the_list() -> None:
    cased = WordTokenizer(["Paris", "paris"])
    assert cased.prepare(["Paris paris PARIS"]).ids[0].tolist() == [0, 1, -1]
    assert cased.word_id("PARIS") == -1
    lower = WordTokenizer(["paris"])
    assert lower.prepare(["Paris paris PARIS"]).ids[0].tolist() == [0, 0, 0]
    assert lower.word_id("PARIS") == 0


def test_the_first_of_equal_words_counts() -> None:
    assert WordTokenizer(["a", "b", "a"]).prepare(["a b"]).ids[0].tolist() == [0, 1]


def test_fingerprint_follows_the_list() -> None:
    fingerprints = {WordTokenizer(words).fingerprint for words in (["a"], ["b"], ["a", "b"], [])}
    assert len(fingerprints) == 4
    assert WordTokenizer(["a"]).fingerprint == WordTokenizer(["a"]).fingerprint
    assert all(len(fingerprint) == 64 for fingerprint in fingerprints)


def test_long_chains_of_joiners_are_cut_in_one_pass(tokenizer: WordTokenizer) -> None:
    assert tokenizer.count(["x's" * 50_000]) == [50_001]
    assert tokenizer.count(["the." * 50_000]) == [50_001]


def test_a_bare_string_is_refused(tokenizer: WordTokenizer) -> None:
    with pytest.raises(InputError, match="got one string"):
        tokenizer.prepare("parka")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40) | st.lists(st.sampled_from([*WORDS, "x", " ", "İ", "’s"])).map("".join))
def test_both_ways_of_cutting_agree(text: str) -> None:
    tokenizer = WordTokenizer(WORDS)
    cut = tokenizer.cut(text)
    assert tokenizer.prepare([text]).ids[0].tolist() == cut.ids.tolist()
    assert len(cut.tokens) == len(cut.spans) == len(cut.groups)
    flat = cut.spans.ravel().tolist()
    assert flat == sorted(flat)
    assert not text or max(flat, default=0) <= len(text)
