"""The answers given last."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["Cache"]

Answer = TypeVar("Answer")


class Cache(Generic[Answer]):
    """The `most` answers used last, by key; for several threads.

    Examples
    --------
    >>> cache = Cache(2)
    >>> for key in "abac":
    ...     cache.put(key, key.upper()) if cache.get(key) is None else None
    >>> cache.get("a"), cache.get("b"), cache.get("c")
    ('A', None, 'C')
    """

    def __init__(self, most: int = 32) -> None:
        self._most = most
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str) -> Answer | None:
        """The answer, which becomes the one used last; None when it is not kept."""
        with self._lock:
            found = self._answers.get(key)
            if found is not None:
                self._answers.move_to_end(key)
            return found

    def put(self, key: str, answer: Answer) -> None:
        """Keep an answer, at the cost of the one not used for longest."""
        with self._lock:
            self._answers[key] = answer
            self._answers.move_to_end(key)
            if len(self._answers) > self._most:
                self._answers.popitem(last=False)
