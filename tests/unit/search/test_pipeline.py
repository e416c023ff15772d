"""From a question to hits on a real store, with vectors and words whose order is known by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from nearfield.errors import InputError
from nearfield.filters import parse
from nearfield.metric import Metric
from nearfield.search.options import Fusion, Mode, SearchOptions
from nearfield.search.pipeline import Question, find
from nearfield.stores.local import LocalStore, LocalView
from nearfield.types import Chunk, FloatArray, Ranking

# Cosines with EAST, by hand: 1.0, 0.8, 0.6, 0.0, -1.0, 0.8.
ROWS = {
    "east": ([1, 0, 0], "a", "red apple"),
    "near": ([0.8, 0.6, 0], "a", "green apple pie"),
    "mid": ([0.6, 0, 0.8], "b", "blue plum"),
    "north": ([0, 1, 0], "b", "apple apple apple tart"),
    "west": ([-1, 0, 0], "c", "plum cake"),
    "twin": ([0.8, 0.6, 0], "c", "yellow pear"),
}
EAST = np.array([1, 0, 0], dtype=np.float32)


def fill(path: Path, metric: Metric = Metric.COSINE) -> None:
    chunks = [
        Chunk(id_, document, text, 0, len(text), metadata={"kind": text.split()[-1]})
        for id_, (_, document, text) in ROWS.items()
    ]
    vectors = np.array([vector for vector, _, _ in ROWS.values()], dtype=np.float32)
    with LocalStore.create(path, dimension=3, metric=metric) as store:
        store.add(chunks, vectors)


@pytest.fixture
def view(tmp_path: Path) -> Iterator[LocalView]:
    fill(tmp_path / "c.nf")
    with LocalStore.open(tmp_path / "c.nf") as store, store.view() as view:
        yield view


def ids(hits: Sequence) -> list[str]:
    return [hit.chunk.id for hit in hits]


class Lengths:
    """A reranker that prefers long texts."""

    name = "lengths"

    def __init__(self) -> None:
        self.read: list[str] = []

    def score(self, query: str, texts: Sequence[str]) -> FloatArray:
        self.read = list(texts)
        return np.array([len(text) for text in texts], dtype=np.float32)


def test_dense(view: LocalView) -> None:
    hits = find(view, Question(vector=EAST), SearchOptions(k=4))
    assert ids(hits) == ["east", "near", "twin", "mid"]  # twins in order of insertion
    assert [hit.score for hit in hits] == pytest.approx([1.0, 0.8, 0.8, 0.6])
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]
    assert {hit.path for hit in hits} == {"exact"}
    assert all(not hit.parts for hit in hits)


def test_lexical(view: LocalView) -> None:
    hits = find(view, Question("apple"), SearchOptions(k=9, mode=Mode.LEXICAL))
    # Three times in four words, once in two, once in three.
    assert ids(hits) == ["north", "east", "near"]
    assert {hit.path for hit in hits} == {"lexical"}
    where = parse('kind = "pie"')
    only = find(view, Question("apple"), SearchOptions(mode=Mode.LEXICAL, where=where))
    assert ids(only) == ["near"]
    assert find(view, Question("zebra"), SearchOptions(mode=Mode.LEXICAL)) == []


def test_hybrid_mixes_scores_of_both_for_every_candidate(view: LocalView) -> None:
    options = SearchOptions(k=6, mode=Mode.HYBRID, dense_weight=0.5)
    hits = find(view, Question("apple", EAST), options)
    cosines = {"east": 1.0, "near": 0.8, "mid": 0.6, "north": 0.0, "west": -1.0, "twin": 0.8}
    words = {h.chunk.id: h.score for h in find(
        view, Question("apple"), SearchOptions(mode=Mode.LEXICAL))}  # fmt: skip
    best = max(words.values())
    expected = {
        id_: 0.5 * (cosine + 1) / 2 + 0.5 * words.get(id_, 0.0) / best
        for id_, cosine in cosines.items()
    }
    assert {hit.chunk.id: hit.score for hit in hits} == pytest.approx(expected)
    assert ids(hits) == sorted(expected, key=lambda id_: -expected[id_])
    for hit in hits:
        assert hit.parts == pytest.approx(
            {"dense": cosines[hit.chunk.id], "lexical": words.get(hit.chunk.id, 0.0)}
        )
        assert hit.path == "exact+lexical"


@pytest.mark.parametrize(("weight", "first"), [(1.0, "east"), (0.0, "north")])
def test_weights_at_their_ends_are_one_path(view: LocalView, weight: float, first: str) -> None:
    options = SearchOptions(k=6, mode=Mode.HYBRID, dense_weight=weight)
    assert ids(find(view, Question("apple", EAST), options))[0] == first


@pytest.mark.parametrize("candidates", [1, 2, 3])
def test_candidates_of_one_path_are_scored_by_the_other(view: LocalView, candidates: int) -> None:
    """With few candidates the two paths find different passages: each gets both scores."""
    options = SearchOptions(k=1, mode=Mode.HYBRID, candidates=candidates, dense_weight=0.7)
    (hit,) = find(view, Question("apple", EAST), options)
    assert hit.chunk.id == "east"
    whole = find(view, Question("apple", EAST), SearchOptions(k=6, mode=Mode.HYBRID))
    of_it = next(each for each in whole if each.chunk.id == "east")
    assert hit.parts == pytest.approx(of_it.parts)


def test_hybrid_by_ranks(view: LocalView) -> None:
    options = SearchOptions(k=6, mode=Mode.HYBRID, fusion=Fusion.RANKS, dense_weight=0.5)
    hits = find(view, Question("apple", EAST), options)
    dense = ["east", "near", "twin", "mid", "north", "west"]
    words = ["north", "east", "near"]
    expected = {id_: 0.5 / (60 + rank) for rank, id_ in enumerate(dense, 1)}
    for rank, id_ in enumerate(words, 1):
        expected[id_] += 0.5 / (60 + rank)
    assert {hit.chunk.id: hit.score for hit in hits} == pytest.approx(expected)
    assert ids(hits) == sorted(expected, key=lambda id_: -expected[id_])


@pytest.mark.parametrize("metric", [Metric.DOT, Metric.EUCLIDEAN])
def test_hybrid_with_unbounded_scores(tmp_path: Path, metric: Metric) -> None:
    """Where scores have no least one, the least that was found counts as none."""
    fill(tmp_path / "c.nf", metric)
    with LocalStore.open(tmp_path / "c.nf") as store, store.view() as view:
        options = SearchOptions(k=6, mode=Mode.HYBRID, dense_weight=0.7)
        hits = find(view, Question("apple", EAST), options)
        dense = {h.chunk.id: h.score for h in find(view, Question(vector=EAST), SearchOptions())}
        words = {h.chunk.id: h.score for h in find(
            view, Question("apple"), SearchOptions(mode=Mode.LEXICAL))}  # fmt: skip
    least, most = min(*dense.values(), 0.0), max(dense.values())
    for hit in hits:
        share = (dense[hit.chunk.id] - least) / (most - least)
        lexical = words.get(hit.chunk.id, 0.0) / max(words.values())
        assert hit.score == pytest.approx(0.7 * share + 0.3 * lexical)


def test_rerank_reads_the_candidates_and_orders_them(view: LocalView) -> None:
    reranker = Lengths()
    options = SearchOptions(k=2, candidates=4, rerank_weight=1.0)
    hits = find(view, Question("which", EAST), options, reranker=reranker)
    # The four nearest are read in their order; "green apple pie" is longest.
    assert reranker.read == ["red apple", "green apple pie", "yellow pear", "blue plum"]
    assert ids(hits) == ["near", "twin"]
    # As shares of the way from the shortest (9 characters) to the longest.
    assert [hit.score for hit in hits] == pytest.approx([1.0, 2 / 6])
    assert [hit.parts["lengths"] for hit in hits] == [15.0, 11.0]
    assert [hit.parts["first_stage"] for hit in hits] == pytest.approx([0.8, 0.8])
    assert {hit.path for hit in hits} == {"exact>lengths"}


def test_rerank_is_mixed_with_the_ranking_before_it(view: LocalView) -> None:
    options = SearchOptions(k=4, candidates=4, rerank_weight=0.25)
    hits = find(view, Question("which", EAST), options, reranker=Lengths())
    # Cosines from 0.6 to 1.0 and lengths from 9 to 15, each as shares of their way.
    expected = {"east": 0.75, "near": 0.75 * 0.5 + 0.25, "twin": 0.75 * 0.5 + 0.25 / 3, "mid": 0.0}
    assert ids(hits) == list(expected)
    assert [hit.score for hit in hits] == pytest.approx(list(expected.values()))


def test_rerank_keeps_the_parts_of_a_hybrid_search(view: LocalView) -> None:
    options = SearchOptions(k=3, mode=Mode.HYBRID, rerank_weight=1.0)
    hits = find(view, Question("apple", EAST), options, reranker=Lengths())
    assert ids(hits)[0] == "north"  # 22 characters
    names = {"dense", "lexical", "first_stage", "lengths"}
    assert all(set(hit.parts) == names for hit in hits)


def test_equal_scores_of_a_reranker_keep_the_order_of_the_first_stage(view: LocalView) -> None:
    class Indifferent(Lengths):
        def score(self, query: str, texts: Sequence[str]) -> FloatArray:
            return np.zeros(len(texts), dtype=np.float32)

    hits = find(view, Question("x", EAST), SearchOptions(k=4), reranker=Indifferent())
    assert ids(hits) == ["east", "near", "twin", "mid"]


def test_diversity_leaves_repetitions_for_later(view: LocalView) -> None:
    hits = find(view, Question(vector=EAST), SearchOptions(k=3, diversity=0.5))
    # First "east"; then relevance 0.8 and cosine 0.8 (near) tie with 0.6 and 0.6 (mid).
    assert ids(hits)[0] == "east"
    assert not {"near", "twin"} <= set(ids(hits))
    assert {hit.path for hit in hits} == {"exact>diverse"}
    assert ids(find(view, Question(vector=EAST), SearchOptions(k=3, diversity=0.0))) == [
        "east", "near", "twin"
    ]  # fmt: skip


def test_grouping_takes_the_best_of_each_document(view: LocalView) -> None:
    hits = find(view, Question(vector=EAST), SearchOptions(k=2, group_by="document"))
    assert ids(hits) == ["east", "twin"]
    assert [hit.rank for hit in hits] == [1, 2]
    two = find(view, Question(vector=EAST), SearchOptions(k=2, group_by="document", per_group=2))
    assert ids(two) == ["east", "near", "twin", "west"]
    kinds = find(view, Question(vector=EAST), SearchOptions(k=9, group_by="kind"))
    assert ids(kinds) == ["east", "near", "twin", "mid", "north", "west"]


def test_grouping_after_diversity(view: LocalView) -> None:
    """Both are done: documents come in the order in which diversity puts their passages."""
    options = SearchOptions(k=3, diversity=1.0, group_by="document")
    hits = find(view, Question(vector=EAST), options)
    assert ids(hits) == ["east", "west", "mid"] or ids(hits) == ["east", "west", "north"]
    assert {hit.path for hit in hits} == {"exact>diverse"}


def test_chunks_that_are_no_hits(view: LocalView) -> None:
    without = view.keys(["east", "twin"])
    assert ids(find(view, Question(vector=EAST), SearchOptions(k=2), without=without)) == [
        "near", "mid"
    ]  # fmt: skip
    options = SearchOptions(k=3, group_by="document")
    assert ids(find(view, Question(vector=EAST), options, without=without)) == [
        "near", "mid", "west"
    ]  # fmt: skip


def test_sparse_is_a_first_stage_like_the_others(view: LocalView) -> None:
    asked: list[tuple[str, int]] = []

    def sparse(text: str, k: int, where: object) -> Ranking:
        asked.append((text, k))
        keys = view.keys(["west", "mid", "north"])
        return Ranking(keys[:k], np.array([3, 2, 1], dtype=np.float32)[:k], "sparse:toy")

    options = SearchOptions(k=2, mode=Mode.SPARSE, rerank_weight=1.0)
    hits = find(view, Question("cake"), options, sparse=sparse)
    assert (ids(hits), hits[0].path, asked) == (["west", "mid"], "sparse:toy", [("cake", 2)])
    again = find(view, Question("cake"), options, sparse=sparse, reranker=Lengths())
    assert ids(again) == ["north", "west"]  # 22 and 9 characters, and 9 of "mid" after it
    assert asked[-1] == ("cake", options.candidates)
    by_document = SearchOptions(k=2, mode=Mode.SPARSE, group_by="document")
    grouped = find(view, Question("cake"), by_document, sparse=sparse)
    assert ids(grouped) == ["west", "mid"]


@pytest.mark.parametrize(
    ("mode", "question", "what"),
    [
        (Mode.DENSE, Question("words"), "compares vectors"),
        (Mode.LEXICAL, Question(vector=EAST), "compares words"),
        (Mode.LEXICAL, Question("  "), "compares words"),
        (Mode.HYBRID, Question("words"), "compares vectors"),
        (Mode.HYBRID, Question(vector=EAST), "compares words"),
        (Mode.SPARSE, Question("words"), "no first stage"),
        (Mode.LATE, Question("words", EAST), "no first stage"),
    ],
)
def test_what_a_mode_needs(view: LocalView, mode: Mode, question: Question, what: str) -> None:
    with pytest.raises(InputError, match=what):
        find(view, question, SearchOptions(mode=mode))


def test_a_reranker_needs_words(view: LocalView) -> None:
    with pytest.raises(InputError, match="lengths reads the question"):
        find(view, Question(vector=EAST), SearchOptions(), reranker=Lengths())


@pytest.mark.parametrize("options", [
    SearchOptions(), SearchOptions(mode=Mode.LEXICAL), SearchOptions(mode=Mode.HYBRID),
    SearchOptions(diversity=0.5), SearchOptions(group_by="document"),
    SearchOptions(mode=Mode.HYBRID, fusion=Fusion.RANKS),
])  # fmt: skip
@pytest.mark.parametrize("rerank", [False, True])
def test_nothing_matches(view: LocalView, options: SearchOptions, rerank: bool) -> None:
    from dataclasses import replace

    where = parse('kind = "nothing"')
    question = Question("apple", EAST)
    reranker = Lengths() if rerank else None
    assert find(view, question, replace(options, where=where), reranker=reranker) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"k": 0}, {"candidates": 0}, {"dense_weight": 1.5}, {"dense_weight": float("nan")},
        {"diversity": -0.1}, {"per_group": 0},
    ],
)  # fmt: skip
def test_options_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        SearchOptions(**wrong)  # type: ignore[arg-type]
