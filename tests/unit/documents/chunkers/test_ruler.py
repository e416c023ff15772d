"""Lengths without re-reading, against counting every stretch afresh."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from nearfield.documents.chunkers.ruler import CharacterRuler, TokenRuler, ruler_for
from nearfield.tokenization import load
from nearfield.types import IntArray


class Words:
    """Every word and every mark is a token."""

    fingerprint = "0" * 64

    def spans(self, text: str) -> IntArray:
        found = [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]
        return np.array(found, dtype=np.int64).reshape(-1, 2)

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(self.spans(text)) for text in texts]


TEXT = "One two, three. Four  five!\n\nSix"


def test_characters() -> None:
    ruler = CharacterRuler(TEXT)
    assert ruler.length(3, 10) == 7 == ruler.until(10) - ruler.before(3)
    assert ruler.farthest(5, 4) == 9
    assert ruler.farthest(5, 400) == len(TEXT)
    assert (ruler.nearest(9, 4), ruler.nearest(9, 40)) == (5, 0)


def test_tokens_equal_counting_afresh() -> None:
    ruler, words = TokenRuler(TEXT, Words()), Words()
    for start in range(len(TEXT) + 1):
        for end in range(start + 1, len(TEXT) + 1):
            assert ruler.length(start, end) == words.count([TEXT[start:end]])[0]
            assert ruler.length(start, end) == ruler.until(end) - ruler.before(start)


def test_reach_is_the_inverse_of_length() -> None:
    ruler = TokenRuler(TEXT, Words())
    for start in range(len(TEXT)):
        for units in range(1, 12):
            end = ruler.farthest(start, units)
            assert ruler.length(start, end) <= units
            assert end == len(TEXT) or ruler.length(start, end + 1) > units
            low = ruler.nearest(start, units)
            assert ruler.length(low, start) <= units
            assert low == 0 or ruler.length(low - 1, start) > units


def test_stretches_without_tokens_count() -> None:
    # 480 characters without a token: one unit for each 48 after the last token's start.
    text = "a" + " " * 479 + "b"
    assert TokenRuler(text, Words()).length(0, len(text)) == 2 + 9
    assert TokenRuler("x" * 4800, Words()).length(0, 4800) == 100
    assert TokenRuler("\x00" * 96, Words()).length(0, 96) == 96
    assert TokenRuler("", Words()).length(0, 0) == 0


def test_long_texts_are_read_in_blocks() -> None:
    text = "word, " * 40_000
    ruler = TokenRuler(text, Words())
    assert ruler.length(0, len(text)) == 80_000
    assert (ruler.spans == Words().spans(text)).all()
    assert ruler_for("ab" * 100_000, Words()).length(0, 200_000) >= 200_000 // 48


@pytest.mark.parametrize(
    "text", ["The unaffable café owner’s naïveté 👩🏽 漢字 tail", "a\x00b  \u00ad c"]
)
def test_real_vocabulary(minilm_path: Path, text: str) -> None:
    tokenizer = load(minilm_path)
    ruler = TokenRuler(text, tokenizer)
    assert ruler.length(0, len(text)) == tokenizer.count([text])[0]
