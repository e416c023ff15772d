"""A derived file that cannot be trusted."""

from __future__ import annotations

from nearfield.errors import StoreCorrupt

__all__ = ["DamagedIndex"]


class DamagedIndex(StoreCorrupt):
    """A file of derived data is damaged, cut off or of another kind; it can be built again."""
