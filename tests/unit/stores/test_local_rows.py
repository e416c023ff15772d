"""Rows of a batch are written as each would be by itself."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nearfield.errors import DuplicateId
from nearfield.stores.local import LocalStore
from nearfield.stores.local.beside import beside, side_by_side
from nearfield.stores.local.rows import _metadata_texts, _plain
from nearfield.types import Chunk

texts = st.text(st.sampled_from('ab{}[],:"\\\n\0é\ud800e+-0123456789.NaInfty'), max_size=24)
values = st.one_of(
    texts, st.integers(), st.floats(), st.booleans(), st.none(), st.lists(texts | st.integers())
)
fields = st.dictionaries(texts, values, max_size=3)


def chunks_of(metadata):
    return [Chunk(f"c{n}", "d", "text", 0, 4, metadata=each) for n, each in enumerate(metadata)]


@given(st.lists(fields, max_size=5))
@example([{"a": "},{"}, {"b": "},{"}])
@example([{}, {"a": 1}, {}])
def test_metadata_of_many_is_the_json_of_each(metadata):
    expected = [json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in metadata]
    assert _metadata_texts(chunks_of(metadata)) == expected


def is_odd(value):
    """What SQLite reads otherwise than Python."""
    if isinstance(value, list):
        return any(map(is_odd, value))
    if isinstance(value, str):
        return "\0" in value or any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, float):
        return not math.isfinite(value) or abs(value) >= 1e100 or 0 < abs(value) <= 1e-100
    return isinstance(value, int) and abs(value) >= 10**18


@given(st.lists(fields, max_size=5))
@example([{"n": 10**18}, {"n": 1}])
@example([{"n": 1e100}])
@example([{"n": [1, -1e-100]}])
@example([{"n": math.nan}, {"n": "fine"}])
def test_no_odd_value_passes_for_a_plain_one(metadata):
    chunks = chunks_of(metadata)
    found = _plain(chunks, ["[]"] * len(chunks), _metadata_texts(chunks))
    for plain, each in zip(found, metadata, strict=True):
        assert not (plain and any(is_odd(part) for pair in each.items() for part in pair))
    assert all(_plain(chunks_of([{"n": 1, "s": "a"}] * 3), ["[]"] * 3, ['{"n":1,"s":"a"}'] * 3))


def test_rows_with_odd_texts_come_back_among_many(tmp_path):
    import numpy as np

    chunks = [
        Chunk(f"id\ud800{n}" if n % 90 == 7 else f"id{n}", "d", f"text \0 {n}", 0, 8)
        for n in range(200)
    ]
    rows = np.ones((200, 2), dtype=np.float32)
    with LocalStore.create(tmp_path / "c.nf", dimension=2) as store:
        store.add(chunks[:100], rows[:100])
        with pytest.raises(DuplicateId, match="'id99' is there already"):
            store.add([*chunks[150:], chunks[99]], rows[:51])
        store.upsert(chunks[50:], rows[50:])
        assert [chunk for chunk, _ in store.scan()] == chunks


def test_work_beside_a_block_is_awaited_and_its_errors_are_raised(monkeypatch):
    done = []
    with beside(lambda: done.append(1)):
        pass
    assert done == [1]
    with pytest.raises(ZeroDivisionError), beside(lambda: 1 / 0):
        pass
    with pytest.raises(KeyError), beside(lambda: 1 / 0):
        raise KeyError
    assert side_by_side([lambda: 1, lambda: 2, lambda: 3]) == [1, 2, 3]

    def ending(thread):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr("threading.Thread.start", ending)
    assert side_by_side([lambda: 1, lambda: 2]) == [1, 2]
