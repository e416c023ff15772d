"""Writes to a collection and says after each operation that it is done.

Run as ``writer_process.py PATH SEED [OPERATIONS]``, or, with ``failing_disk.c`` preloaded, as
``writer_process.py FOLDER SEED ERROR LENGTH SHARE``. The operations follow from the seed and from
what the collection holds, so that a test can follow them: ``add N``, ``upsert N``, ``delete N``
(batch N as a whole) and ``compact``.
"""

from __future__ import annotations

import ctypes
import random
import shutil
import sys
from pathlib import Path

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


def work(path: str, seed: int, operations: int) -> None:
    """Open, do so many operations, close; say what came of each."""
    rng = random.Random(seed)
    try:
        with LocalStore.open(path, mode="w", timeout=0) as store:
            say("open 0 0")
            for number in range(operations):
                try:
                    say(step(store, rng, seed * 1000 + number + 1))
                except StoreError as error:
                    say(f"failed {type(error).__name__} 0")
    except StoreError as error:
        say(f"failed {type(error).__name__} 0")
    say("closed 0 0")


def sweep(folder: Path, seed: int, error: int, length: int, share: float) -> None:
    """Work in copies of ``folder/whole.nf``, in each with another call that fails.

    `length` calls fail one after another; `share` of all calls are tried.
    """
    arm = ctypes.CDLL(None).failing_disk_arm
    arm.argtypes = [ctypes.c_char_p, ctypes.c_long, ctypes.c_long, ctypes.c_int]
    arm.restype = ctypes.c_long

    def run(at: int) -> int:
        place = folder / f"{at}.nf"
        shutil.copytree(folder / "whole.nf", place)
        say(f"= {place.name}")
        arm(f"/{place.name}/".encode(), at, at + length - 1 if at else -1, error)
        work(str(place), seed, 12)
        return int(arm(b"", 0, 0, 0))

    for at in range(1, run(0) + 1):
        if random.Random(at).random() < share:
            run(at)


def main() -> None:
    path, seed, *rest = sys.argv[1:]
    if len(rest) > 1:
        sweep(Path(path), int(seed), int(rest[0]), int(rest[1]), float(rest[2]))
    else:
        work(path, int(seed), int(rest[0]) if rest else 10**9)


if __name__ == "__main__":
    main()
