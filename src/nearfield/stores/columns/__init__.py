"""Typed columns of the fields that filters ask for, addressed by slot.

A filter over a million rows becomes a packed mask of slots in well under a millisecond, equal to
what :func:`nearfield.filters.predicate` says of each row. What a column cannot tell (a whole
number beyond 64 bits, a range over ids of which only hashes are kept) is never guessed: those
slots come back in a second mask, to be judged one by one.

The files are derived: losing them costs time.
"""

from __future__ import annotations

from nearfield.stores.columns.fields import Fields
from nearfield.stores.columns.table import ColumnTable, MaskResult

__all__ = ["ColumnTable", "Fields", "MaskResult"]
