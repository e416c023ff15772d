"""The column table as a thing that grows: segments, kept answers, readers and threads."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from nearfield.errors import InputError
from nearfield.filters import Compare, Filter, IsNull, Not, Operator, parse
from nearfield.masks import count_members, members
from nearfield.stores.columns import ColumnTable

OWNER = b"owner"


def table_of(folder: Path, rows: Sequence[dict]) -> ColumnTable:
    table = ColumnTable.create(folder, OWNER)
    table.append(rows)
    return table


def segments(folder: Path) -> list[tuple[int, int]]:
    names = sorted(path.stem.split("-") for path in folder.glob("columns-*"))
    return [(int(start), int(stop)) for _, start, stop in names]


def test_an_empty_table(tmp_path: Path) -> None:
    table = ColumnTable.open(tmp_path / "nothing", OWNER)
    where = parse("x is null")
    assert len(table) == 0
    assert len(table.mask(where).matching) == 0
    result = table.mask(where, 70)
    assert members(result.matching).tolist() == []
    assert result.unsure is not None
    assert members(result.unsure).tolist() == list(range(70))
    table = ColumnTable.create(tmp_path / "new" / "folder", OWNER)
    table.append([])
    table.merge()
    assert len(ColumnTable.open(tmp_path / "new" / "folder", OWNER)) == 0
    table.append([{}, {}])
    assert members(table.mask(where).matching).tolist() == [0, 1]


def test_large_segments_are_left_alone_by_small_appends(tmp_path: Path) -> None:
    table = table_of(tmp_path, [{"n": n} for n in range(40_000)])
    for _ in range(9):
        table.append([{"n": -1}] * 3)
    assert segments(tmp_path)[0] == (0, 40_000)
    assert len(segments(tmp_path)) <= 4
    assert count_members(table.mask(parse("n < 0")).matching) == 27


def test_answers_are_kept_and_grow_with_the_table(tmp_path: Path) -> None:
    table = table_of(tmp_path, [{"n": 1}, {"n": True}])
    whole, truth = Compare("n", Operator.EQ, 1), Compare("n", Operator.EQ, True)
    assert whole == truth  # to Python they are equal; their answers are not
    first = table.mask(whole)
    assert table.mask(whole).matching is first.matching
    assert members(first.matching).tolist() == [0]
    assert members(table.mask(truth).matching).tolist() == [1]
    with pytest.raises(ValueError, match="read-only"):
        first.matching[0] = 0
    table.append([{"n": 1}])
    assert members(table.mask(whole).matching).tolist() == [0, 2]
    assert members(table.mask(whole, 1).matching).tolist() == [0]
    for number in range(100):
        table.mask(Compare("n", Operator.EQ, number))
    assert members(table.mask(whole).matching).tolist() == [0, 2]


def test_a_reader_sees_its_state_until_it_refreshes(tmp_path: Path) -> None:
    writer = table_of(tmp_path, [{"n": 0}])
    reader = ColumnTable.open(tmp_path, OWNER)
    where = parse("n >= 0")
    for number in range(1, 20):
        writer.append([{"n": number}])
    assert members(reader.mask(where).matching).tolist() == [0]
    reader.refresh()
    assert members(reader.mask(where).matching).tolist() == list(range(20))


def test_threads_read_while_one_appends(tmp_path: Path) -> None:
    table = ColumnTable.create(tmp_path, OWNER)
    wheres = [parse(f"n >= {least}") for least in range(50)]
    done = Event()

    def read(number: int) -> int:
        seen = 0
        while not done.is_set() or not seen:
            least = number + seen % 40
            result = table.mask(wheres[least])
            assert result.unsure is None
            assert members(result.matching).tolist() == list(range(least, result.count))
            seen += 1
        return seen

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read, number) for number in range(3)]
        try:
            for start in range(0, 300, 10):
                table.append([{"n": number} for number in range(start, start + 10)])
        finally:
            done.set()
        assert all(reader.result() for reader in readers)
    assert len(table) == 300


def test_filters_too_deep_are_refused(tmp_path: Path) -> None:
    tree: Filter = IsNull("a")
    for _ in range(5000):
        tree = Not(tree)
    with pytest.raises(InputError, match="nested deeper than 100"):
        table_of(tmp_path, [{"a": 1}]).mask(tree)
    with pytest.raises(InputError, match="at most 32"):
        ColumnTable.open(tmp_path, b"x" * 33)
