"""What indexing did, in numbers that add up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from nearfield.types import Problem

__all__ = ["IndexProgress", "IndexReport", "ProgressListener"]


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """Where a running index stands.

    Attributes
    ----------
    files_done, files_total : int
        Files of all roots.
    passages : int
        Passages stored so far in this run, and passages found to be there already.
    fraction : float
        Share of the work that is done, in [0, 1].
    current : str
        The file that is being read.
    """

    files_done: int
    files_total: int
    passages: int
    fraction: float
    current: str


ProgressListener: TypeAlias = Callable[[IndexProgress], None]


@dataclass(slots=True)
class IndexReport:
    """What one run of ``Collection.index`` did.

    Attributes
    ----------
    files : int
        Files found; the next five add up to it.
    added, changed, unchanged, empty, failed : int
        New files; files whose bytes or settings changed; files left alone; files of no bytes;
        files from which nothing could be read (what an earlier run stored of them is kept).
    removed : int
        Files that were indexed before and are gone.
    ignored : int
        Entries that ignore rules or options left out.
    documents, passages : int
        Documents read and passages written in this run.
    kept : int
        Passages that a run before this one had stored already.
    deleted : int
        Stored passages that went, because their files changed or are gone.
    tokens : int
        Tokens that went through the model; cached passages cost none.
    truncated : int
        Passages longer than the model reads: their tails do not count in searches.
    requests : int
        Answers that a hosted model gave.
    cost : float or None
        US dollars of these; None where nothing was bought or the price is not known.
    problems : list of Problem
        Everything that was left out, with the reason.
    seconds : float
        Wall time.
    """

    files: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    empty: int = 0
    failed: int = 0
    removed: int = 0
    ignored: int = 0
    documents: int = 0
    passages: int = 0
    kept: int = 0
    deleted: int = 0
    tokens: int = 0
    truncated: int = 0
    requests: int = 0
    cost: float | None = None
    problems: list[Problem] = field(default_factory=list)
    seconds: float = 0.0
