"""Postings in memory: for each term the slots it stands in, and back to bytes of a segment.

The sections of a segment:

=============  ==================================================================================
``keys``       the terms' bytes one behind the other, in order; ``key_ends`` (terms + 1) borders
``terms``      (terms + 1, 4): slots, index of the first block, start in ``tails``, in ``positions``
``blocks``     (blocks, 5): last slot, largest frequency, least lengths of texts with frequency 1, 2
               and more (10 bits each, the highest stands for all above), bits of slots and of
               frequencies (8 bits each), index of the first word; every block has 128 slots
``words``      packed slots and frequencies − 1 of the blocks (:mod:`~nearfield.lexical.codec`)
``tails``      what is left of a term, < 128 slots: 2 × difference to the slot before, + 1 where a
               frequency > 1 follows; variable-byte numbers
``positions``  for each slot of each term the differences of its positions; variable-byte
``lengths``    positions of each text
``surfaces``   spellings that differ from their stems, ``surface_ends``, ``surface_terms``
=============  ==================================================================================

Slots are counted from the segment's first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nearfield.lexical import codec
from nearfield.lexical.analysis import Occurrences
from nearfield.lexical.codec import BLOCK

__all__ = ["Postings", "decode", "encode", "invert", "join_keys"]

UIntArray = npt.NDArray[np.uint32]
LongArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Postings:
    """Postings of terms, in order of terms and slots.

    Attributes
    ----------
    counts : ndarray of int64, shape (terms,)
        Number of slots of each term.
    slots, frequencies : ndarray of uint32, shape (postings,)
        Frequencies are ≥ 1.
    positions : ndarray of uint32 or None
        `frequencies` ascending positions for each posting.
    """

    counts: LongArray
    slots: UIntArray
    frequencies: UIntArray
    positions: UIntArray | None


def invert(found: Occurrences, *, positions: bool) -> tuple[list[bytes], Postings]:
    """Turn what stands in texts into where terms stand.

    Returns
    -------
    keys : list of bytes
        The terms in UTF-8, ascending.
    postings : Postings
    """
    keys = [term.encode("utf-8", "surrogatepass") for term in found.terms]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    rank = np.empty(len(keys), dtype=np.int64)
    rank[order] = np.arange(len(keys))
    # Sorting (term, occurrence) as one number keeps texts and positions in order and is fast.
    combined = rank[found.term] << 32 | np.arange(len(found.term))
    combined.sort()
    occurrence = combined & 0xFFFFFFFF
    term, slot = combined >> 32, found.text[occurrence]
    begins = np.ones(len(term), dtype=bool)
    begins[1:] = (term[1:] != term[:-1]) | (slot[1:] != slot[:-1])
    starts = np.flatnonzero(begins)
    frequencies = np.diff(np.append(starts, len(term))).astype(np.uint32)
    postings = Postings(
        counts=np.bincount(term[starts], minlength=len(keys)).astype(np.int64),
        slots=slot[starts],
        frequencies=frequencies,
        positions=found.position[occurrence] if positions else None,
    )
    return [keys[i] for i in order], postings


def encode(postings: Postings, lengths: UIntArray) -> dict[str, npt.NDArray[Any]]:
    """Return the sections ``terms``, ``blocks``, ``words``, ``tails`` and ``positions``."""
    counts = postings.counts
    starts = np.cumsum(counts) - counts
    full = counts // BLOCK
    first_block = np.cumsum(full) - full
    blocks, words = _encode_blocks(postings, lengths, starts, full)
    tails, tail_starts = _encode_tails(postings, starts, full)
    marks, mark_starts = _encode_positions(postings, starts)
    terms = np.zeros((len(counts) + 1, 4), dtype=np.uint32)
    terms[:-1, 0], terms[:-1, 1] = counts, first_block
    terms[-1, 1] = len(blocks)
    terms[:, 2], terms[:, 3] = tail_starts, mark_starts
    return {
        "terms": terms.reshape(-1),
        "blocks": blocks.reshape(-1),
        "words": words,
        "tails": tails,
        "positions": marks,
    }


def _encode_blocks(
    postings: Postings, lengths: UIntArray, starts: LongArray, full: LongArray
) -> tuple[UIntArray, UIntArray]:
    number = int(full.sum())
    within = np.arange(number) - np.repeat(np.cumsum(full) - full, full)
    begin = np.repeat(starts, full) + within * BLOCK
    rows = begin[:, None] + np.arange(BLOCK)
    slots, frequencies = postings.slots[rows], postings.frequencies[rows]
    before = np.where(within > 0, postings.slots[begin - 1], 0).astype(np.uint32)
    gaps, extra = codec.deltas(slots, before), frequencies - np.uint32(1)
    bits = np.stack([codec.widths(gaps), codec.widths(extra)], axis=1)
    both = np.stack([gaps, extra], axis=1).reshape(-1, BLOCK)
    words, places = codec.pack(both, bits.reshape(-1))
    blocks = np.zeros((number, 5), dtype=np.uint32)
    if number:
        blocks[:, 0], blocks[:, 1] = slots[:, -1], frequencies.max(axis=1)
        blocks[:, 2] = _least_lengths(np.minimum(lengths[slots], 1023), frequencies)
        blocks[:, 3] = bits[:, 0].astype(np.uint32) | bits[:, 1].astype(np.uint32) << np.uint32(8)
        blocks[:, 4] = places[::2]
    return blocks, words


def _least_lengths(lengths: UIntArray, frequencies: UIntArray) -> UIntArray:
    """Bounds of BM25 whatever its parameters: few postings are both frequent and in short texts."""
    packed = np.zeros(len(lengths), dtype=np.uint32)
    for place, chosen in enumerate((frequencies == 1, frequencies == 2, frequencies > 2)):
        least = np.where(chosen, lengths, 1023).min(axis=1).astype(np.uint32)
        packed |= least << np.uint32(10 * place)
    return packed


def _encode_tails(
    postings: Postings, starts: LongArray, full: LongArray
) -> tuple[npt.NDArray[np.uint8], LongArray]:
    left = postings.counts - full * BLOCK
    begin = starts + full * BLOCK
    within = np.arange(int(left.sum())) - np.repeat(np.cumsum(left) - left, left)
    index = np.repeat(begin, left) + within
    first_of_all = index == np.repeat(starts, left)
    before = np.where(first_of_all, 0, postings.slots[index - 1]).astype(np.uint32)
    frequencies = postings.frequencies[index]
    several = frequencies > 1
    place = np.arange(len(index)) + np.cumsum(several) - several
    values = np.zeros(len(index) + int(several.sum()), dtype=np.uint32)
    values[place] = (postings.slots[index] - before) << np.uint32(1) | several
    values[place[several] + 1] = frequencies[several]
    data, ends = codec.variable_encode(values)
    sizes = np.bincount(np.repeat(np.arange(len(left)), left), 1 + several, minlength=len(left))
    return data, ends[np.concatenate([[0], np.cumsum(sizes).astype(np.int64)])]


def _encode_positions(
    postings: Postings, starts: LongArray
) -> tuple[npt.NDArray[np.uint8], LongArray]:
    if postings.positions is None:
        return np.zeros(0, np.uint8), np.zeros(len(starts) + 1, np.int64)
    gaps = np.diff(postings.positions, prepend=np.uint32(0)).astype(np.uint32)
    ends = np.concatenate([[0], np.cumsum(postings.frequencies, dtype=np.int64)])
    gaps[ends[:-1]] = postings.positions[ends[:-1]]
    data, places = codec.variable_encode(gaps)
    return data, places[ends[np.append(starts, len(postings.frequencies))]]


def decode(
    sections: dict[str, npt.NDArray[Any]], first: int, last: int, *, positions: bool
) -> Postings:
    """Undo :func:`encode` for terms `first` to `last`."""
    terms = sections["terms"].reshape(-1, 4).astype(np.int64)[first : last + 1]
    counts = terms[:-1, 0]
    full = counts // BLOCK
    starts = np.cumsum(counts) - counts
    slots = np.zeros(int(counts.sum()), dtype=np.uint32)
    frequencies = np.ones_like(slots)
    ends = np.zeros(len(counts), dtype=np.uint32)  # last slot of each term's blocks
    if full.any():
        table = sections["blocks"].reshape(-1, 5)[terms[0, 1] : terms[-1, 1]]
        within = np.arange(len(table)) - np.repeat(np.cumsum(full) - full, full)
        rows = (np.repeat(starts, full) + within * BLOCK)[:, None] + np.arange(BLOCK)
        bits = np.stack([table[:, 3] & 255, table[:, 3] >> 8], axis=1).astype(np.uint8)
        place = table[:, 4].astype(np.int64)
        places = np.stack([place, place + bits[:, 0].astype(np.int64) * 4], axis=1)
        both = codec.unpack(sections["words"], places.reshape(-1), bits.reshape(-1))
        before = np.where(within > 0, np.roll(table[:, 0], 1), 0).astype(np.uint32)
        slots[rows] = codec.undo_deltas(both[::2], before)
        frequencies[rows] = both[1::2] + np.uint32(1)
        ends[full > 0] = table[np.cumsum(full)[full > 0] - 1, 0]
    _decode_tails(sections["tails"][terms[0, 2] : terms[-1, 2]], counts, ends, slots, frequencies)
    marks = None
    if positions:
        gaps = codec.variable_decode(sections["positions"][terms[0, 3] : terms[-1, 3]])
        marks = codec.running(gaps, frequencies)
    return Postings(counts, slots, frequencies, marks)


def _decode_tails(
    data: npt.NDArray[np.uint8],
    counts: LongArray,
    ends: UIntArray,
    slots: UIntArray,
    frequencies: UIntArray,
) -> None:
    left = counts % BLOCK
    total = int(left.sum())
    if not total:
        return
    values = codec.variable_decode(data)
    place = _tail_places(values, total)
    gaps = values[place] >> np.uint32(1)
    several = (values[place] & np.uint32(1)).astype(bool)
    begin = np.cumsum(counts) - left
    first = np.cumsum(left) - left
    index = np.repeat(begin - first, left) + np.arange(total)
    some = left > 0
    gaps[first[some]] += ends[some]
    slots[index] = codec.running(gaps, left[some].astype(np.uint32))
    frequencies[index[several]] = values[place[several] + 1]


def _tail_places(values: UIntArray, total: int) -> LongArray:
    """Which numbers are slots: each odd one is followed by a frequency, which may be odd, too."""
    if len(values) == total:
        return np.arange(total)
    # After an even number comes a slot. From there on, as long as numbers are odd, slots and
    # frequencies take turns.
    number = np.arange(len(values))
    after_odd = np.concatenate([[False], (values[:-1] & np.uint32(1)).astype(bool)])
    started = np.maximum.accumulate(np.where(after_odd, 0, number))
    is_follower = after_odd & ((number - started) % 2 == 1)
    return np.flatnonzero(~is_follower)


def join_keys(keys: Sequence[bytes]) -> tuple[npt.NDArray[np.uint8], UIntArray]:
    """Return the bytes of all keys, and their borders, shape (keys + 1,)."""
    ends = np.zeros(len(keys) + 1, dtype=np.uint32)
    ends[1:] = np.cumsum([len(key) for key in keys])
    return np.frombuffer(b"".join(keys), np.uint8), ends
