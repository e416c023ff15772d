"""Diversity, grouping and queries made of examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.errors import InputError
from nearfield.search.diversity import maximal_marginal_relevance
from nearfield.search.examples import query_from_examples
from nearfield.search.grouping import by_document
from nearfield.types import Chunk, Hit


def _plain_mmr(vectors: np.ndarray, relevance: np.ndarray, k: int, share: float) -> list[int]:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    chosen: list[int] = []
    while len(chosen) < min(k, len(unit)):
        gains = {}
        for i in range(len(unit)):
            if i not in chosen:
                nearest = max((float(unit[i] @ unit[j]) for j in chosen), default=0.0)
                gains[i] = (1 - share) * float(relevance[i]) - share * nearest
        chosen.append(max(gains, key=lambda i: (gains[i], -i)))
    return chosen


@given(st.integers(1, 12), st.integers(0, 14), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_marginal_relevance_equals_the_definition(n: int, k: int, share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, 6)).astype(np.float32)
    relevance = rng.uniform(size=n).astype(np.float32)
    chosen = maximal_marginal_relevance(vectors, relevance, k, diversity=share)
    assert chosen.tolist() == _plain_mmr(vectors, relevance, k, share)


def test_no_diversity_is_the_order_of_relevance() -> None:
    relevance = np.float32([0.1, 0.9, 0.5])
    chosen = maximal_marginal_relevance(np.eye(3, dtype=np.float32), relevance, 3, diversity=0)
    assert chosen.tolist() == [1, 2, 0]


def _hit(document: str, rank: int, **metadata: str) -> Hit:
    chunk = Chunk(f"{document}#{rank}", document, "text", 0, 4, metadata=metadata)
    return Hit(chunk, 1.0 - rank / 10, rank, "exact")


def test_groups_keep_their_best_and_the_order_of_their_best() -> None:
    hits = [_hit(name, rank) for rank, name in enumerate("aabacbd", start=1)]
    grouped = by_document(hits, 3, per_group=2)
    assert [hit.chunk.id for hit in grouped] == ["a#1", "a#2", "b#3", "b#6", "c#5"]
    assert [hit.rank for hit in grouped] == [1, 2, 3, 4, 5]


def test_groups_by_metadata() -> None:
    hits = [_hit("a", 1, lang="en"), _hit("b", 2, lang="en"), _hit("c", 3, lang="de")]
    assert [h.chunk.id for h in by_document(hits, 5, field="lang")] == ["a#1", "c#3"]
    with pytest.raises(InputError, match="at least 1"):
        by_document(hits, 5, per_group=0)


def test_examples_pull_and_push() -> None:
    east, north = np.float32([[1, 0, 0]]), np.float32([[0, 1, 0]])
    np.testing.assert_allclose(query_from_examples(east * 7), east[0])
    pushed = query_from_examples(east, north)
    assert pushed @ north[0] < 0 < pushed @ east[0]
    assert np.linalg.norm(pushed) == pytest.approx(1.0)


def test_examples_that_say_nothing_are_refused() -> None:
    one = np.float32([[1, 0]])
    with pytest.raises(InputError, match="no positive example"):
        query_from_examples(one[:0])
    with pytest.raises(InputError, match="cancel"):
        query_from_examples(one, one, away=1.0)
