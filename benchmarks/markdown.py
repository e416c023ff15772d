"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

__all__ = ["table"]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    r"""Lines of a table; a bar inside a cell is kept from ending it.

    Examples
    --------
    >>> list(table(("a", "b"), [("1", "2|3")]))
    ['| a | b |', '| --- | --- |', '| 1 | 2\\|3 |']
    """
    yield "| " + " | ".join(head) + " |"
    yield "| " + " | ".join("---" for _ in head) + " |"
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
