"""Rows to chunks: the compiled library and Python agree, and nothing damaged passes."""

from __future__ import annotations

import ctypes
import json
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.errors import StoreCorrupt
from nearfield.stores.local import LocalStore, decoding
from nearfield.stores.local.rows import chunk_digest
from nearfield.types import Chunk

PLACE = Path("collection.db")
texts = st.text(max_size=40) | st.sampled_from(
    ["", '"\\/', "\b\f\n\r\t\0\x1f", "ü €", "🦊" * 9, "\ud800", "a" * 700, "\\u0041"]
)
plain = (
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | texts
    | st.floats(allow_nan=False) | st.sampled_from([1e300, -1.5e-7, 10**17, 10**18, -0.0])
)  # fmt: skip
chunks = st.builds(
    Chunk,
    texts,
    texts,
    texts,
    st.integers(0, 10**12),
    st.integers(0, 10**12),
    texts,
    st.lists(texts, max_size=4).map(tuple),
    st.none() | st.integers(-3, 10**6),
    st.dictionaries(texts, plain | st.lists(plain, max_size=4), max_size=5),
)


def gathered(found: list[Chunk]) -> bytes:
    """What SQLite makes of them: escapes of ASCII only, JSON inside of JSON."""
    rows = []
    for number, chunk in enumerate(found):
        own = chunk.id == chunk.document_id and not chunk.source
        inner = {"ensure_ascii": False, "separators": (",", ":")}
        rows.append(
            [
                number + 1, number, chunk.id, None if own else chunk.document_id, chunk.text,
                chunk.start, chunk.end, None if own else chunk.source,
                json.dumps(chunk.headings, **inner), chunk.page,
                json.dumps(chunk.metadata, **inner), chunk_digest(chunk),
            ]
        )  # fmt: skip
    outer = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return outer.encode("utf-8", "surrogatepass")


def both(data: bytes, rows: np.ndarray, slots: np.ndarray) -> list[Chunk]:
    expected = decoding._with_python(data, rows.tolist(), slots.tolist(), PLACE)
    assert decoding.chunks_of(data, rows, slots, PLACE) == expected
    return expected


@settings(max_examples=300, deadline=None)
@given(st.lists(chunks, max_size=6), st.randoms())
def test_both_ways_give_the_chunks_that_were_stored(found, chance):
    order = np.array(chance.sample(range(len(found)), len(found)), dtype=np.int64)
    assert both(gathered(found), order + 1, order) == [found[place] for place in order]


def test_what_is_plain_is_left_to_the_compiled_library():
    native = decoding.library()
    if native is None:
        pytest.skip("needs the compiled library (a C compiler at installation)")
    metadata = {"a": [1, "x", None], "b": True, "c": -2.5, "d": 1e-7, "e": [], "ü": 'q"\\'}
    found = [
        Chunk("i", "d", "te\n\0xt", 3, 9, "s", ("A", 'B"'), 7, metadata),
        Chunk("own", "own", "🦊", 0, 1),
    ]
    data = gathered(found)
    rows, slots = np.array([2, 1, 2]), np.array([1, 0, 1])
    made = native.nfr_chunks(
        decoding._table(), data, len(data), rows.ctypes.data, slots.ctypes.data, 3
    )
    assert made == [found[1], found[0], found[1]]
    assert made[0] is not made[2]
    assert [type(value) for value in made[1].metadata.values()] == [
        list, bool, float, float, list, str,
    ]  # fmt: skip
    assert isinstance(made[1].headings, tuple)


@settings(max_examples=300, deadline=None)
@given(st.lists(chunks, min_size=1, max_size=2), st.data())
def test_damage_is_named_whatever_byte_it_hits(found, data):
    whole = gathered(found)
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255))
    damaged = bytes([*whole[:at], byte, *whole[at + 1 :]])
    rows = np.arange(1, len(found) + 1)
    try:
        made = decoding.chunks_of(damaged, rows, rows - 1, PLACE)
    except StoreCorrupt:
        return
    assert made == found  # the byte said the same, as 1 and 1.0, or was the same


@pytest.mark.parametrize(("rows", "slots"), [([1], [1]), ([5], [0])])
def test_a_row_that_is_elsewhere_or_missing_is_damage(rows, slots):
    data = gathered([Chunk("a", "a", "x", 0, 1)])
    with pytest.raises(StoreCorrupt, match=f"slot {slots[0]} has the vector of row {rows[0]}"):
        decoding.chunks_of(data, np.array(rows), np.array(slots), PLACE)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=600))
def test_the_digest_is_blake2b(data):
    native = decoding.library()
    if native is None:
        pytest.skip("needs the compiled library (a C compiler at installation)")
    out = ctypes.create_string_buffer(16)
    native.nfr_digest(data, len(data), out)
    assert out.raw == blake2b(data, digest_size=16).digest()


def test_a_store_reads_the_same_without_the_compiled_library(tmp_path, monkeypatch):
    found = [
        Chunk(
            "a\ud800", "d", "lone \udfff\0", 0, 6, "/s", ("H",), 2, {"x": [1.5, "y"], "n": 10**30}
        ),
        Chunk("b", "b", 'plain "text"', 0, 12),
    ]
    vectors = np.eye(2, dtype=np.float32)
    with LocalStore.create(tmp_path / "c.nf", dimension=2) as store:
        store.add(found, vectors)
        fast = store.search(vectors, 2)
        monkeypatch.setattr(decoding, "library", lambda: None)
        assert store.search(vectors, 2) == fast
        assert [hit.chunk for hit in fast[0]] == found
