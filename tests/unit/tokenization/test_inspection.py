"""What inspection says about words, fragments and truncation, worked by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearfield.errors import InputError
from nearfield.tokenization import (
    SubwordTokenizer,
    WordStatus,
    WordTokenizer,
    inspect,
    load,
    summarise,
)
from nearfield.tokenization.text import word_spans

WHOLE, SPLIT, UNKNOWN = WordStatus.WHOLE, WordStatus.SPLIT, WordStatus.UNKNOWN


def _words(tokenizer: SubwordTokenizer | WordTokenizer, text: str) -> list[tuple[object, ...]]:
    seen = inspect(tokenizer, text)
    return [(w.text, w.status, [f.text for f in w.fragments], w.coverage) for w in seen.words]


def test_wordpiece_words(wordpiece: SubwordTokenizer) -> None:
    assert _words(wordpiece, "Warm gloves, anorak! 北京") == [
        ("Warm", WHOLE, ["warm"], 1.0),
        ("gloves", SPLIT, ["glove", "##s"], 1.0),
        ("anorak", UNKNOWN, ["[UNK]"], 0.0),
        ("北", WHOLE, ["北"], 1.0),
        ("京", UNKNOWN, ["[UNK]"], 0.0),
    ]


def test_figures_of_a_text(wordpiece: SubwordTokenizer) -> None:
    seen = inspect(wordpiece, "Warm gloves, anorak!")
    assert [word.text for word in seen.out_of_vocabulary] == ["gloves", "anorak"]
    assert seen.fertility == pytest.approx(4 / 3)
    assert seen.coverage == pytest.approx(10 / 16)
    assert not seen.truncated
    assert (seen.read_end, seen.cut_text) == (20, "")


def test_tokens_in_detail(wordpiece: SubwordTokenizer) -> None:
    tokens = inspect(wordpiece, "warm parkas", max_tokens=3).tokens
    assert [(t.text, t.id, t.start, t.end, t.special, t.unknown, t.read) for t in tokens] == [
        ("[CLS]", 2, 0, 0, True, False, True),
        ("warm", 4, 0, 4, False, False, True),
        ("[UNK]", 1, 5, 11, False, True, False),
        ("[SEP]", 3, 0, 0, True, False, True),
    ]


@pytest.mark.parametrize(
    ("limit", "end", "tail"),
    [(6, 15, ""), (5, 11, "for!"), (4, 9, "s for!"), (3, 5, "coats for!")],
)
def test_what_a_limit_cuts(wordpiece: SubwordTokenizer, limit: int, end: int, tail: str) -> None:
    text = "warm coats for!"
    seen = inspect(wordpiece, text, max_tokens=limit + (limit == 6))
    assert seen.read_end == end
    assert seen.cut_text == (tail if end < len(text) else "")
    assert seen.truncated == bool(tail)
    kept = [token.id for token in seen.tokens if token.read]
    assert kept == wordpiece.prepare([text], max_tokens=limit + (limit == 6)).ids[0].tolist()


def test_bytes_of_a_character_are_one_word(byte_level: SubwordTokenizer) -> None:
    seen = inspect(byte_level, "warm é parka")
    assert [word.text for word in seen.words] == ["warm", "é", "parka"]
    accent = seen.words[1]
    assert accent.status is SPLIT
    assert accent.coverage == 1.0
    assert len([f for f in accent.fragments if f.end - f.start == 1]) >= 2


def test_a_character_cut_in_its_middle_is_not_read(byte_level: SubwordTokenizer) -> None:
    text = "🏔🏔"
    seen = inspect(byte_level, text, max_tokens=2 + 6)
    assert seen.cut_text == "🏔"


def test_unigram_words_carry_no_space_marks(unigram: SubwordTokenizer) -> None:
    words = {text: (status, fragments) for text, status, fragments, _ in _words(unigram, "a 北 a")}
    assert words["北"] == (UNKNOWN, ["北"])
    assert words["a"][0] is WHOLE


def test_words_that_vanish_are_unknown(letters: SubwordTokenizer) -> None:
    assert _words(letters, "warm 北京") == [
        ("warm", WHOLE, ["warm"], 1.0),
        ("北京", UNKNOWN, [], 0.0),
    ]


def test_word_lists() -> None:
    tokenizer = WordTokenizer(["do", "n't", "parka", "e-mail"])
    assert _words(tokenizer, "Don't e-mail, parka-anorak!") == [
        ("Don't", SPLIT, ["do", "n't"], 1.0),
        ("e-mail", WHOLE, ["e-mail"], 1.0),
        ("parka-anorak", UNKNOWN, ["parka", "anorak"], 5 / 12),
    ]
    seen = inspect(tokenizer, "parka anorak", max_tokens=1)
    assert [word.status for word in seen.words] == [WHOLE, UNKNOWN]
    assert seen.cut_text == "anorak"


def test_empty_texts(any_tokenizer: SubwordTokenizer) -> None:
    seen = inspect(any_tokenizer, "", max_tokens=8)
    assert (seen.words, seen.fertility, seen.coverage, seen.truncated) == ((), 0.0, 1.0, False)
    assert all(token.special for token in seen.tokens)


def test_arguments_are_checked(wordpiece: SubwordTokenizer) -> None:
    with pytest.raises(InputError, match="expected one text, got list"):
        inspect(wordpiece, ["warm"])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="max_tokens is 1"):
        inspect(wordpiece, "warm", max_tokens=1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop_now", ["Don", "t", "stop", "now"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("cafe\u0301 au lait", ["cafe\u0301", "au", "lait"]),
        ("می‌خواهم", ["می‌خواهم"]),
        ("🏔\ufe0f 2026!", ["2026"]),
        ("\u0301 alone", ["alone"]),
    ],
)
def test_words_of_any_script(text: str, words: list[str]) -> None:
    assert [text[a:b] for a, b in word_spans(text)] == words


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(st.characters(), max_size=40), limit=st.integers(3, 12))
def test_what_always_holds(any_tokenizer: SubwordTokenizer, text: str, limit: int) -> None:
    seen = inspect(any_tokenizer, text, max_tokens=limit)
    for word in seen.words:
        assert text[word.start : word.end] == word.text != ""
        assert 0.0 <= word.coverage <= 1.0
        assert (word.status is UNKNOWN) == (
            not word.fragments or any(f.unknown for f in word.fragments)
        )
        assert all(f.start < word.end and f.end > word.start for f in word.fragments)
    kept = [token.id for token in seen.tokens if token.read]
    assert kept == any_tokenizer.prepare([text], max_tokens=limit).ids[0].tolist()
    total = summarise(any_tokenizer, [text, text], max_tokens=limit)
    assert total.words == 2 * len(seen.words)
    assert total.split_words + total.unknown_words == 2 * len(seen.out_of_vocabulary)
    assert total.truncated == 2 * seen.truncated
    assert total.fertility == pytest.approx(seen.fertility)


def test_summary_by_hand(wordpiece: SubwordTokenizer) -> None:
    texts = ["warm", "warm gloves", "anorak", "", "warm coats for gloves!"]
    total = summarise(wordpiece, texts, max_tokens=4)
    # Lengths with [CLS] and [SEP]: 3, 5, 3, 2, 9.
    assert total.lengths == {0: 2, 50: 3, 90: 9, 99: 9, 100: 9}
    assert (total.texts, total.tokens, total.empty) == (5, 22, 1)
    assert (total.truncated, total.cut_tokens, total.truncated_share) == (2, 6, 0.4)
    assert (total.words, total.split_words, total.unknown_words) == (8, 3, 1)
    assert total.fertility == pytest.approx(11 / 8)
    assert total.out_of_vocabulary_rate == 0.5
    assert total.unknown_rate == 0.125


def test_summary_of_nothing(wordpiece: SubwordTokenizer) -> None:
    total = summarise(wordpiece, [])
    assert (total.texts, total.lengths, total.fertility) == (0, {}, 0.0)
    assert (total.truncated_share, total.out_of_vocabulary_rate, total.unknown_rate) == (0, 0, 0)
    with pytest.raises(InputError, match="got one string"):
        summarise(wordpiece, "warm")


def test_real_vocabularies(minilm_path: Path, wordllama_path: Path) -> None:
    wordpiece = inspect(load(minilm_path), "Naïveté in 北京")
    assert [(w.text, len(w.fragments)) for w in wordpiece.words] == [
        ("Naïveté", 2), ("in", 1), ("北", 1), ("京", 1),
    ]  # fmt: skip
    # This vocabulary has no pre-tokenisation and spells unseen characters in bytes.
    pieces = inspect(load(wordllama_path), "Unbelievable gear 🏔 x")
    assert [(w.text, [f.text for f in w.fragments]) for w in pieces.words] == [
        ("Unbelievable", ["▁Un", "bel", "iev", "able"]),
        ("gear", ["▁g", "ear"]),
        ("x", ["▁x"]),
    ]
