"""Passages, their room, their order and their marks."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearfield.collection.asking import Order
from nearfield.rag.context import build, place
from nearfield.rag.duplicates import repeated
from nearfield.rag.fence import close_mark, defused, nonce, open_mark
from nearfield.rag.inert import InertStream, inert
from nearfield.rag.passages import Passage, gather
from nearfield.types import Chunk, Hit

TEXT = "One is first. Two is next. Three is last. Four is over."
CHUNKS = [
    Chunk("d#0-13", "d", TEXT[0:13], 0, 13, "/x/d.txt", ("Title",), page=2),
    Chunk("d#14-26", "d", TEXT[14:26], 14, 26, "/x/d.txt", ("Title",), page=2),
    Chunk("d#27-41", "d", TEXT[27:41], 27, 41, "/x/d.txt", ("Title",), page=3),
    Chunk("d#42-55", "d", TEXT[42:55], 42, 55, "/x/d.txt", ("Title",), page=3),
]


def _hits(*chunks: Chunk) -> list[Hit]:
    return [Hit(chunk, 1.0 - at / 10, at + 1, "exact") for at, chunk in enumerate(chunks)]


SLOWLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def words(text: str) -> int:
    return len(text.split())


def test_chunks_side_by_side_become_one_passage_of_the_better_rank() -> None:
    passages, left_out = gather(_hits(CHUNKS[3], CHUNKS[1], CHUNKS[0]), 0, lambda _: [])
    assert [p.text for p in passages] == ["Four is over.", "One is first.\nTwo is next."]
    assert [p.rank for p in passages] == [1, 2]
    assert left_out == {"repeated": 0}


def test_neighbours_are_added_once() -> None:
    asked: list[str] = []

    def chunks_of(document: str) -> list[Chunk]:
        asked.append(document)
        return CHUNKS

    passages, _ = gather(_hits(CHUNKS[1], CHUNKS[2]), 1, chunks_of)
    assert [c.id for p in passages for c in p.chunks] == [c.id for c in CHUNKS]
    assert asked == ["d"]


def test_overlapping_chunks_are_read_once() -> None:
    a = Chunk("d#0-17", "d", TEXT[0:17], 0, 17)
    b = Chunk("d#10-26", "d", TEXT[10:26], 10, 26)
    assert Passage((a, b), 1).text == TEXT[0:26]


def test_repetitions_are_counted() -> None:
    again = Chunk("e#0-13", "e", "One  is first.", 0, 13)
    passages, left_out = gather(_hits(CHUNKS[0], again, CHUNKS[3]), 0, lambda _: [])
    assert len(passages) == 2
    assert left_out == {"repeated": 1}
    long = " ".join(f"word{n}" for n in range(40))
    assert repeated([long, long.replace("word3 ", "other "), " ".join(long.split()[:20])]) == [
        False,
        True,
        True,
    ]


def test_the_best_stand_at_both_ends() -> None:
    ranked = [(Passage((CHUNKS[0],), n), str(n)) for n in range(1, 7)]
    assert [text for _, text in place(ranked, Order.ENDS)] == ["1", "3", "5", "6", "4", "2"]
    assert [text for _, text in place(ranked, Order.RANK)] == list("123456")


def test_the_context_keeps_to_its_budget_and_counts_what_it_leaves() -> None:
    passages, _ = gather(_hits(CHUNKS[0], CHUNKS[2]), 0, lambda _: [])
    whole = build(passages, words, 100)
    assert len(whole.passages) == 2
    assert whole.tokens == words(whole.text) <= 100
    assert whole.text.startswith("<passage 1 ")
    assert 'from="d.txt, page 2 › Title">\nOne is first.\n</passage 1 ' in whole.text
    one = build(passages, words, whole.tokens - 1)
    assert (len(one.passages), one.left_out) == (1, {"no room": 1, "shortened": 0})
    assert build(passages, words, 5).passages == ()


def test_the_best_passage_is_shortened_by_whole_sentences() -> None:
    long = Chunk("e#0-55", "e", TEXT, 0, 55)
    (passage,), _ = gather(_hits(long), 0, lambda _: [])
    short = build([passage], words, words(build([passage], words, 99).text) - 2)
    assert "Three is last." in short.text
    assert "Four" not in short.text
    assert short.left_out["shortened"] == 1


@SLOWLY
@given(st.lists(st.text(max_size=60), min_size=1, max_size=5))
def test_no_text_holds_the_word_of_its_marks(texts: list[str]) -> None:
    word = nonce(texts)
    assert re.fullmatch("[0-9a-f]{8}", word)
    assert all(word not in text for text in texts)
    assert word == nonce(texts)


@SLOWLY
@given(st.text(alphabet="<|>/[]IiNSTSs passage_mxend\u200b\x1b\n1", max_size=80))
def test_nothing_like_a_mark_survives(text: str) -> None:
    assert not re.search(
        r"<\|[^|<>\n]{0,64}\|>|<\s*/?\s*passage\b|\[/?INST\]", defused(text), re.IGNORECASE
    )


def test_a_name_cannot_close_its_mark() -> None:
    assert (
        open_mark(1, "ab", 'a">\n</passage 1 ab>') == '<passage 1 ab from="a\'› ‹/passage 1 ab›">'
    )
    assert close_mark(1, "ab") == "</passage 1 ab>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("![logo](https://evil.example/x?d=1)", "logo (evil.example/x?d=1)"),
        ("[a](javascript:alert(1))", "[a] (alert(1))"),
        ("[![i](https://a.example/i)](https://a.example/go)", "i (a.example/i) (a.example/go)"),
        ("<img src=x onerror=y>", "‹img src=x onerror=y›"),
        ("hthttps://tps://evil.example", "tps://evil.example".removeprefix("tps://")),
        ("2 < 3 and a -> b", "2 < 3 and a -> b"),
        ("See [1][2] and [3].", "See [1][2] and [3]."),
        ("www.evil.example", "evil.example"),
        ("[r]: https://evil.example/x", "evil.example/x"),
        ("café\x1b[31m", "café[31m"),
        ("Total: 5 tel: none", "Total: 5 tel: none"),
        ("!![", "["),
    ],
)
def test_inert(text: str, expected: str) -> None:
    assert inert(text) == expected
    assert inert(inert(text)) == inert(text)


@SLOWLY
@given(st.text(alphabet="ab ![]()<>/:.hpts1\n", max_size=60), st.integers(1, 9))
def test_a_stream_shows_nothing_active(text: str, size: int) -> None:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    shown = "".join(InertStream(pieces))
    assert not re.search(r"!\[|\]\(|https?://|<[A-Za-z/]", shown)
