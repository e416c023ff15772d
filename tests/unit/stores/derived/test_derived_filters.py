"""Random filters of a collection with columns, against the filter in plain Python."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearfield.filters import And, Compare, Filter, In, IsNull, Like, Not, Operator, Or, predicate
from nearfield.stores.local import LocalStore, view
from nearfield.stores.local.derived import Follower
from nearfield.types import Chunk

pytestmark = pytest.mark.usefixtures("low_limits", "every_candidate")

COUNT, TAIL, DEAD, DIMENSION = 1200, 150, 200, 4
Fields = dict[str, dict[str, Any]]
QUERY = np.array([[1, 2, 3, 4]], dtype=np.float32)

texts = st.sampled_from(
    ["en", "de", "", "a_b", "ä", "\0", "\ud800", "🙂", "2", 'q"\\', "p11", "d3"]
)
numbers = st.one_of(
    st.sampled_from([0, 1, 2, -1, 300, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, -(2**70)]),
    st.sampled_from([0.1, 0.3, 0.1 + 0.2, 1.0, 2.5, -0.0, -1e-310, 1e22, 1.7e308, 2.0**63]),
    st.integers(-5, 60),
)
scalars = st.one_of(texts, numbers, st.booleans())
VALUES: list[Any] = [
    "en", "de", "", "a_b", "ä", "\0", "\ud800", "🙂", "2", 'q"\\', 0, 1, 2, -1, 300, 2**53,
    2**53 + 1, 2**63 - 1, 2**63, -(2**70), 0.1, 0.3, 0.1 + 0.2, 1.0, 2.5, -0.0, 1e22, math.nan,
    math.inf, True, False, None, [], ["en", "de"], [1, 2.5, None], [True],
]  # fmt: skip
names = st.sampled_from(
    ["kind", "year", "mixed", "rare", "tags", "flag", 'q"', "x.y", "id", "document", "page", "none"]
)
leaves = st.one_of(
    st.builds(Compare, names, st.sampled_from(Operator), scalars),
    st.builds(In, names, st.lists(scalars, max_size=4).map(tuple), st.booleans()),
    st.builds(IsNull, names, st.booleans()),
    st.builds(Like, names, st.sampled_from(["%", "e_", "%d%", "", "a\\_b", "p1%", "d_"]),
              st.booleans()),
)  # fmt: skip


def _branches(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    parts = st.lists(inner, max_size=3).map(tuple)
    return st.builds(And, parts) | st.builds(Or, parts) | st.builds(Not, inner)


trees = st.recursive(leaves, _branches, max_leaves=6)


def passage(random: Random, number: int) -> Chunk:
    """Plain fields as collections have them, and some with a value of any kind."""
    fields: dict[str, Any] = {
        "kind": random.choice(["en", "de", "fr"]),
        "year": random.randint(0, 50),
        "flag": random.random() < 0.5,
        "tags": random.sample(["en", "de", 1, 2], random.randint(0, 3)),
    }
    if random.random() < 0.5:
        fields["mixed"] = random.choice(VALUES)
    if random.random() < 0.02:
        fields[random.choice(["rare", 'q"', "x.y", "id", "page"])] = random.choice(VALUES)
    page = random.choice([None, 1, 2])
    return Chunk(f"p{number}", f"d{number % 30}", f"t{number}", 0, 2, page=page, metadata=fields)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[LocalStore, Fields]]:
    """A reader of covered slots, a tail, and dead ones in both."""
    random, rng = Random(5), np.random.default_rng(5)
    path = tmp_path / "c.nf"
    chunks = [passage(random, number) for number in range(COUNT + TAIL)]
    rows = rng.standard_normal((COUNT + TAIL, DIMENSION)).astype(np.float32)
    with LocalStore.create(path, dimension=DIMENSION) as store:
        store.add(chunks[:COUNT], rows[:COUNT])
    with LocalStore.open(path, mode="w") as writer, LocalStore.open(path) as reader:
        writer.add(chunks[COUNT:], rows[COUNT:])
        gone = random.sample([chunk.id for chunk in chunks], DEAD)
        writer.delete(gone)
        yield reader, {c.id: dict(c.fields()) for c in chunks if c.id not in set(gone)}


def check(store: LocalStore, fields: Fields, where: Filter) -> None:
    judge = predicate(where)
    expected = {id_ for id_, each in fields.items() if judge(each)}
    assert store.count(where=where) == len(expected)
    (hits,) = store.search(QUERY, 10**6, where=where)
    assert {hit.chunk.id for hit in hits} == expected
    (few,) = store.search(QUERY, 7, where=where)
    assert [(h.chunk.id, h.score) for h in few] == [(h.chunk.id, h.score) for h in hits[:7]]
    with store.view() as one:
        (found,), _ = one.nearest_of_each(QUERY, 7, one.allowed(where))
    assert found.scores.tolist() == [hit.score for hit in few]


def examples(count: int) -> Any:
    return settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@examples(200)
@given(where=trees)
def test_filters_equal_the_plain_ones(stores: tuple[LocalStore, Fields], where: Filter) -> None:
    check(*stores, where)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
@examples(2_500)
@given(where=trees)
def test_ten_thousand_filters(stores: tuple[LocalStore, Fields], part: int, where: Filter) -> None:
    check(*stores, where)


@examples(50)
@given(where=trees)
def test_what_columns_leave_open_is_judged_by_the_database_where_it_is_much(
    stores: tuple[LocalStore, Fields], where: Filter
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(view, "_JUDGED_MOST", 3)
        check(*stores, where)


def test_columns_are_in_use(stores: tuple[LocalStore, Fields]) -> None:
    store, _ = stores
    store.search(QUERY, 3)
    follower = store._derived
    assert isinstance(follower, Follower)
    with store.view() as one:
        columns = follower.of(one.state).columns
    assert columns is not None
    assert len(columns) == COUNT
