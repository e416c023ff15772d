"""Which slots no chunk has any more: blocks of a bit mask in the database.

A block stands for 32,768 slots in 4 KiB and names the operation that changed it last, so that a
reader brings its mask up to date by reading the blocks that changed.
"""

from __future__ import annotations

import sqlite3

import numpy as np

from nearfield.masks import Mask, mask_bytes, resized
from nearfield.types import IntArray

__all__ = ["dead_mask", "mark"]

_BLOCK_SLOTS = 32_768
_BLOCK_BYTES = _BLOCK_SLOTS // 8


def mark(connection: sqlite3.Connection, slots: IntArray) -> None:
    """Add slots that were not dead before, as part of the current operation."""
    for block in np.unique(slots // _BLOCK_SLOTS).tolist():
        found = connection.execute("SELECT bits FROM dead WHERE block = ?", (block,)).fetchone()
        old = np.frombuffer(found[0] if found else bytes(_BLOCK_BYTES), dtype=np.uint8)
        bits = np.unpackbits(old, bitorder="little")
        bits[slots[slots // _BLOCK_SLOTS == block] % _BLOCK_SLOTS] = 1
        connection.execute(
            "INSERT OR REPLACE INTO dead SELECT ?, value, ? FROM meta WHERE key = 'sequence'",
            (block, np.packbits(bits, bitorder="little").tobytes()),
        )
    connection.execute("UPDATE meta SET value = value + ? WHERE key = 'dead'", (len(slots),))


def dead_mask(
    connection: sqlite3.Connection, slots: int, since: int = -1, earlier: Mask | None = None
) -> Mask:
    """The mask of dead slots, given the mask of an `earlier` operation, numbered `since`."""
    mask = resized(np.zeros(0, np.uint8) if earlier is None else earlier, slots)
    changed = connection.execute("SELECT block, bits FROM dead WHERE sequence > ?", (since,))
    for block, bits in changed:
        start = block * _BLOCK_BYTES
        stop = min(start + _BLOCK_BYTES, mask_bytes(slots))
        mask[start:stop] = np.frombuffer(bits, dtype=np.uint8)[: stop - start]
    return mask
