import json
import os
import shutil

import numpy as np
import pytest

from nearfield.errors import FormatVersionError, StoreReadOnly
from nearfield.lexical import DamagedIndex, Language, Lexical, available
from nearfield.lexical.container import Container, build
from nearfield.lexical.library import KERNEL_VARIABLE
from nearfield.lexical.merging import to_merge
from nearfield.lexical.postings import Postings, encode, join_keys
from nearfield.lexical.scoring import Clause, Formula, Weighing, best
from nearfield.lexical.segment import Segment
from nearfield.lexical.shelf import Shelf

KERNELS = ["none", *available().kernels]
TEXTS = [f"text number {i} ant bee {'cod ' * (i % 5)}{i * 7919 % 1000}" for i in range(1500)]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    path = tmp_path_factory.mktemp("pristine")
    Lexical.create(path, language=Language.NONE).append(TEXTS)
    return path


@pytest.fixture
def place(pristine, tmp_path):
    shutil.copytree(pristine, tmp_path / "index")
    return tmp_path / "index"


def segment_of(place):
    (path,) = place.glob("segment-*.nft")
    return path


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)


def test_opened_again_it_finds_the_same(place):
    before = Lexical.open(place).search("ant cod 77", 20)
    index = Lexical.open(place, write=True)
    index.append(["ant cod"])
    assert len(Lexical.open(place)) == 1501
    after = Lexical.open(place).search("ant cod 77", 20)
    assert before.slots.tolist()[0] == after.slots.tolist()[0]
    Lexical.open(place).verify()


def test_a_reader_sees_what_was_appended_when_it_refreshes(place):
    reader, writer = Lexical.open(place), Lexical.open(place, write=True)
    assert not reader.refresh()
    writer.append(["a new zebra"])
    writer.optimise()
    assert reader.search("zebra").slots.tolist() == []
    assert len(reader.search("ant", 2000).slots) == 1500  # the deleted file is still mapped
    assert reader.refresh()
    assert reader.search("zebra").slots.tolist() == [1500]


def test_the_tail_is_let_go_when_it_is_written(place):
    index = Lexical.open(place, write=True)
    index.extend_tail(["zebra one"])
    index.extend_tail(["zebra two"])
    assert (len(index), index.stored) == (1502, 1500)
    assert index.search("zebra").slots.tolist() == [1500, 1501]
    index.append(["zebra one", "zebra two"])
    assert (len(index), index.stored) == (1502, 1502)
    assert index.search("zebra").slots.tolist() == [1500, 1501]


def test_a_reader_does_not_write(place):
    with pytest.raises(StoreReadOnly, match="reading only"):
        Lexical.open(place).append(["x"])


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_flipped_byte_is_found(place, kernel, monkeypatch):
    """In the page of facts at once, anywhere else by verify, and by a search that needs it."""
    monkeypatch.setenv(KERNEL_VARIABLE, kernel)
    path = segment_of(place)
    size = path.stat().st_size
    pristine = path.read_bytes()
    expected = Lexical.open(place).search('ant +cod "ant bee" num*', 50)
    for at in [3, 20, 4095, *np.linspace(4096, size - 1, 40).astype(int).tolist()]:
        path.write_bytes(pristine)
        flip(path, at)
        with pytest.raises(DamagedIndex, match="rebuild"):
            Lexical.open(place).verify()
        try:
            found = Lexical.open(place).search('ant +cod "ant bee" num*', 50)
        except DamagedIndex:
            continue
        # What it did not need may be damaged; what it found is right.
        assert np.array_equal(found.slots, expected.slots)
        assert np.array_equal(found.scores, expected.scores)


@pytest.mark.parametrize("size", [0, 100, 4096, 20_000])
def test_truncated_files_are_refused(place, size):
    os.truncate(segment_of(place), size)
    with pytest.raises(DamagedIndex):
        Lexical.open(place)


def test_missing_and_damaged_manifests_are_refused(place):
    flip(place / "manifest.json", 5)
    with pytest.raises(DamagedIndex, match=r"manifest.json is damaged"):
        Lexical.open(place)
    (place / "manifest.json").unlink()
    with pytest.raises(DamagedIndex, match="holds no index"):
        Lexical.open(place)


def test_a_missing_segment_is_refused(place):
    segment_of(place).unlink()
    with pytest.raises(DamagedIndex, match="is missing"):
        Lexical.open(place)


