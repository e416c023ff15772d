"""Several neighbouring segments to one, and when to do it."""

from __future__ import annotations

import ctypes
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from nearfield.compiled import check_status
from nearfield.lexical.library import Source, chosen
from nearfield.lexical.postings import Postings, encode, join_keys
from nearfield.lexical.segment import Segment, joined_segment
from nearfield.lexical.vocabulary import NO_MEMORY, held_sections
from nearfield.masks import Mask, flags_of

__all__ = ["GONE", "merge", "renumber", "to_merge"]

GONE = np.uint32(2**32 - 1)
"""The number of a slot that is dropped."""

_SMALL = 512  # segments of no more slots are of the lowest tier
_FANOUT = 4
_PORTION = 1 << 19  # postings that are unpacked at once
_DAMAGED = 1  # nfl_status

UIntArray = npt.NDArray[np.uint32]


def to_merge(sizes: Sequence[int]) -> int:
    """Return how many of the last segments to merge, 0 for none.

    Segments are of tiers, each four times as large as the one below; four neighbours of a tier
    become one of the next, with smaller ones behind them. So a text is written again about once a
    tier, and there are few segments of each.

    Examples
    --------
    >>> to_merge([100] * 3), to_merge([100] * 4), to_merge([90_000, *[2_000] * 4, 100])
    (0, 4, 5)
    """
    tiers = [_tier(size) for size in sizes]
    for tier in range(max(tiers, default=0) + 1):
        count = next((i for i, t in enumerate(reversed(tiers)) if t > tier), len(tiers))
        if tiers[len(tiers) - count :].count(tier) >= _FANOUT:
            return count
    return 0


def _tier(size: int) -> int:
    tier = 0
    while size > _SMALL:
        size //= _FANOUT
        tier += 1
    return tier


def merge(segments: Sequence[Segment], dead: Mask | None = None) -> bytearray:
    """Return the bytes of one segment that holds what neighbouring ones hold.

    Parameters
    ----------
    segments : sequence of Segment
        In order of their slots, without gaps.
    dead : ndarray of uint8, optional
        Packed mask over the collection's slots: these are dropped and take no part in statistics
        any more. Their slots stay.
    """
    base, end = segments[0].first_slot, segments[-1].end
    lengths = np.concatenate([segment.lengths for segment in segments])
    targets = None
    counted = sum(segment.counted for segment in segments)
    if dead is not None:
        gone = flags_of(dead, end)[base:]
        lengths[gone] = 0
        targets = np.where(gone, GONE, np.arange(end - base, dtype=np.uint32))
        counted = int((~gone).sum())
    return _merged_bytes(segments, lengths, targets, base, counted)


def renumber(segments: Sequence[Segment], targets: UIntArray, count: int) -> bytearray:
    """Return the bytes of one segment in which all slots have other numbers.

    Parameters
    ----------
    segments : sequence of Segment
        In order of their slots, from 0 on without gaps.
    targets : ndarray of uint32, shape (slots,)
        The new number of each slot, no two alike; GONE where it is dropped.
    count : int
        Slots of the new segment; every number below is the target of one.
    """
    lengths = np.zeros(count, dtype=np.uint32)
    kept = targets != GONE
    before = [segment.lengths for segment in segments]
    lengths[targets[kept]] = np.concatenate([np.zeros(0, np.uint32), *before])[kept]
    return _merged_bytes(segments, lengths, targets, 0, count)


def _merged_bytes(
    segments: Sequence[Segment],
    lengths: UIntArray,
    targets: UIntArray | None,
    base: int,
    counted: int,
) -> bytearray:
    facts = {
        "first_slot": base,
        "counted": counted,
        "total_length": int(lengths.sum(dtype=np.int64)),
        "has_positions": all(segment.has_positions for segment in segments),
    }
    native = chosen()
    if native is not None:
        return _with_library(native, segments, lengths, targets, facts)
    return _with_numpy(segments, lengths, targets, facts)


def _with_library(
    native: ctypes.CDLL,
    segments: Sequence[Segment],
    lengths: UIntArray,
    targets: UIntArray | None,
    facts: Mapping[str, object],
) -> bytearray:
    sources = (Source * len(segments))(*(segment.source() for segment in segments))
    merged = ctypes.c_void_p()
    status = native.nfl_merge(
        ctypes.addressof(sources), len(segments), lengths.ctypes.data,
        None if targets is None else targets.ctypes.data, bool(facts["has_positions"]),
        ctypes.byref(merged),
    )  # fmt: skip
    if status == _DAMAGED:
        segments[0].refuse()
    check_status(status, refused="", no_memory=NO_MEMORY)
    with held_sections(native, merged.value or 0) as sections:
        return joined_segment(lengths, sections, facts)


