"""The column table against the plain-Python filter, whatever the values, layouts and segments."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.filters import (
    And,
    Compare,
    Filter,
    In,
    IsNull,
    Like,
    Not,
    Operator,
    Or,
    parse,
    predicate,
)
from nearfield.masks import members
from nearfield.stores.columns import ColumnTable
from nearfield.stores.columns.gather import MOST_COLUMNS
from nearfield.stores.columns.part import Layout
from nearfield.stores.columns.segment import Segment
from nearfield.types import Chunk, IntArray, MetadataValue

Row = Mapping[str, MetadataValue]
OWNER = b"collection 1, generation 1"


def table_of(folder: Path, *parts: Sequence[Row]) -> ColumnTable:
    table = ColumnTable.create(folder, OWNER)
    for part in parts:
        table.append(part)
    return ColumnTable.open(folder, OWNER)


def check(table: ColumnTable, rows: Sequence[Row], where: Filter) -> int:
    """Hold a mask against the filter of each row; returns how many slots were left open."""
    judge = predicate(where)
    expected = [slot for slot, row in enumerate(rows) if judge(row)]
    result = table.mask(where, len(rows))
    left: list[int] = []

    def judged(slots: IntArray) -> Iterable[bool]:
        left.extend(slots.tolist())
        return [judge(rows[slot]) for slot in slots.tolist()]

    assert members(result.complete(judged)).tolist() == expected
    assert set(members(result.matching).tolist()) <= set(expected)
    assert not set(left) & set(members(result.matching).tolist())
    assert len(result.matching) == -(-len(rows) // 64) * 8
    return len(left)


def segments(folder: Path) -> list[tuple[int, int]]:
    names = sorted(path.stem.split("-") for path in folder.glob("columns-*"))
    return [(int(start), int(stop)) for _, start, stop in names]


texts = st.sampled_from(["en", "de", "", "a_b", "ä", "\0", "\ud800", "\uffff", "🙂", "2", 'q"\\'])
wholes = st.sampled_from([0, 1, 2, -1, 300, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, -(2**70)])
reals = st.sampled_from([0.1, 0.3, 0.1 + 0.2, 1.0, 2.5, -0.0, -1e-310, 1e22, 1.7e308, 2.0**63])
scalars = st.one_of(
    texts,
    wholes,
    reals,
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(),
    st.booleans(),
    st.just(10**400),
)
odd_numbers = st.sampled_from([math.nan, math.inf, -math.inf])
stored = st.one_of(
    scalars, odd_numbers, st.none(), st.lists(scalars | st.none() | odd_numbers, max_size=3)
)
names = st.sampled_from(["a", "b", "c", 'q"', "x.y", "\udcff"])
leaves = st.one_of(
    st.builds(Compare, names, st.sampled_from(Operator), scalars),
    st.builds(In, names, st.lists(scalars, max_size=4).map(tuple), st.booleans()),
    st.builds(IsNull, names, st.booleans()),
    st.builds(
        Like,
        names,
        st.sampled_from(["%", "e_", "%d%", "", "a\\_b", "_", "e%", "a%b", "e\\", "\ud800%", "\\"]),
        st.booleans(),
    ),
)


def _branches(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    parts = st.lists(inner, max_size=3).map(tuple)
    return st.builds(And, parts) | st.builds(Or, parts) | st.builds(Not, inner)


trees = st.recursive(leaves, _branches, max_leaves=6)
rows_of_fields = st.lists(st.dictionaries(names, stored, max_size=4), max_size=70)


@settings(max_examples=60, deadline=None)
@given(rows_of_fields, st.lists(trees, min_size=6, max_size=6), st.data())
def test_masks_equal_the_plain_filter(rows: list[Row], wheres: list[Filter], data: Any) -> None:
    cut = data.draw(st.integers(0, len(rows)))
    covered = data.draw(st.integers(cut, len(rows)))
    with TemporaryDirectory() as folder:
        table = table_of(Path(folder), rows[:cut], rows[cut:covered])
        assert len(table) == covered
        for where in wheres:
            check(table, rows, where)
            check(table, rows[: cut // 2], where)
        merged = ColumnTable.open(Path(folder), OWNER)
        merged.merge()
        for where in wheres:
            check(merged, rows, where)


def catalogue(count: int, seed: int = 0) -> list[Row]:
    """Rows as collections have them: a few kinds, many kinds, ids, lists, gaps, and mistakes."""
    random = Random(seed)
    day = date(2023, 11, 1)
    rows = []
    for number in range(count):
        row: dict[str, MetadataValue] = {
            "id": f"/docs/{number // 7}.md#{number}-{number + 90}",
            "source": f"/docs/{number // 7}.md",
            "heading": ["Guide", f"Part {number // 3}"],
            "lang": random.choice(["en", "de", "fr", "日本"]),
            "author": f"author {random.randrange(200)}",
            "year": random.randrange(1900, 2025),
            "size": random.choice([3, 700, 10**6, 2**63 - 1, -(2**63)]),
            "price": round(random.random() * 9, 1),
            "score": random.random() - 0.5,
            "ok": random.random() < 0.3,
            "date": (day + timedelta(number % 200)).isoformat(),
            "tags": [f"tag {random.randrange(40)}" for _ in range(random.randrange(4))],
        }
        for name in random.sample(sorted(row), random.randrange(3)):
            row[name] = random.choice([None, "2020", 2020, 2020.5, True, [], ["en", 7, None]])
        if number % 101 == 0:
            row["size"] = random.choice([2**64, math.nan, math.inf, -math.inf])
        rows.append(row)
    return rows


CONDITIONS = [
    'lang = "en" and year >= 2000',
    'lang != "日本" or year < 1950.5',
    'lang > "de" and lang <= "fr"',
    'author in ("author 7", "author 70", "author 199", "nobody", 7)',
    "author in (" + ", ".join(f'"author {number}"' for number in range(0, 200, 3)) + ")",
    "year in (" + ", ".join(map(str, range(1900, 2030, 3))) + ")",
    "size in (" + ", ".join(str(10**6 + number * 2) for number in range(20)) + ")",
    'author like "author 1%" and not author like "%9"',
    'author not like "%th_r 1_"',
    'source like "/docs/1%" and source like "%3.md"',
    'source = "/docs/3.md" or id = "/docs/3.md#22-112"',
    'id > "/docs/5" and id < "/docs/6"',
    'id like "%#1%" and ok = true',
    "size >= 9223372036854775807 or size <= -9223372036854775808",
    "size > 9223372036854775806.0 and size < 1e30",
    "price = 0.3 or price > 8.75",
    "score < 0 and score >= -0.25",
    "ok = false or ok != true",
    "ok >= false",
    'year = "2020" or year = 2020 or year = true',
    'tags = "tag 7" or tags in ("tag 1", "tag 2", 7)',
    'tags != "tag 7" and tags >= "tag 30"',
    "tags is null or lang is not null",
    'date >= "2024-02" and date < "2024-03"',
    'date like "2024-%-01"',
    'heading = "Part 4" or heading like "%rt 1_"',
    "nothing is null and nothing != 1 and not nothing = 1",
]


@pytest.mark.parametrize("count", [1, 63, 64, 65, 3000])
def test_catalogues_are_filtered_exactly(tmp_path: Path, count: int) -> None:
    rows = catalogue(count)
    table = table_of(tmp_path, rows[: count // 3], rows[count // 3 :])
    for condition in CONDITIONS:
        check(table, rows, parse(condition))


def test_more_rows_than_one_block(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).integers(0, 5000, 150_000).tolist()
    table = table_of(tmp_path, [{"n": number} for number in numbers])
    array = np.array(numbers)
    for condition, expected in [
        ("n < 17", array < 17),
        ("n = 4000", array == 4000),
        ("n >= 100 and n < 2000.5", (array >= 100) & (array < 2001)),
        ("n is null", array < 0),
    ]:
        result = table.mask(parse(condition))
        assert result.unsure is None
        assert members(result.matching).tolist() == np.flatnonzero(expected).tolist()


def test_layouts_follow_the_values(tmp_path: Path) -> None:
    rows = [
        {
            "few": f"kind {number % 10}",
            "many": f"kind {number % 1000}",
            "year": 1950 + number % 75,
            "ok": number % 3 == 0,
            "tags": [f"tag {number % 100}", f"tag {number % 77}"],
            "rare": number if number % 500 == 0 else None,
            "id": f"a rather long identifier of passage {number}",
        }
        for number in range(20_000)
    ]
    table_of(tmp_path, rows)
    (path,) = tmp_path.glob("columns-*")
    segment = Segment(path, OWNER.ljust(32, b"\0"))
    found = {
        name: [(kind.name, part._layout) for kind, part in segment.column(name).parts.items()]
        for name in segment.names
    }
    assert found == {
        "few": [("TEXT", Layout.BITS)],
        "many": [("TEXT", Layout.DENSE)],
        "year": [("WHOLE", Layout.DENSE)],
        "ok": [("TRUTH", Layout.BITS)],
        "tags": [("TEXT", Layout.POSTED)],
        "rare": [("WHOLE", Layout.POSTED)],
        "id": [("HASH", Layout.DENSE)],
    }


def test_four_ordinary_fields_cost_few_bytes(tmp_path: Path) -> None:
    random = Random(1)
    rows = [
        {
            "lang": f"language {random.randrange(10)}",
            "author": f"author {random.randrange(1000)}",
            "year": random.randrange(1950, 2025),
            "ok": random.random() < 0.5,
        }
        for _ in range(100_000)
    ]
    table_of(tmp_path, rows)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) / len(rows) < 5


def test_ids_leave_only_the_row_meant_to_be_judged(tmp_path: Path) -> None:
    rows = [{"id": f"an identifier that names passage {n}", "n": n} for n in range(5000)]
    table = table_of(tmp_path, rows)
    for where, left in [
        (Compare("id", Operator.EQ, rows[7]["id"]), 1),
        (Compare("id", Operator.EQ, "unknown"), 0),
        (In("id", tuple(rows[n]["id"] for n in (1, 2, 3)), negated=True), 3),
        (And((Compare("n", Operator.LT, 10), Like("id", "%7"))), 10),
        (Or((Compare("n", Operator.GE, 10), Like("id", "%7"))), 10),
        (Compare("id", Operator.EQ, 7), 0),
        (Compare("id", Operator.GT, "an identifier"), 5000),
    ]:
        assert check(table, rows, where) == left


def test_odd_values_are_left_to_be_judged(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"x": 2**64},
        {"x": math.nan},
        {"x": 1},
        {"x": [1, 2**70]},
        {"x": None},
        {},
        {"x": "\ud800"},
        {"x": -(2**63)},
        {"x": -0.0},
        {"x": math.inf},
        {"x": b"bytes"},  # type: ignore[dict-item]
    ]
    table = table_of(tmp_path, rows)
    expected = {
        "x = 1": [2, 3],
        "x > 1": [9],
        "x is not null": [0, 1, 2, 3, 6, 7, 8, 9, 10],
        'x like "_"': [6],
        "x = 0": [8],
        "x < 0": [7],
        "x >= 1e308": [9],
    }
    for condition, slots in expected.items():
        result = table.mask(parse(condition))
        assert members(result.matching).tolist() == slots
        open_ = [] if result.unsure is None else members(result.unsure).tolist()
        assert open_ == ([] if "null" in condition else [0, 10] if 3 in slots else [0, 3, 10])


def test_fields_beyond_the_most_are_judged(tmp_path: Path) -> None:
    rows: list[Row] = [{f"field {n}": n} for n in range(MOST_COLUMNS + 50)]
    last = f"field {MOST_COLUMNS + 49}"
    for parts in ([rows], [rows[:500], rows[500:]], [rows[600:], rows[:600]]):
        table = table_of(tmp_path / str(len(parts[0])), *parts)
        table.merge()
        ordered = [row for part in parts for row in part]
        for where in [
            Compare(last, Operator.EQ, MOST_COLUMNS + 49),
            IsNull(last),
            Compare("field 3", Operator.EQ, 3),
            Compare("field 700", Operator.NE, 700),
            IsNull("unknown"),
        ]:
            assert check(table, ordered, where) == 50


def test_what_chunks_say_is_what_columns_know(tmp_path: Path) -> None:
    chunks = [
        Chunk("d#0-1", "d", "a", 0, 1, "/d.md", ("T", "A"), 3, {"lang": "en", "source": "web"}),
        Chunk("e#0-1", "e", "b", 0, 1, "/e.md", (), None, {"page": "iv"}),
    ]
    rows = [chunk.fields() for chunk in chunks]
    table = table_of(tmp_path, rows)
    for condition in (
        'source = "web" and _source = "/d.md"',
        'document = "e"',
        'heading = "A"',
        'page = "iv" or page = 3',
        "heading is null",
    ):
        assert check(table, rows, parse(condition)) == 0


def test_many_small_appends_become_few_segments(tmp_path: Path) -> None:
    rows = catalogue(2000, seed=3)
    table = ColumnTable.create(tmp_path, OWNER)
    for start in range(0, 2000, 37):
        table.append(rows[start : start + 37])
        assert len(table) == min(start + 37, 2000)
        assert len(segments(tmp_path)) <= 3
    stops = [stop for _, stop in segments(tmp_path)]
    assert [start for start, _ in segments(tmp_path)] == [0, *stops[:-1]]
    for condition in CONDITIONS:
        check(table, rows, parse(condition))
    table.merge()
    assert segments(tmp_path) == [(0, 2000)]
    for condition in CONDITIONS:
        check(table, rows, parse(condition))


@pytest.mark.slow
def test_ten_thousand_expressions(tmp_path: Path) -> None:
    tried = 0

    @settings(max_examples=500, deadline=None)
    @given(rows_of_fields, st.lists(trees, min_size=20, max_size=20), st.integers(0, 70))
    def run(rows: list[Row], wheres: list[Filter], cut: int) -> None:
        nonlocal tried
        with TemporaryDirectory(dir=tmp_path) as folder:
            table = table_of(Path(folder), rows[:cut], rows[cut:])
            for where in wheres:
                check(table, rows, where)
        tried += len(wheres)

    run()
    assert tried >= 10_000
