"""Sets of slots as packed bits, against sets of numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield import masks
from nearfield.masks import (
    count_members,
    everything,
    flags_of,
    mask_bytes,
    mask_of,
    members,
    nothing,
    pack_mask,
    place,
    resized,
    trimmed,
)


@settings(max_examples=50, deadline=None)
@given(total=st.integers(0, 300), data=st.data())
def test_masks_hold_what_they_are_given(total: int, data: st.DataObject) -> None:
    some = sorted(data.draw(st.sets(st.integers(0, max(0, total - 1)), max_size=total)))
    mask = mask_of(np.array(some, dtype=np.int64), total)
    assert len(mask) == mask_bytes(total)
    assert len(mask) % 8 == 0
    assert members(mask).tolist() == some
    assert members(mask).dtype == np.int64
    assert count_members(mask) == len(some)
    assert np.flatnonzero(flags_of(mask, total)).tolist() == some
    assert pack_mask(flags_of(mask, total)).tolist() == mask.tolist()
    assert members(everything(total)).tolist() == list(range(total))
    assert count_members(everything(total) & ~mask) == total - len(some)
    assert count_members(nothing(total)) == 0


def test_members_are_counted_alike_by_numpy_and_by_table(monkeypatch: pytest.MonkeyPatch) -> None:
    mask = mask_of(np.array([0, 7, 63, 64, 9_999]), 10_000)
    assert count_members(mask) == 5
    monkeypatch.setattr(masks, "_COUNT_BITS", None)  # as with NumPy 1
    assert count_members(mask) == 5


def test_members_of_sparse_and_of_dense_masks() -> None:
    for slots in ([0, 64_000], [63, 64, 127, 9_999], range(0, 5000, 3)):
        assert members(mask_of(np.array(slots), 70_000)).tolist() == list(slots)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 200), st.integers(0, 200))
def test_other_numbers_of_slots(held: int, wanted: int) -> None:
    mask = everything(held)
    other = trimmed(resized(mask, wanted), wanted)
    assert len(other) == mask_bytes(wanted)
    assert members(other).tolist() == list(range(min(held, wanted)))
    assert flags_of(mask, wanted).tolist() == [slot < held for slot in range(wanted)]
    assert trimmed(mask, held) is mask


@settings(max_examples=50, deadline=None)
@given(st.lists(st.booleans(), max_size=200), st.integers(0, 150), st.integers(0, 300))
def test_placing_masks(flags: list[bool], start: int, count: int) -> None:
    into = nothing(count)
    place(pack_mask(np.array(flags, dtype=np.bool_)), into, start)
    expected = [start + n for n, flag in enumerate(flags) if flag and start + n < len(into) * 8]
    assert members(into).tolist() == expected
