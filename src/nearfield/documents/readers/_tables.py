"""What rows of tables have in common, whatever file they come from."""

from __future__ import annotations

from collections.abc import Sequence

from nearfield.documents.readers._metadata import typed_cell

__all__ = ["is_header"]


def is_header(cells: Sequence[str]) -> bool:
    """Whether a first row holds column names: distinct words, no numbers, few gaps.

    Examples
    --------
    >>> is_header(["name", "price"]), is_header(["parka", "120"]), is_header(["a", "a"])
    (True, False, False)
    """
    named = [cell.strip() for cell in cells if cell.strip()]
    if len(named) * 2 < len(cells) or not named:
        return False
    if len(set(named)) < len(named) or any(len(name) > 100 for name in named):
        return False
    return all(isinstance(typed_cell(name), str) and not name[0].isdigit() for name in named)
