"""Rows read from an SQLite file's pages equal the rows that SQLite reads."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.stores.local.pages import leaf_rows

values = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([0, 1, -1, 127, 128, 2**15, 2**23, 2**31, 2**47]),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.binary(max_size=30),
    # Around the sizes where a row goes on in overflow pages.
    st.integers(400, 3000).map(lambda size: "x" * size),
)


@pytest.mark.parametrize("page_size", [512, 8192])
@settings(max_examples=25, deadline=None)
@given(rows=st.dictionaries(st.integers(-5, 2**40), st.tuples(values, values), max_size=20))
def test_leaf_rows_are_the_rows_of_the_table(
    tmp_path_factory: pytest.TempPathFactory,
    page_size: int,
    rows: dict[int, tuple[object, object]],
) -> None:
    path = tmp_path_factory.mktemp("pages") / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA page_size = {page_size}")
        connection.execute("CREATE TABLE a (row INTEGER PRIMARY KEY, one, two)")
        connection.executemany("INSERT INTO a VALUES (?, ?, ?)", [(r, *v) for r, v in rows.items()])
        connection.commit()
        expected = {row: tuple(pair) for row, *pair in connection.execute("SELECT * FROM a")}
    found = {row: (one, two) for row, (_, one, two) in leaf_rows(path, 3)}
    assert found == expected


@pytest.mark.parametrize("data", [b"", b"SQLite format 3\0", b"\0" * 5000, b"\xff" * 20_000])
def test_files_without_pages_have_no_rows(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(data)
    assert list(leaf_rows(path, 3)) == []
