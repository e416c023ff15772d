"""Writes, derives, compacts and builds graphs without a pause, until it is killed.

Run as ``deriving_writer.py PATH SEED``. The operations are those of ``faults/writer_process.py``,
said in the same way; limits are lowered, so that a few hundred vectors have every derived part.
"""

from __future__ import annotations

import importlib.util
import random
import sys
from itertools import count
from pathlib import Path
from types import ModuleType

from nearfield.stores.local import LocalStore, paths
from nearfield.stores.local.derived import building

FAULTS = Path(__file__).parent.parent / "faults"


def loaded(name: str) -> ModuleType:
    """A module of the folder beside."""
    spec = importlib.util.spec_from_file_location(name, FAULTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lower_limits() -> None:
    """Codes from 301 vectors on, and background steps of 100 slots."""
    building.EXACT_MOST = paths.EXACT_MOST = 300
    building._STEP = 100


def main() -> None:
    path, seed = Path(sys.argv[1]), int(sys.argv[2])
    writer = loaded("writer_process")
    rng = random.Random(seed)
    lower_limits()
    for number in count(1):
        with LocalStore.open(path, mode="w", timeout=0) as store:
            writer.say("open 0 0")
            for turn in range(rng.randint(1, 12)):
                writer.say(writer.step(store, rng, seed * 100_000 + number * 100 + turn))
            if rng.random() < 0.3:
                store.build_graph(m=4, ef_construction=16)


if __name__ == "__main__":
    main()
