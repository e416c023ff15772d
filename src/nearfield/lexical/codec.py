"""Numbers packed into few bits: blocks of 128, and variable-byte numbers.

A block holds 128 numbers of `bits` bits each in four lanes, number i in lane i % 4, so that one
vector instruction unpacks four of them (D. Lemire, L. Boytsov, "Decoding billions of integers
per second through vectorization", 2015). Slots are stored as differences to the slot four before.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = [
    "BLOCK", "deltas", "pack", "running", "undo_deltas", "unpack", "variable_decode",
    "variable_encode", "widths",
]  # fmt: skip

BLOCK = 128
_LANES = 4
_ROWS = BLOCK // _LANES

UIntArray = npt.NDArray[np.uint32]
ByteArray = npt.NDArray[np.uint8]


def widths(blocks: UIntArray) -> ByteArray:
    """Bits that the largest number of each block needs, 0 to 32; `blocks` has shape (n, 128)."""
    largest = blocks.max(axis=1) if len(blocks) else np.zeros(0, np.uint32)
    return np.where(largest > 0, np.frexp(largest.astype(np.float64))[1], 0).astype(np.uint8)


def pack(blocks: UIntArray, bits: ByteArray) -> tuple[UIntArray, npt.NDArray[np.int64]]:
    """Pack blocks one behind the other.

    Parameters
    ----------
    blocks : ndarray of uint32, shape (n, 128)
    bits : ndarray of uint8, shape (n,)

    Returns
    -------
    words : ndarray of uint32
        Four words a bit and block.
    starts : ndarray of int64, shape (n,)
        Index of each block's first word.
    """
    sizes = bits.astype(np.int64) * _LANES
    starts = np.cumsum(sizes) - sizes
    words = np.zeros(int(sizes.sum()), dtype=np.uint32)
    for width in np.unique(bits[bits > 0]).tolist():
        chosen = np.flatnonzero(bits == width)
        packed = _pack_lanes(blocks[chosen].reshape(-1, _ROWS, _LANES), width)
        words[starts[chosen, None] + np.arange(width * _LANES)] = packed
    return words, starts


def _pack_lanes(values: UIntArray, width: int) -> UIntArray:
    packed = np.zeros((len(values), width + 1, _LANES), dtype=np.uint32)
    for row in range(_ROWS):
        word, shift = divmod(row * width, 32)
        packed[:, word] |= values[:, row] << np.uint32(shift)
        if shift + width > 32:
            packed[:, word + 1] |= values[:, row] >> np.uint32(32 - shift)
    return packed[:, :width].reshape(len(values), -1)


def unpack(words: UIntArray, starts: npt.NDArray[np.int64], bits: ByteArray) -> UIntArray:
    """Undo :func:`pack`; the result has shape (n, 128)."""
    values = np.zeros((len(bits), _ROWS, _LANES), dtype=np.uint32)
    for width in np.unique(bits[bits > 0]).tolist():
        chosen = np.flatnonzero(bits == width)
        taken = words[starts[chosen, None] + np.arange(width * _LANES)]
        lanes = taken.reshape(-1, width, _LANES)
        mask = np.uint32((1 << width) - 1)
        for row in range(_ROWS):
            word, shift = divmod(row * width, 32)
            value = lanes[:, word] >> np.uint32(shift)
            if shift + width > 32:
                value = value | (lanes[:, word + 1] << np.uint32(32 - shift))
            values[chosen, row] = value & mask
    return values.reshape(-1, BLOCK)


def deltas(slots: UIntArray, before: UIntArray) -> UIntArray:
    """Differences to the slot four before; `before` (n,) is the slot before each block."""
    earlier = np.empty_like(slots)
    earlier[:, :_LANES] = before[:, None]
    earlier[:, _LANES:] = slots[:, :-_LANES]
    return slots - earlier


def undo_deltas(differences: UIntArray, before: UIntArray) -> UIntArray:
    """Undo :func:`deltas`."""
    lanes = differences.reshape(-1, _ROWS, _LANES)
    slots = np.cumsum(lanes, axis=1, dtype=np.uint32) + before[:, None, None]
    return slots.reshape(-1, BLOCK)


def variable_encode(values: UIntArray) -> tuple[ByteArray, npt.NDArray[np.int64]]:
    """Write each number in 1 to 5 bytes of 7 bits, the lowest first; the last byte is < 128.

    Returns
    -------
    data : ndarray of uint8
    ends : ndarray of int64, shape (values + 1,)
        Where each number starts; the last entry is the end of all.
    """
    sizes = np.ones(len(values), dtype=np.int64)
    for shift in (7, 14, 21, 28):
        sizes += values >= (1 << shift)
    ends = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(sizes, out=ends[1:])
    data = np.zeros(int(ends[-1]), dtype=np.uint8)
    for byte in range(5):
        chosen = np.flatnonzero(sizes > byte) if byte else slice(None)
        low = (values[chosen] >> np.uint32(7 * byte)) & np.uint32(127)
        more = (sizes[chosen] > byte + 1).astype(np.uint32) << np.uint32(7)
        data[ends[:-1][chosen] + byte] = (low | more).astype(np.uint8)
    return data, ends


def variable_decode(data: ByteArray) -> UIntArray:
    """Undo :func:`variable_encode`.

    Examples
    --------
    >>> variable_decode(variable_encode(np.array([5, 300, 2**32 - 1], np.uint32))[0])
    array([         5,        300, 4294967295], dtype=uint32)
    """
    if not len(data):
        return np.zeros(0, dtype=np.uint32)
    last = data < 128
    starts = np.concatenate([[0], np.flatnonzero(last)[:-1] + 1])
    if len(starts) == len(data):
        return data.astype(np.uint32)
    sizes = np.diff(np.concatenate([starts, [len(data)]]))
    within = np.arange(len(data)) - np.repeat(starts, sizes)
    parts = (data & np.uint8(127)).astype(np.uint64) << (7 * within).astype(np.uint64)
    return np.add.reduceat(parts, starts).astype(np.uint32)


def running(gaps: UIntArray, sizes: npt.NDArray[np.generic]) -> UIntArray:
    """Running sums that begin again with each group of `sizes`, which are not 0.

    Examples
    --------
    >>> running(np.array([5, 1, 7, 2], np.uint32), np.array([2, 2]))
    array([5, 6, 7, 9], dtype=uint32)
    """
    total = np.cumsum(gaps, dtype=np.int64)
    counts = sizes.astype(np.int64)
    starts = np.cumsum(counts) - counts
    before = np.repeat(total[starts] - gaps[starts], counts)
    sums: UIntArray = (total - before).astype(np.uint32)
    return sums
