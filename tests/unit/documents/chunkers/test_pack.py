"""Packing against trying every way to cut."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.documents.chunkers.boundaries import Level, Piece, pieces, split_at
from nearfield.documents.chunkers.pack import PENALTIES, cut_penalties, pack
from nearfield.documents.chunkers.ruler import CharacterRuler


def laid_out(lengths: list[int], levels: list[Level]) -> list[Piece]:
    edges = np.cumsum([0, *lengths]).tolist()
    return [Piece(a, b, level) for (a, b), level in zip(pairwise(edges), levels, strict=True)]


def badness(parts: list[Piece], firsts: tuple[int, ...], size: int) -> float:
    total = 0.0
    for first, stop in pairwise([0, *firsts, len(parts)]):
        length = parts[stop - 1].end - parts[first].start
        if length > size:
            return float("inf")
        total += (1 - length / size) ** 2 + (PENALTIES[parts[first].level] if first else 0)
    return total


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 10), st.sampled_from(Level)), min_size=1, max_size=8),
    st.integers(10, 30),
)
def test_least_badness_of_all_ways_to_cut(rows: list[tuple[int, Level]], size: int) -> None:
    parts = laid_out([length for length, _ in rows], [level for _, level in rows])
    ruler = CharacterRuler("x" * parts[-1].end)
    found = pack(parts, ruler, size, cut_penalties(parts, frozenset()))
    starts = [part.start for part in parts]
    chosen = tuple(starts.index(start) for start, _ in found[1:])
    least = min(
        badness(parts, firsts, size)
        for count in range(len(parts))
        for firsts in combinations(range(1, len(parts)), count)
    )
    assert np.isclose(badness(parts, chosen, size), least, atol=1e-5)


def test_no_scrap_at_the_end() -> None:
    parts = laid_out([10] * 11, [Level.SENTENCE] * 11)
    ruler = CharacterRuler("x" * 110)
    assert pack(parts, ruler, 100, cut_penalties(parts, frozenset())) in (
        [(0, 50), (50, 110)],
        [(0, 60), (60, 110)],
    )


def test_not_right_after_a_heading() -> None:
    parts = laid_out([60, 10, 60], [Level.PARAGRAPH] * 3)
    ruler = CharacterRuler("x" * 130)
    assert pack(parts, ruler, 80, cut_penalties(parts, frozenset({70}))) == [(0, 60), (60, 130)]


def test_nothing_to_pack() -> None:
    assert pack([], CharacterRuler(""), 5, cut_penalties([], frozenset())) == []


def test_pieces_go_as_deep_as_needed() -> None:
    text = "Short one. A clause here, another clause there. Sesquipedalian"
    found = pieces(text, [(0, 10), (11, 47), (48, 62)], [], CharacterRuler(text), 12)
    assert [(text[p.start : p.end], p.level) for p in found] == [
        ("Short one.", Level.SENTENCE),
        ("A", Level.SENTENCE),
        ("clause", Level.WORD),
        ("here,", Level.WORD),
        ("another", Level.CLAUSE),
        ("clause", Level.WORD),
        ("there.", Level.WORD),
        *[
            (letter, Level.GRAPHEME if place else Level.SENTENCE)
            for place, letter in enumerate("Sesquipedalian")
        ],
    ]


def test_levels_of_the_gaps() -> None:
    text = "A.\n\nB.\nC. D.\fE."
    sentences = [(0, 2), (4, 6), (7, 9), (10, 12), (13, 15)]
    found = pieces(text, sentences, [10], CharacterRuler(text), 40)
    assert [piece.level for piece in found] == [
        Level.SENTENCE,
        Level.PARAGRAPH,
        Level.LINE,
        Level.SECTION,
        Level.PARAGRAPH,
    ]


def test_split_at() -> None:
    assert split_at([(0, 5)], [0, 5, 9]) == [(0, 5)]
    assert split_at([(0, 5), (6, 9)], [3, 4, 6, 7]) == [(0, 3), (3, 4), (4, 5), (6, 7), (7, 9)]
