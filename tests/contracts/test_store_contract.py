"""What every registered store promises, held against brute force in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearfield.errors import (
    DimensionMismatch,
    DuplicateId,
    InputError,
    UnknownId,
    VectorRejected,
)
from nearfield.filters import And, Compare, Filter, In, IsNull, Like, Not, Operator, Or, matches
from nearfield.filters import parse as where
from nearfield.metric import Metric
from nearfield.protocols import VectorStore
from nearfield.registry import STORES
from nearfield.stores.exact import ExactStore
from nearfield.stores.local import LocalStore
from nearfield.types import Chunk, FloatArray

DIMENSION = 8
Make = Callable[[Path, int, Metric], VectorStore]

MAKERS: dict[str, Make] = {
    "exact": lambda _, dimension, metric: ExactStore(dimension, metric),
    "local": lambda path, dimension, metric: LocalStore.create(
        path / "c.nf", dimension=dimension, metric=metric
    ),
}


def test_every_registered_store_is_held_to_the_contract() -> None:
    assert set(MAKERS) == set(STORES.names())


@pytest.fixture(params=sorted(MAKERS))
def make(request: pytest.FixtureRequest) -> Make:
    assert callable(STORES.load(request.param))
    return MAKERS[request.param]


@pytest.fixture
def store(make: Make, tmp_path: Path) -> Iterator[VectorStore]:
    with closing(make(tmp_path, DIMENSION, Metric.COSINE)) as made:
        yield made


def chunk(number: int, text: str | None = None, **metadata: Any) -> Chunk:
    words = text or f"passage {number}"
    return Chunk(
        f"d{number // 3}#{number}",
        f"d{number // 3}",
        words,
        number,
        number + len(words),
        source=f"/docs/d{number // 3}.md",
        headings=("Title", f"Part {number % 2}"),
        page=number % 4 or None,
        metadata=metadata,
    )


def chunks(count: int) -> list[Chunk]:
    return [
        chunk(
            number,
            lang="en" if number % 3 else "de",
            year=2000 + number,
            tags=["even"] if number % 2 == 0 else ["odd", "third"][: 1 + number % 3 // 2],
        )
        for number in range(count)
    ]


def unequal(count: int, seed: int = 0, dimension: int = DIMENSION) -> FloatArray:
    rng = np.random.default_rng(seed)
    scales = rng.uniform(0.1, 10.0, size=(count, 1))
    return (rng.standard_normal((count, dimension)) * scales).astype(np.float32)


def brute_force(rows: FloatArray, query: FloatArray, metric: Metric) -> list[float]:
    scores = []
    for row in rows.tolist():
        dot = math.fsum(a * b for a, b in zip(row, query.tolist(), strict=True))
        match metric:
            case Metric.COSINE:
                scores.append(dot / (math.hypot(*row) * math.hypot(*query.tolist())))
            case Metric.DOT:
                scores.append(dot)
            case Metric.EUCLIDEAN:
                scores.append(-math.dist(row, query.tolist()))
    return scores


def found(store: VectorStore, query: FloatArray, k: int, filter_: Filter | None = None) -> list:
    (hits,) = store.search(query[None, :], k, where=filter_)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert all(hit.path for hit in hits)
    return [(hit.chunk.id, hit.score) for hit in hits]


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("condition", [None, 'lang = "de"', "year < 2003", "year > 9999"])
def test_search_equals_brute_force(
    make: Make, tmp_path: Path, metric: Metric, condition: str | None
) -> None:
    rows, queries, stored = unequal(60), unequal(5, seed=1), chunks(60)
    chosen = where(condition) if condition else None
    with closing(make(tmp_path, DIMENSION, metric)) as store:
        assert store.metric is metric
        assert metric in store.capabilities.metrics
        assert store.dimension == DIMENSION
        store.add(stored, rows)
        for query, hits in zip(queries, store.search(queries, 7, where=chosen), strict=True):
            scores = brute_force(rows, query, metric)
            eligible = [n for n in range(60) if not chosen or matches(chosen, stored[n].fields())]
            best = sorted(eligible, key=lambda n: (-scores[n], n))[:7]
            assert [hit.chunk for hit in hits] == [stored[n] for n in best]
            assert [hit.score for hit in hits] == pytest.approx(
                [scores[n] for n in best], rel=2e-7, abs=1e-9
            )


@pytest.mark.parametrize("metric", Metric)
def test_equal_vectors_tie_exactly_and_come_in_order_of_insertion(
    make: Make, tmp_path: Path, metric: Metric
) -> None:
    # 101 rows in three batches: the edges of a matrix product's blocks fall between equal rows.
    rows = np.tile(unequal(1, dimension=100), (101, 1))
    with closing(make(tmp_path, 100, metric)) as store:
        for start in range(0, 101, 40):
            store.add(chunks(101)[start : start + 40], rows[start : start + 40])
        store.search(rows[:1], 1)
        store.upsert([chunk(50, "again")], rows[50:51])
        hits = found(store, unequal(1, seed=2, dimension=100)[0], 60)
        assert [id_ for id_, _ in hits] == [chunk(number).id for number in range(60)]
        assert len({score for _, score in hits}) == 1


def test_near_ties_are_told_apart(make: Make, tmp_path: Path) -> None:
    # Rows whose float32 products differ in the last bits only.
    rng = np.random.default_rng(3)
    base = rng.standard_normal(384)
    rows = (base + rng.standard_normal((300, 384)) * 1e-6).astype(np.float32)
    for metric in Metric:
        with closing(make(tmp_path / metric, 384, metric)) as store:
            store.add(chunks(300), rows)
            query = rng.standard_normal(384).astype(np.float32)
            # Scores are float32: what they cannot tell apart is a tie.
            scores = np.float32(brute_force(rows, query, metric))
            hits = found(store, query, 5)
            assert [score for _, score in hits] == pytest.approx(sorted(scores)[:-6:-1], rel=1e-6)
            assert [id_ for id_, _ in hits] == [
                chunks(300)[n].id for n in np.argsort(-scores, kind="stable")[:5]
            ]


@pytest.mark.parametrize("scale", [1e-30, 1e-18, 1e18, 1e30])
def test_tiny_and_huge_vectors_are_searched_exactly(
    make: Make, tmp_path: Path, scale: float
) -> None:
    rows = unequal(20) * np.float32(scale)
    for metric in (Metric.COSINE, Metric.EUCLIDEAN):
        with closing(make(tmp_path / metric, DIMENSION, metric)) as store:
            store.add(chunks(20), rows)
            query = unequal(1, seed=4)[0] * np.float32(scale)
            scores = brute_force(rows, query, metric)
            best = sorted(range(20), key=lambda n: -scores[n])[:5]
            hits = found(store, query, 5)
            assert [id_ for id_, _ in hits] == [chunks(20)[n].id for n in best]
            assert [score for _, score in hits] == pytest.approx([scores[n] for n in best])


def test_empty_store(store: VectorStore) -> None:
    assert store.count() == 0
    assert list(store.scan()) == []
    assert store.search(unequal(2), 3) == [[], []]
    assert store.search(unequal(1), 3, where=where("year = 1")) == [[]]
    assert store.delete(["nothing"]) == 0
    assert store.get([]) == []
    assert store.vectors([]).shape == (0, DIMENSION)
    store.add([], np.empty((0, DIMENSION), dtype=np.float32))
    assert store.search(np.empty((0, DIMENSION), dtype=np.float32), 3) == []
    assert store.count() == 0


def test_k_beyond_the_store_gives_all(store: VectorStore) -> None:
    store.add(chunks(4), unequal(4))
    assert len(found(store, unequal(1, seed=1)[0], 99)) == 4
    with pytest.raises(InputError, match="k is 0"):
        store.search(unequal(1), 0)


def test_get_and_vectors_keep_the_order_asked_for(store: VectorStore) -> None:
    stored, rows = chunks(6), unequal(6)
    store.add(stored, rows)
    asked = [4, 0, 4]
    assert store.get([stored[n].id for n in asked]) == [stored[n] for n in asked]
    vectors = store.vectors([stored[n].id for n in asked])
    assert vectors.dtype == np.float32
    assert vectors.tolist() == rows[asked].tolist()
    for ask in (store.get, store.vectors):
        with pytest.raises(UnknownId, match=r"'no1', 'no2'"):
            ask(["no2", stored[0].id, "no1"])


def test_what_goes_in_comes_out_whatever_it_is(store: VectorStore) -> None:
    odd = [
        Chunk("", "", "", 0, 0),
        Chunk("nul\0", "d\0", "a\0b", 0, 3, source="s\0", headings=("h\0",)),
        Chunk("caf\udce9", "caf\udce9", "bad \ud800 text", 1, 11, source="/caf\udce9"),
        Chunk("日本", "日本", "🙂 e\u0301\r\n\u2028", 5, 10, metadata={"": None, 'a"b\\': "x"}),
        Chunk(
            "m",
            "m",
            "x",
            2**40,
            2**40 + 1,
            metadata={"big": 2**80, "float": 0.1 + 0.2, "no": False, "list": [1, "a", None, 2.5]},
        ),
        Chunk("'; DROP TABLE chunk; --", "d", "x" * 100_000, 0, 100_000),
    ]
    rows = unequal(len(odd))
    store.add(odd, rows)
    assert store.get([one.id for one in odd]) == odd
    scanned = list(store.scan())
    assert [one for one, _ in scanned] == odd
    assert np.stack([vector for _, vector in scanned]).tolist() == rows.tolist()
    again = store.get(["m"])[0].metadata
    assert {key: type(value) for key, value in again.items()} == {
        "big": int,
        "float": float,
        "no": bool,
        "list": list,
    }
    for one in odd:
        assert [c.id for c, _ in store.scan(where=Compare("id", Operator.EQ, one.id))] == [one.id]
    assert store.delete([one.id for one in odd]) == len(odd)
    assert store.count() == 0


def test_what_is_stored_does_not_follow_the_callers_objects(store: VectorStore) -> None:
    metadata, rows = {"lang": "en"}, unequal(1)
    kept = rows.copy()
    store.add([Chunk("a", "d", "t", 0, 1, metadata=metadata)], rows)
    metadata["lang"] = "de"
    rows[:] = 9.0
    ((stored, vector),) = store.scan()
    assert stored.metadata == {"lang": "en"}
    assert vector.tolist() == kept[0].tolist()


def test_upsert_replaces_in_place(store: VectorStore) -> None:
    stored, rows = chunks(5), unequal(5)
    store.add(stored, rows)
    found(store, rows[1], 1)
    changed, fresh = chunk(1, "new text", lang="fr"), chunk(30)
    replacement = unequal(2, seed=9)
    store.upsert([fresh, changed], replacement)
    expected = [stored[0], changed, *stored[2:], fresh]
    assert [one for one, _ in store.scan()] == expected
    assert store.vectors([changed.id]).tolist() == replacement[1:].tolist()
    assert found(store, replacement[1], 1)[0][0] == changed.id
    assert store.search(replacement[1:], 1)[0][0].chunk == changed
    assert store.count() == 6
    assert store.count(where=where('lang = "fr"')) == 1


def test_delete_takes_what_is_there_and_counts_it(store: VectorStore) -> None:
    stored, rows = chunks(9), unequal(9)
    store.add(stored, rows)
    found(store, rows[0], 1)
    assert store.delete([stored[2].id, "unknown", stored[7].id, stored[2].id]) == 2
    left = [stored[n] for n in range(9) if n not in (2, 7)]
    assert [one for one, _ in store.scan()] == left
    assert store.count() == 7
    assert {id_ for id_, _ in found(store, rows[2], 99)} == {one.id for one in left}
    with pytest.raises(UnknownId):
        store.get([stored[2].id])
    store.add([stored[2]], rows[2:3])
    assert [one for one, _ in store.scan()] == [*left, stored[2]]
    assert found(store, rows[2], 1)[0][0] == stored[2].id


def bad_batches() -> dict[str, tuple[list[Chunk], Any, type[Exception], str]]:
    nan, infinite, zero = unequal(3), unequal(3), unequal(3)
    nan[1, 2], infinite[2, 0], zero[0] = np.nan, -np.inf, 0.0
    new = [chunk(90), chunk(91), chunk(92)]
    return {
        "nan": (new, nan, VectorRejected, r"NaN or infinite in row 1 \('d30#91'\)"),
        "infinite": (new, infinite, VectorRejected, "row 2"),
        "zero": (new, zero, VectorRejected, r"only zeros in row 0 \('d30#90'\)"),
        "overflow": (new, np.full((3, DIMENSION), 1e300), VectorRejected, "infinite"),
        "width": (new, unequal(3, dimension=9), DimensionMismatch, "9 dimensions .* has 8"),
        "flat": (new, unequal(3)[0], InputError, r"shape \(8,\)"),
        "count": (new, unequal(2), InputError, "3 chunks came with 2 vectors"),
        "text": (new, np.full((3, DIMENSION), "a"), InputError, "expected float32"),
        "twice": ([new[0], new[1], new[0]], unequal(3), DuplicateId, "'d30#90' more than once"),
        "metadata": (
            [new[0], new[1], chunk(93, nested={"a": 1})],
            unequal(3),
            InputError,
            "'d31#93': metadata 'nested'",
        ),
    }


@pytest.mark.parametrize("fault", sorted(bad_batches()))
@pytest.mark.parametrize("operation", ["add", "upsert"])
def test_a_bad_batch_changes_nothing(store: VectorStore, operation: str, fault: str) -> None:
    store.add(chunks(3), unequal(3))
    before = [(one, vector.tolist()) for one, vector in store.scan()]
    batch, rows, error, message = bad_batches()[fault]
    with pytest.raises(error, match=message):
        getattr(store, operation)(batch, rows)
    assert [(one, vector.tolist()) for one, vector in store.scan()] == before


def test_add_refuses_ids_that_are_there(store: VectorStore) -> None:
    store.add(chunks(3), unequal(3))
    with pytest.raises(DuplicateId, match="'d0#1'"):
        store.add([chunk(40), chunk(1, "other")], unequal(2))
    assert store.get([chunk(1).id]) == [chunks(3)[1]]
    assert store.count() == 3


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (np.ones((1, 5), np.float32), DimensionMismatch),
        (np.full((1, DIMENSION), np.nan), VectorRejected),
        (np.zeros((1, DIMENSION)), VectorRejected),
        (np.ones(DIMENSION), InputError),
    ],
)
def test_bad_queries_are_refused(store: VectorStore, bad: Any, error: type[Exception]) -> None:
    store.add(chunks(3), unequal(3))
    with pytest.raises(error):
        store.search(bad, 1)


def test_closing_twice_is_harmless(store: VectorStore) -> None:
    store.add(chunks(3), unequal(3))
    store.close()
    store.close()
    if isinstance(store, LocalStore):  # everything is released, and nothing is lost
        with LocalStore.open(store.path, mode="w", timeout=0) as again:
            assert [chunk for chunk, _ in again.scan()] == chunks(3)
            assert again.verify().whole


scalars = st.one_of(
    st.sampled_from(["en", "de", "", "a_b", "ä", "\0", "\ud800", "2", 'q"\\'] * 2),
    st.sampled_from([0, 1, 2, -1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**70)]),
    st.sampled_from([0.1, 0.3, 0.1 + 0.2, 1.0, 2.5, -0.0, 1e-310, 1e22, 123456.789, 1.7e308]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
)
odd_numbers = st.sampled_from([math.nan, math.inf, -math.inf])
stored_values = st.one_of(
    scalars, odd_numbers, st.none(), st.lists(scalars | st.none() | odd_numbers, max_size=3)
)
fields = st.sampled_from(["a", "b", "page", "heading", "id", "document", "source", 'q"', "x.y"])
tests = st.one_of(
    st.builds(Compare, fields, st.sampled_from(Operator), scalars),
    st.builds(In, fields, st.lists(scalars, max_size=4).map(tuple), st.booleans()),
    st.builds(IsNull, fields, st.booleans()),
    st.builds(Like, fields, st.sampled_from(["%", "e_", "%d%", "", "a\\_b", "_"]), st.booleans()),
)


def _branches(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    parts = st.lists(inner, max_size=3).map(tuple)
    return st.builds(And, parts) | st.builds(Or, parts) | st.builds(Not, inner)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_filters_mean_what_they_mean_in_python(make: Make, store: VectorStore, data: Any) -> None:
    rows = data.draw(
        st.lists(st.dictionaries(fields, stored_values, max_size=4), min_size=1, max_size=6)
    )
    given_chunks = [chunk(number, **row) for number, row in enumerate(rows)]
    store.delete([one.id for one, _ in store.scan()])
    store.add(given_chunks, unequal(len(rows)))
    for _ in range(10):
        tree = data.draw(st.recursive(tests, _branches, max_leaves=6))
        expected = [one.id for one in given_chunks if matches(tree, one.fields())]
        assert [one.id for one, _ in store.scan(where=tree)] == expected
        assert store.count(where=tree) == len(expected)
        assert {id_ for id_, _ in found(store, unequal(1)[0], 99, tree)} == set(expected)
