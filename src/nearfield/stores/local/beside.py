"""Work of the compiled libraries and the disk on several cores at once.

Plain threads: executors of the standard library take no work while the interpreter ends, and a
store may be closed as late as that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TypeVar

__all__ = ["beside", "side_by_side"]

Result = TypeVar("Result")


@contextmanager
def beside(work: Callable[[], object]) -> Iterator[None]:
    """Do work in another thread while the block runs; both are done when it ends.

    An error of the block comes before one of the work. Where no thread can be started, as when
    the interpreter ends, the work is done after the block.
    """
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="nearfield-beside")
    try:
        thread.start()
    except RuntimeError:
        yield
        work()
        return
    try:
        yield
    finally:
        thread.join()
    if errors:
        raise errors[0]


def side_by_side(works: Sequence[Callable[[], Result]]) -> list[Result]:
    """What several works return, in their order.

    Examples
    --------
    >>> side_by_side([lambda: 1, lambda: 2])
    [1, 2]
    """
    found: dict[int, Result] = {}

    def noted(place: int) -> Callable[[], None]:
        def run() -> None:
            found[place] = works[place]()

        return run

    with ExitStack() as stack:
        for place in range(1, len(works)):
            stack.enter_context(beside(noted(place)))
        if works:
            noted(0)()
    return [found[place] for place in range(len(works))]
