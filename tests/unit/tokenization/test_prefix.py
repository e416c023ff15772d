"""Tokenising the beginning of a long text gives the first tokens of the whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from nearfield.tokenization import load
from nearfield.tokenization.prefix import allows_cuts
from nearfield.tokenization.subword import SubwordTokenizer

# Words whose borders allow a cut, among characters that combine, join, fold and decompose.
PIECES = st.one_of(
    st.sampled_from(
        [
            "snow",
            "Hats",
            "x1",
            " ",
            "  ",
            " \u0301",
            "e\u0301",
            "Σ",
            "ΑΣ a",
            "ﬁ",
            "\u0600 ",
            "\u0600",
        ]
    ),
    st.sampled_from(
        ["\n", "\t", "\u00a0", "\u3000", "\x00", "漢字", "한글", "👩‍👧", "don't", "[SEP]"]
    ),
    st.text(max_size=4),
)


@pytest.fixture(scope="module")
def vocabularies(golden_folders: list[Path]) -> list[SubwordTokenizer]:
    return [load(folder) for folder in golden_folders]


@pytest.fixture(scope="module")
def golden_folders() -> list[Path]:
    golden = Path(__file__).parents[1] / "models" / "transformer" / "golden"
    return [golden / name for name in ("bert", "roberta", "xlm-roberta", "mpnet")]


def first_tokens(tokenizer: SubwordTokenizer, text: str, room: int) -> list[int]:
    return tokenizer._backend.encode(text, add_special_tokens=False).ids[:room]


@settings(max_examples=60, deadline=None)
@given(pieces=st.lists(PIECES, min_size=20, max_size=60), room=st.integers(1, 3))
def test_the_first_tokens_are_those_of_the_whole(vocabularies, pieces, room):
    text = "".join(pieces).encode("utf-8", "replace").decode()
    for tokenizer in vocabularies:
        head = tokenizer.beginning(text, room)
        assert text.startswith(head)
        assert first_tokens(tokenizer, head, room) == first_tokens(tokenizer, text, room)
        limit = room + tokenizer.special_count
        prepared = tokenizer.prepare([text], max_tokens=limit)
        whole = tokenizer.prepare([text])
        cut = len(whole.ids[0]) > limit
        assert prepared.truncated == ((0,) if cut else ())
        if not cut:
            assert prepared.ids[0].tolist() == whole.ids[0].tolist()


def test_real_vocabulary_on_prose(minilm_path):
    tokenizer = load(minilm_path)
    text = Path(__file__).read_text(encoding="utf-8") * 20
    head = tokenizer.beginning(text, 254)
    assert len(head) < 10_000 < len(text)
    assert first_tokens(tokenizer, head, 254) == first_tokens(tokenizer, text, 254)


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda t: setattr(t, "pre_tokenizer", pre_tokenizers.BertPreTokenizer()), True),
        (lambda t: setattr(t, "pre_tokenizer", pre_tokenizers.ByteLevel()), True),
        (lambda t: setattr(t, "pre_tokenizer", pre_tokenizers.ByteLevel(use_regex=False)), False),
        (lambda t: setattr(t, "pre_tokenizer", pre_tokenizers.Metaspace()), True),
        (lambda t: setattr(t, "pre_tokenizer", pre_tokenizers.Metaspace(split=False)), False),
        (lambda t: setattr(t, "pre_tokenizer", pre_tokenizers.Split("a", "isolated")), False),
        (lambda t: setattr(t, "pre_tokenizer", pre_tokenizers.Punctuation()), False),
        (
            lambda t: setattr(
                t,
                "pre_tokenizer",
                pre_tokenizers.Sequence(
                    [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()]
                ),
            ),
            True,
        ),
        (lambda t: setattr(t, "normalizer", normalizers.Replace("a", "b")), False),
        (lambda t: t.add_tokens(["two words"]), False),
    ],
)
def test_only_known_parts_allow_cuts(build, expected):
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    if not expected:
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    build(tokenizer)
    assert allows_cuts(tokenizer.to_str()) is expected
    assert json.loads(tokenizer.to_str())["model"]["vocab"]


def test_a_vocabulary_that_allows_no_cut_reads_everything():
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    vocabulary = SubwordTokenizer(tokenizer.to_str().encode())
    text = "a " * 500
    assert vocabulary.beginning(text, 3) == text
