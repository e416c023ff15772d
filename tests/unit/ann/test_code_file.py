"""The file of codes: damage is found, a crash leaves the state before, readers see a prefix."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from nearfield.ann.code_file import CodeFile, Commit
from nearfield.ann.codes import Codes
from nearfield.ann.damage import DamagedIndex
from nearfield.ann.segments import SEGMENT, UNIT, Layout, Parts
from nearfield.errors import FormatVersionError, StoreCorrupt, StoreError, StoreFull
from nearfield.metric import Metric

ROWS = np.random.default_rng(0).standard_normal((2500, 16)).astype(np.float32)
COMMITS = 4096


@pytest.fixture
def path(tmp_path):
    place = tmp_path / "codes"
    codes = Codes.create(
        place, dimension=16, metric=Metric.COSINE, sample=ROWS, seed=3, tag=b"generation 7"
    )
    codes.append(ROWS[:2000])
    codes.append(ROWS[2000:])
    codes.close()
    return place


def flip(path, offset, bit=1):
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ bit]))


def segments_start(path):
    return path.stat().st_size - Layout(64, SEGMENT).end(3 * UNIT)


def test_what_was_written_is_read_again(path):
    codes = Codes.open(path)
    assert (len(codes), codes.dimension, codes.metric) == (2500, 16, Metric.COSINE)
    assert codes.tag == b"generation 7"
    assert codes.space.seed == 3
    assert codes.verify() == ()
    assert codes.search(ROWS[[0, 2499]], 1).slots.tolist() == [[0], [2499]]


def test_a_vector_takes_204_bytes_at_384_dimensions():
    assert Layout(384, SEGMENT).size == 204 * SEGMENT
    assert Layout(384, UNIT).size % 4096 == 0


@pytest.mark.parametrize("offset", [0, 9, 13, 30, 50, 100])
def test_a_flipped_bit_in_the_header_is_found(path, offset):
    flip(path, offset)
    with pytest.raises(DamagedIndex, match=r"is not a file of codes|header .* does not have"):
        Codes.open(path)


def test_a_flipped_bit_in_the_centre_is_found(path):
    flip(path, 8192 + 5)
    with pytest.raises(StoreCorrupt, match=r"the centre in .* does not have its checksum"):
        Codes.open(path)


@pytest.mark.parametrize("unit", [0, 1, 2])
@pytest.mark.parametrize("part", ["block", "row"])
def test_a_flipped_bit_in_the_codes_is_named_by_its_unit(path, unit, part):
    layout, small = Layout(64, SEGMENT), Layout(64, UNIT)
    inside = {
        "block": unit * small.rows + 10,
        "row": layout.rows + unit * UNIT * layout.row_bytes + 12,
    }[part]
    flip(path, segments_start(path) + inside)
    codes = Codes.open(path)
    assert codes.verify() == (unit,)
    assert codes.verify(unit + 1) == ()


def test_a_flipped_bit_in_a_checksum_is_found(path):
    flip(path, 8192 + 4096 + 4)
    assert Codes.open(path).verify() == (1,)


def test_places_that_are_not_in_use_do_not_count(path):
    flip(path, segments_start(path) + Layout(64, SEGMENT).end(2600))
    assert Codes.open(path).verify() == ()


@pytest.mark.parametrize("lost", [1, 32 * UNIT, 100_000])
def test_a_file_that_was_cut_off_is_found(path, lost):
    os.truncate(path, path.stat().st_size - lost)
    with pytest.raises(DamagedIndex, match="it was cut off; build it again"):
        Codes.open(path)


def test_other_files_are_refused(path, tmp_path):
    other = tmp_path / "other"
    with pytest.raises(DamagedIndex, match="cannot be opened: No such file"):
        Codes.open(other)
    for content in (b"", b"NFCODES\0", os.urandom(5000)):
        other.write_bytes(content)
        with pytest.raises(DamagedIndex, match="is not a file of codes"):
            Codes.open(other)


def test_another_format_is_refused(path, monkeypatch):
    monkeypatch.setattr("nearfield.ann.code_file.FORMAT", 3)
    with pytest.raises(FormatVersionError, match="has format 2, expected 3"):
        Codes.open(path)


def test_a_torn_commit_falls_back_to_the_one_before(path):
    # Three commits were written in turn: the empty file, 2000, 2500.
    flip(path, COMMITS + 3 % 2 * 512 + 8)
    codes = Codes.open(path)
    assert len(codes) == 2000
    flip(path, COMMITS + 2 % 2 * 512 + 8)
    with pytest.raises(DamagedIndex, match="no intact commit record"):
        Codes.open(path)


def test_what_was_written_before_a_crash_is_written_over(path):
    file = CodeFile(path, write=True)
    garbage = np.full(Layout(64, UNIT).size, 0xAB, dtype=np.uint8)
    kept = Parts.of(file.read_unit(2), Layout(64, UNIT))
    file.write_unit(3, garbage)  # no commit follows
    file.close()
    codes = Codes.open(path, write=True)
    assert len(codes) == 2500
    assert codes.verify() == ()
    assert kept.checksum(2500 - 2 * UNIT) == file_checksum(codes)
    codes.append(ROWS)
    assert codes.verify() == ()
    assert codes.search(ROWS[5:6], 2).slots.tolist() == [[5, 2505]]


def file_checksum(codes):
    return codes._commit.tail


def test_readers_see_a_prefix_until_they_refresh(path):
    reader, writer = Codes.open(path), Codes.open(path, write=True)
    before = reader.search(ROWS[:3], 5)
    extra = np.random.default_rng(1).standard_normal((20000, 16)).astype(np.float32)
    writer.append(extra)
    after = reader.search(ROWS[:3], 5)
    np.testing.assert_array_equal(before.slots, after.slots)
    assert len(reader) == 2500
    assert reader.search(extra[-1:], 1).slots[0, 0] < 2500
    assert reader.refresh() == 22500
    assert reader.search(extra[-1:], 1).slots.tolist() == [[22499]]
    assert reader.verify() == ()


def test_a_full_disk_leaves_what_there_was(path, monkeypatch):
    codes = Codes.open(path, write=True)
    real, left = os.pwrite, [2]

    def pwrite(file, data, place):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(file, data, place)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with pytest.raises(StoreFull, match="what it held still counts"):
        codes.append(ROWS)
    monkeypatch.undo()
    again = Codes.open(path, write=True)
    assert len(codes) == len(again) == 2500
    assert again.verify() == ()
    codes.append(ROWS[:10])
    assert len(codes) == 2510


def test_commits_alternate(path):
    file = CodeFile(path, write=True)
    first = file.read_commit()
    assert (first.sequence, first.count) == (3, 2500)
    file.commit(Commit(4, 2400, 1))
    assert file.read_commit() == Commit(4, 2400, 1)
    file.close()


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(StoreError, match="could not be written: No such file"):
        Codes.create(tmp_path / "no" / "codes", dimension=2, metric=Metric.DOT, sample=ROWS[:0, :2])
