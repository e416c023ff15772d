"""Writes to a collection and says after each operation that it is done.

Run as ``writer_process.py PATH SEED [OPERATIONS]``. The operations follow from the seed and from
what the collection holds, so that a test can follow them: ``add N``, ``upsert N``, ``delete N``
(batch N as a whole) and ``compact``.
"""

from __future__ import annotations

import random
import sys

import numpy as np

from nearfield.errors import StoreError
from nearfield.stores.local import LocalStore
from nearfield.types import Chunk, FloatArray

DIMENSION = 16
BATCH = 25


def batch(number: int, version: int = 0) -> tuple[list[Chunk], FloatArray]:
    """The chunks of a batch and their vectors; versions differ in both."""
    rng = np.random.default_rng([number, version])
    chunks = [
        Chunk(
            f"{number}-{n}", str(number), f"version {version} of {number}-{n} " * 9, n, n + 9, "s"
        )
        for n in range(BATCH)
    ]
    return chunks, rng.standard_normal((BATCH, DIMENSION)).astype(np.float32)


def present(store: LocalStore) -> list[int]:
    """Numbers of the batches that are there."""
    return sorted(int(entry.id) for entry in store.documents())


def step(store: LocalStore, rng: random.Random, version: int) -> str:
    """Do one operation and return what was done."""
    there = present(store)
    kind = rng.choices(["add", "upsert", "delete", "compact"], [6, 2, 4, 1])[0]
    if kind == "add" or len(there) < 3:
        number = there[-1] + 1 if there else 0
        say(f"? add {number} 0")
        store.add(*batch(number))
        return f"add {number} 0"
    if kind == "compact":
        say("? compact 0 0")
        store.compact()
        return "compact 0 0"
    number = rng.choice(there)
    if kind == "upsert":
        say(f"? upsert {number} {version}")
        store.upsert(*batch(number, version))
        return f"upsert {number} {version}"
    say(f"? delete {number} 0")
    store.delete([chunk.id for chunk in batch(number)[0]])
    return f"delete {number} 0"


def say(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    path, seed = sys.argv[1], int(sys.argv[2])
    operations = int(sys.argv[3]) if len(sys.argv) > 3 else 10**9
    rng = random.Random(seed)
    try:
        with LocalStore.open(path, mode="w") as store:
            say("open 0 0")
            for number in range(operations):
                try:
                    say(step(store, rng, seed * 1000 + number + 1))
                except StoreError as error:
                    say(f"failed {type(error).__name__} 0")
    except StoreError as error:
        say(f"failed {type(error).__name__} 0")
    say("closed 0 0")


if __name__ == "__main__":
    main()
