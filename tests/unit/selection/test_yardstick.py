from __future__ import annotations

from math import log2

import pytest

from nearfield.evaluation.metrics import Measure
from nearfield.selection.queries import Span
from nearfield.selection.yardstick import Yardstick, reading_gain
from nearfield.types import Chunk, Hit


def passage(document: str, start: int, end: int) -> Chunk:
    return Chunk(f"{document}#{start}-{end}", document, "x" * (end - start), start, end)


def test_one_block_each_is_ndcg() -> None:
    others = [passage("other", place * 1000, place * 1000 + 1000) for place in range(10)]
    answer = Span("d", 100, 300)
    for rank in range(1, 11):
        ranking = [*others[: rank - 1], passage("d", 0, 1000), *others[rank:]]
        assert reading_gain(ranking, answer) == pytest.approx(1 / log2(1 + rank))


def test_a_long_passage_costs_the_reader() -> None:
    assert reading_gain([passage("d", 0, 4000)], Span("d", 0, 100)) == pytest.approx(1 / log2(5))


def test_an_answer_in_two_counts_once_both_parts_are_read() -> None:
    ranking = [passage("d", 0, 1000), passage("e", 0, 1000), passage("d", 1000, 2000)]
    assert reading_gain(ranking, Span("d", 900, 1100)) == pytest.approx(0.5 + 0.5 / 2)


def test_what_is_read_twice_counts_once() -> None:
    ranking = [passage("d", 0, 1000), passage("d", 500, 1500)]
    assert reading_gain(ranking, Span("d", 600, 900)) == 1.0


def test_beyond_ten_blocks_nothing_counts() -> None:
    ranking = [*(passage("e", 0, 1000) for _ in range(10)), passage("d", 0, 1000)]
    assert reading_gain(ranking, Span("d", 0, 100)) == 0.0
    assert reading_gain([passage("d", 0, 20_000)], Span("d", 0, 100)) == 0.0


def test_a_long_answer_read_in_order_is_nearly_the_best() -> None:
    ranking = [passage("d", at, at + 250) for at in range(0, 3000, 250)]
    assert 0.9 < reading_gain(ranking, Span("d", 0, 3000)) <= 1.0


def test_documents_stand_where_their_best_passage_stands() -> None:
    hits = [
        Hit(chunk, 1.0 - place / 10, place + 1, "exact")
        for place, chunk in enumerate([passage("a", 0, 9), passage("a", 9, 18), passage("b", 0, 9)])
    ]
    stick = Yardstick(Measure.of("ndcg@10"), {"q": {"b": 1}}, {})
    assert stick.score("q", hits) == pytest.approx(1 / log2(3))
    assert stick.name == "ndcg@10"


def test_depth_reaches_ten_documents_and_ten_blocks() -> None:
    documents = Yardstick(Measure.of("ndcg@10"), {}, {})
    assert documents.depth(100, 100, 10_000) == 10
    assert documents.depth(300, 100, 30_000) == 50
    spans = Yardstick(Measure.of("ndcg@10"), {}, {"q": Span("d", 0, 1)})
    assert spans.depth(1000, 10, 500_000) == 30
