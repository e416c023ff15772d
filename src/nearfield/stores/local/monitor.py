"""What fast search misses while it serves: a share of live searches, compared with exact ones."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Self

import numpy as np

from nearfield.errors import InputError, NearfieldError
from nearfield.filters import Filter
from nearfield.stores.local.audit import share_of, wilson
from nearfield.stores.local.paths import SearchPath
from nearfield.stores.local.view import LocalView
from nearfield.types import FloatArray

__all__ = ["LiveAudit", "RecallMonitor", "RecallSoFar"]

# Searches that wait to be compared; beyond, they are left out and counted.
_WAITING_MOST = 64


@dataclass(frozen=True, slots=True)
class RecallSoFar:
    """What live searches reached.

    Attributes
    ----------
    seen : int
        Searches that could have been compared.
    compared : int
    left_out : int
        Drawn to be compared, but too many were waiting, or the collection was closed.
    recall : float
        Mean share of the true nearest that were found; NaN before the first.
    low, high : float
        95% confidence interval of the mean (Wilson, over all k × searches places).
    """

    seen: int
    compared: int
    left_out: int
    recall: float
    low: float
    high: float


class RecallMonitor:
    """Compares a small share of live searches with exact ones, for servers.

    Parameters
    ----------
    open_view : callable
        Opens a view of the collection (:meth:`LocalStore.view`).
    rate : float
        Share of searches that are compared, 0 to 1.
    seed : int

    Attributes
    ----------
    compared : int
        Searches compared so far.
    """

    def __init__(
        self, open_view: Callable[[], AbstractContextManager[LocalView]], rate: float, seed: int = 0
    ) -> None:
        self.compared = 0
        self._open = open_view
        self._rate = checked_rate(rate)
        self._rng = np.random.default_rng(seed)
        self._total = 0.0
        self._places = 0
        self._turn = threading.Lock()

    @property
    def recall(self) -> float:
        """Mean recall of the searches compared; NaN before the first."""
        return self._total / self.compared if self.compared else float("nan")

    @property
    def counted(self) -> tuple[float, int, int]:
        """The recall, the searches compared, and how many places of answers these had."""
        with self._turn:
            return self.recall, self.compared, self._places

    def observe(self, query: FloatArray, k: int, where: Filter | None = None) -> None:
        """Perhaps compare one search, shape (dimension,), with an exact one."""
        with self._turn:
            if self._rng.random() >= self._rate:
                return
        with self._open() as view:
            allowed = view.allowed(where)
            (found,), _ = view.nearest_of_each(query[None, :], k, allowed)
            (truth,), _ = view.nearest_of_each(query[None, :], k, allowed, SearchPath.EXACT)
        with self._turn:
            self._total += share_of(found.slots, truth.slots)
            self.compared += 1
            self._places += len(truth.slots)


class LiveAudit:
    """A monitor with a thread of its own: searches are compared after they were answered.

    Parameters
    ----------
    open_view : callable
        Opens a view of the collection (:meth:`LocalStore.view`).
    rate : float
        Share of searches that are compared, 0 to 1. An exact search of a million vectors takes
        some hundred milliseconds of one core.
    seed : int

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from nearfield.stores.local import LocalStore
    >>> from nearfield.types import Chunk
    >>> rows = np.eye(2, dtype=np.float32)
    >>> with (
    ...     tempfile.TemporaryDirectory() as folder,
    ...     LocalStore.create(Path(folder) / "c.nf", dimension=2) as store,
    ...     LiveAudit(store.view, rate=1.0) as audit,
    ... ):
    ...     store.add([Chunk(name, name, name, 0, 1) for name in "ab"], rows)
    ...     audit.offer(rows[0], 1)
    ...     audit.wait()
    ...     print(audit.so_far.compared, audit.so_far.recall)
    1 1.0
    """

    def __init__(
        self, open_view: Callable[[], AbstractContextManager[LocalView]], rate: float, seed: int = 0
    ) -> None:
        self._monitor = RecallMonitor(open_view, 1.0)
        self._rate = checked_rate(rate)
        self._rng = np.random.default_rng(seed)
        self._waiting: Queue[tuple[FloatArray, int, Filter | None] | None] = Queue(_WAITING_MOST)
        self._seen = self._left_out = 0
        self._turn = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="nearfield-audit", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def so_far(self) -> RecallSoFar:
        """What was found out until now."""
        monitor = self._monitor
        with self._turn:
            seen, left_out = self._seen, self._left_out
        recall, compared, places = monitor.counted
        low, high = wilson(recall, places) if places else (0.0, 1.0)
        return RecallSoFar(seen, compared, left_out, recall, low, high)

    def offer(self, query: FloatArray, k: int, where: Filter | None = None) -> None:
        """Perhaps compare a search of a vector of shape (dimension,), later; never waits."""
        with self._turn:
            self._seen += 1
            if self._rng.random() >= self._rate:
                return
            try:
                self._waiting.put_nowait((query, k, where))
            except Full:
                self._left_out += 1

    def wait(self) -> None:
        """Wait until everything that was drawn is compared."""
        self._waiting.join()

    def close(self) -> None:
        """Leave out what still waits, and end the thread; closing twice is harmless."""
        with self._turn:
            while True:
                try:
                    if self._waiting.get_nowait() is not None:
                        self._left_out += 1
                    self._waiting.task_done()
                except Empty:
                    break
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (each := self._waiting.get()) is not None:
            try:
                self._monitor.observe(*each)
            except (NearfieldError, OSError):  # closed, or damaged: the search itself says so
                with self._turn:
                    self._left_out += 1
            finally:
                self._waiting.task_done()
        self._waiting.task_done()


def checked_rate(rate: float) -> float:
    """A share, or InputError."""
    if not 0.0 <= rate <= 1.0:
        raise InputError(f"the rate is {rate}: expected a share from 0 to 1")
    return rate
