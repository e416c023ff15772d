"""Grapheme edges, by the examples of UAX #29 and a few stricter ones."""

from __future__ import annotations

from itertools import pairwise

import pytest

from nearfield.documents.chunkers.graphemes import is_edge, starts

CLUSTERS = [
    ["a", "b", " ", "\r\n", "\n", "\r", "c"],
    ["e\u0301", "o\u0308\u0332", "a"],
    ["한", "글", "\u1112\u1161\u11ab", "가\u11ab", "\u1100\u1100\u1161"],
    ["👩\u200d👩\u200d👧\u200d👦", "👍🏽", "❤\ufe0f", "x"],
    ["🇩🇪", "🇫🇷", "🇯"],
    ["🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f", "."],
    ["क्षि", "न", "नि"],
    ["เก", "ก\u0e33", "ก่", "แล"],
    ["\x00", "\x00", "漢", "字"],
]


@pytest.mark.parametrize("clusters", CLUSTERS)
def test_clusters(clusters: list[str]) -> None:
    text = "".join(clusters)
    edges = [*starts(text, 0, len(text)), len(text)]
    assert [text[a:b] for a, b in pairwise(edges)] == clusters


def test_part_of_a_text() -> None:
    assert list(starts("xxe\u0301y", 2, 5)) == [2, 4]
    assert list(starts("xyz", 1, 1)) == []


def test_is_edge() -> None:
    assert is_edge("ab", 1)
    assert not is_edge("e\u0301", 1)
    assert not is_edge("\r\n", 1)
    assert is_edge(" \u0301", 1)