def test_another_version_or_analysis_is_refused(place, tmp_path):
    shelf = Shelf.create(
        tmp_path / "other",
        {"kind": "text", "language": "none", "analysis": "nearfield-0", "positions": "True"},
    )
    with pytest.raises(DamagedIndex, match=r"nearfield-0.*nearfield-1"):
        Lexical.open(shelf.path)
    path = segment_of(place)
    data = bytearray(path.read_bytes())
    data[8] = 99
    import zlib

    data[4092:4096] = zlib.crc32(bytes(data[:4092])).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(FormatVersionError, match="99"):
        Lexical.open(place)


def test_creating_replaces_what_was_there(place):
    index = Lexical.create(place)
    assert len(index) == 0
    assert not list(place.glob("segment-*"))


def test_merging_keeps_segments_few():
    sizes, written, most = [], 0, 0
    for _ in range(2000):
        sizes.append(100)
        while count := to_merge(sizes):
            written += sum(sizes[-count:])
            sizes[-count:] = [sum(sizes[-count:])]
        most = max(most, len(sizes))
    assert sum(sizes) == 200_000
    assert most <= 20
    assert written <= 8 * 200_000


def test_what_is_appended_in_pieces_equals_what_is_appended_at_once(tmp_path):
    one = Lexical.create(tmp_path / "one", language=Language.NONE)
    one.append(TEXTS)
    many = Lexical.create(tmp_path / "many", language=Language.NONE)
    for begin in range(0, 1500, 40):
        many.append(TEXTS[begin : begin + 40])
    many.optimise()
    first, second = segment_of(one_path := tmp_path / "one"), segment_of(tmp_path / "many")
    assert first.read_bytes() == second.read_bytes()
    assert one_path != second.parent


def test_facts_are_readable(place):
    page = segment_of(place).read_bytes()[:4096]
    length = int.from_bytes(page[12:16], "little")
    facts = json.loads(page[16 : 16 + length])
    assert (facts["slots"], facts["counted"]) == (1500, 1500)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("frequencies", [[1, 0], [0, 1], [2, 2]])
def test_positions_that_do_not_fit_their_frequencies_are_refused(frequencies, kernel, monkeypatch):
    """A word stands at 3 and 5 of one text, and at 7 of another."""
    monkeypatch.setenv(KERNEL_VARIABLE, kernel)
    lengths = np.full(2, 9, np.uint32)
    one = Postings(
        np.array([2]), np.array([0, 1], np.uint32), np.array([2, 1], np.uint32),
        np.array([3, 5, 7], np.uint32),
    )  # fmt: skip
    keys, ends = join_keys([b"ant"])
    sections = {"lengths": lengths, "keys": keys, "key_ends": ends, **encode(one, lengths)}
    sections |= {"surfaces": keys[:0], "surface_ends": ends[:1] * 0, "surface_terms": ends[:0]}
    facts = {"first_slot": 0, "slots": 2, "counted": 2, "total_length": 1, "has_positions": True}
    held = Segment(Container(build(facts, sections), "odd"))
    packed = held.find(b"ant")
    assert held.positions(packed, np.array([2, 1], np.float32)).tolist() == [3, 5, 7]
    with pytest.raises(DamagedIndex):
        held.positions(packed, np.array(frequencies, np.float32))


@pytest.mark.skipif(not available().usable, reason="needs the compiled library")
@pytest.mark.parametrize("stray", [3, 4999, 5001])
def test_a_block_that_does_not_ascend_is_refused(stray, monkeypatch):
    """Sums of a window are addressed by slots: one before it would be written elsewhere."""
    monkeypatch.delenv(KERNEL_VARIABLE, raising=False)
    slots = np.arange(5000, 5128, dtype=np.uint32)
    slots[2] = stray
    ones, lengths = np.ones(256, np.uint32), np.full(6000, 7, np.uint32)
    both = Postings(np.array([128, 128]), np.concatenate([slots, slots]), ones, None)
    keys, ends = join_keys([b"ant", b"bee"])
    sections = {"lengths": lengths, "keys": keys, "key_ends": ends, **encode(both, lengths)}
    sections |= {"surfaces": keys[:0], "surface_ends": ends[:1] * 0, "surface_terms": ends[:0]}
    facts = {"first_slot": 0, "slots": 6000, "counted": 6000, "total_length": 1}
    held = Segment(Container(build(facts | {"has_positions": False}, sections), "odd"))
    clauses = [Clause(key, 1.0, ((0, held.find(key.encode())),)) for key in ("ant", "bee")]
    with pytest.raises(DamagedIndex):
        best([held], clauses, Weighing(Formula.BM25, 1.2, 0.75, 7.0), 10, None)
