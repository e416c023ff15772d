"""Damaged, torn, foreign and missing column files: found and named, never answered from."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from nearfield.errors import FormatVersionError, StoreCorrupt
from nearfield.filters import parse
from nearfield.masks import members
from nearfield.stores.columns import ColumnTable

OWNER = b"owner"
ROWS = [
    {
        "lang": ["en", "de"][number % 2],
        "year": 1900 + number % 100,
        "tags": [f"t{number % 30}", "x"],
        "id": f"an identifier that is long enough to be hashed {number}",
        "mixed": [None, 2**70, 1.5, "a"][number % 4],
    }
    for number in range(2000)
]
CONDITIONS = ['lang = "en"', "year > 1950", 'tags = "t3"', 'id = "x"', "mixed > 1", "year is null"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    ColumnTable.create(tmp_path, OWNER).append(ROWS)
    (path,) = tmp_path.glob("columns-*")
    return path


def use(folder: Path) -> list[list[int]]:
    """Everything a reader does; raises StoreCorrupt where the file is not what was written."""
    table = ColumnTable.open(folder, OWNER)
    answers = [members(table.mask(parse(condition)).matching).tolist() for condition in CONDITIONS]
    table.verify()
    return answers


def test_every_flipped_bit_is_found(path: Path) -> None:
    whole = path.read_bytes()
    expected = use(path.parent)
    random = np.random.default_rng(0)
    spots = {0, 9, 20, 131, len(whole) - 1, *random.integers(0, len(whole), 150).tolist()}
    for spot in sorted(spots):
        damaged = bytearray(whole)
        damaged[spot] ^= 1 << int(random.integers(8))
        path.write_bytes(damaged)
        try:
            answers = use(path.parent)
        except StoreCorrupt as error:
            assert str(path) in str(error)
        else:
            # Only the filling between header, arrays and directory is not checked: it says nothing.
            assert answers == expected
            assert whole[spot] == 0


@pytest.mark.parametrize("left", [0, 1, 100, 128, 5000, -1])
def test_a_truncated_file_is_found(path: Path, left: int) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:left])
    with pytest.raises(StoreCorrupt, match="damaged"):
        ColumnTable.open(path.parent, OWNER)
    path.write_bytes(whole + b"\0")
    with pytest.raises(StoreCorrupt, match="were written"):
        ColumnTable.open(path.parent, OWNER)


def test_damage_of_a_column_leaves_the_others_readable(path: Path) -> None:
    damaged = bytearray(path.read_bytes())
    at = damaged.index(b"t0t1t10t11")
    damaged[at] ^= 1
    path.write_bytes(damaged)
    table = ColumnTable.open(path.parent, OWNER)
    assert len(members(table.mask(parse('lang = "en"')).matching)) == 1000
    with pytest.raises(StoreCorrupt, match="does not have its checksum"):
        table.mask(parse('tags = "t3"'))
    with pytest.raises(StoreCorrupt, match=r"delete it, and it is made again"):
        table.verify()


def test_files_of_others_are_refused(path: Path) -> None:
    with pytest.raises(StoreCorrupt, match="belongs to another collection"):
        ColumnTable.open(path.parent, b"somebody")
    renamed = path.with_name("columns-0000000000-0000001999.nfc")
    path.rename(renamed)
    with pytest.raises(StoreCorrupt, match="other slots than its name says"):
        ColumnTable.open(path.parent, OWNER)


def test_another_format_is_named(path: Path) -> None:
    import struct
    import zlib

    whole = bytearray(path.read_bytes())
    whole[8:12] = struct.pack("<I", 99)
    whole[64:68] = struct.pack("<I", zlib.crc32(whole[:64]))
    path.write_bytes(whole)
    with pytest.raises(FormatVersionError, match="has format 99"):
        ColumnTable.open(path.parent, OWNER)


def test_a_crash_between_merge_and_deletion_costs_nothing(tmp_path: Path) -> None:
    table = ColumnTable.create(tmp_path / "a", OWNER)
    for start in range(0, 90, 30):
        table.append(ROWS[start : start + 30])
    parts = tmp_path / "parts"
    shutil.copytree(tmp_path / "a", parts)
    table.merge()
    for old in parts.iterdir():
        shutil.copy(old, tmp_path / "a")
    (tmp_path / "a" / ".columns-0000000000-0000000090.nfc.1.new").write_bytes(b"torn")
    (tmp_path / "a" / "columns-0000000120-0000000150.nfc").write_bytes(b"behind a gap")
    again = ColumnTable.open(tmp_path / "a", OWNER)
    assert len(again) == 90
    assert members(again.mask(parse('lang = "de"')).matching).tolist() == list(range(1, 90, 2))
    again.append(ROWS[90:100])
    assert len(ColumnTable.open(tmp_path / "a", OWNER)) == 100
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "columns-0000000000-0000000090.nfc",
        "columns-0000000090-0000000100.nfc",
    ]


def test_create_starts_afresh(path: Path) -> None:
    path.write_bytes(b"damaged")
    table = ColumnTable.create(path.parent, OWNER)
    assert not list(path.parent.glob("columns-*"))
    table.append(ROWS[:5])
    assert len(ColumnTable.open(path.parent, OWNER)) == 5


def test_a_disk_that_does_not_take_it_changes_nothing(path: Path) -> None:
    table = ColumnTable.open(path.parent, OWNER)
    (path.parent / "columns-0000002000-0000002001.nfc").mkdir()
    with pytest.raises(OSError, match=r"columns-0000002000|directory"):
        table.append([{"lang": "fr"}])
    assert len(table) == 2000
    assert not list(path.parent.glob(".columns*"))