def _with_numpy(
    segments: Sequence[Segment],
    lengths: UIntArray,
    targets: UIntArray | None,
    facts: Mapping[str, object],
) -> bytearray:
    base = segments[0].first_slot
    keys = sorted(set().union(*(segment.keys.all() for segment in segments)))
    parts = list(_portions(segments, keys, targets, base))
    kept = np.concatenate([counts for counts, _ in parts]) > 0 if parts else np.zeros(0, bool)
    sections = _joined([encode(_only(c, p), lengths) for c, p in parts])
    names = [key for key, keep in zip(keys, kept.tolist(), strict=True) if keep]
    surfaces: dict[bytes, bytes] = {}
    alive = set(names)
    for segment in segments:
        held = segment.keys.all()
        surfaces |= {s: held[rank] for s, rank in segment.spellings() if held[rank] in alive}
    ranks = {key: rank for rank, key in enumerate(names)}
    spelt = sorted(surfaces)
    raw, ends = join_keys(names)
    surface_raw, surface_ends = join_keys(spelt)
    found: dict[str, npt.NDArray[Any]] = {
        "keys": raw,
        "key_ends": ends,
        **sections,
        "surfaces": surface_raw,
        "surface_ends": surface_ends,
        "surface_terms": np.array([ranks[surfaces[s]] for s in spelt], dtype=np.uint32),
    }
    return joined_segment(lengths, found, facts)


def _portions(
    segments: Sequence[Segment],
    keys: list[bytes],
    targets: UIntArray | None,
    base: int,
) -> Iterator[tuple[npt.NDArray[np.int64], Postings]]:
    """Merge the postings of some keys after the other; counts are by key and may be 0."""
    held = [segment.keys.all() for segment in segments]
    totals = np.zeros(len(keys), dtype=np.int64)
    ranks = {key: rank for rank, key in enumerate(keys)}
    places = [np.array([ranks[key] for key in own], dtype=np.int64) for own in held]
    for segment, place in zip(segments, places, strict=True):
        totals[place] += segment.counts()
    borders = np.searchsorted(
        np.cumsum(totals) // _PORTION, np.arange(1, totals.sum() // _PORTION + 2)
    )
    start = 0
    for stop in np.unique(np.minimum(np.append(borders, len(keys)), len(keys))).tolist():
        if stop > start:
            yield _merged(segments, held, places, (keys, start, stop), targets, base)
            start = stop


def _merged(
    segments: Sequence[Segment],
    held: list[list[bytes]],
    places: list[npt.NDArray[np.int64]],
    span: tuple[list[bytes], int, int],
    targets: UIntArray | None,
    base: int,
) -> tuple[npt.NDArray[np.int64], Postings]:
    keys, start, stop = span
    with_positions = all(segment.has_positions for segment in segments)
    combined, frequencies, marks = [], [], []
    for segment, own, place in zip(segments, held, places, strict=True):
        first = bisect_left(own, keys[start])
        last = len(own) if stop == len(keys) else bisect_left(own, keys[stop])
        if first == last:
            continue
        found = segment.decode(first, last, positions=with_positions)
        term = np.repeat(place[first:last] - start, found.counts)
        slots = found.slots.astype(np.int64) + (segment.first_slot - base)
        if targets is not None:
            slots = targets[slots].astype(np.int64)
        combined.append(term << 32 | slots)
        frequencies.append(found.frequencies)
        if found.positions is not None:
            marks.append(found.positions)
    both, often = np.concatenate(combined), np.concatenate(frequencies)
    order = np.argsort(both, kind="stable")
    if targets is not None:
        order = order[(both[order] & 0xFFFFFFFF) != GONE]
    positions = _reordered(np.concatenate(marks), often, order) if with_positions else None
    both = both[order]
    counts = np.bincount(both >> 32, minlength=stop - start).astype(np.int64)
    kept = (both & 0xFFFFFFFF).astype(np.uint32)
    return counts, Postings(counts, kept, often[order], positions)


def _reordered(
    values: npt.NDArray[np.uint32], sizes: npt.NDArray[np.uint32], order: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint32]:
    """Groups of values in another order."""
    starts = np.cumsum(sizes, dtype=np.int64) - sizes
    taken = sizes[order].astype(np.int64)
    within = np.arange(int(taken.sum())) - np.repeat(np.cumsum(taken) - taken, taken)
    return values[np.repeat(starts[order], taken) + within]


def _only(counts: npt.NDArray[np.int64], postings: Postings) -> Postings:
    """Postings without the terms that have none."""
    return Postings(counts[counts > 0], postings.slots, postings.frequencies, postings.positions)


def _joined(parts: list[dict[str, npt.NDArray[Any]]]) -> dict[str, npt.NDArray[Any]]:
    """Put encoded terms one behind the other."""
    if not parts:
        none = np.zeros(0, np.uint32)
        return encode(Postings(none.astype(np.int64), none, none, None), none)
    blocks = words = tails = marks = 0
    rows = []
    for part in parts:
        terms, table = part["terms"].reshape(-1, 4), part["blocks"].reshape(-1, 5)
        terms += np.array([0, blocks, tails, marks], dtype=np.uint32)
        table[:, 4] += np.uint32(words)
        rows.append(terms[:-1])
        blocks += len(table)
        words += len(part["words"])
        tails += len(part["tails"])
        marks += len(part["positions"])
    rows.append(parts[-1]["terms"].reshape(-1, 4)[-1:])
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    joined["terms"] = np.concatenate(rows).reshape(-1)
    return joined
