"""Words and learned weights go over to the next generation of slots, before it counts.

Codes and columns are made afresh in seconds. Words of a million passages take longer, and learned
weights take their model; so readers that meet the fresh generation find both there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nearfield.errors import StoreError
from nearfield.lexical import Impacts, Lexical
from nearfield.lexical.merging import GONE
from nearfield.stores.local.derived.parts import SPARSE, emptied, folder_of, owner_of
from nearfield.stores.local.state import State

__all__ = ["carry", "targets_of"]


def targets_of(slots: int, kept: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.uint32]:
    """The new slot of each of `slots`: its place among those that are kept, in their order.

    Examples
    --------
    >>> targets_of(4, [np.array([3, 0])]).tolist()
    [1, 4294967295, 4294967295, 0]
    """
    order = np.concatenate([np.zeros(0, np.int64), *kept])
    targets = np.full(slots, GONE)
    targets[order] = np.arange(len(order), dtype=np.uint32)
    return targets


def carry(
    collection: Path,
    identity: bytes,
    state: State,
    generation: int,
    targets: npt.NDArray[np.uint32],
) -> Iterator[str]:
    """Write the words and weights of `state` for the next generation; yields what went wrong.

    Parameters
    ----------
    collection : Path
    identity : bytes
        The collection's.
    state : State
        Of the generation before.
    generation : int
        The next one, which does not count yet.
    targets : ndarray of uint32
        See :func:`targets_of`.
    """
    before, after = folder_of(collection, state.generation), folder_of(collection, generation)
    emptied(after)  # a compaction that did not end may have left something
    if not before.is_dir():
        return
    after.mkdir(parents=True)
    owner = owner_of(identity, state.generation).hex()
    for path in [*sorted(before.glob(f"{SPARSE}-*")), before / "text"]:
        if not path.is_dir():
            continue
        to = after / path.name
        try:
            if path.name == "text":
                text = Lexical.open(path)
                if text.tag == owner:
                    text.carry(to, targets, tag=owner_of(identity, generation).hex())
            else:
                Impacts.open(path).carry(to, targets)
        except (StoreError, OSError) as error:
            emptied(to)
            yield f"{path.name} was not carried over: {error}"
