"""Opens a collection in a fresh process and searches it: ``search.py PATH QUERIES.npy K``."""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from nearfield.stores.local import LocalStore


def main() -> None:
    path, queries, k = sys.argv[1], np.load(sys.argv[2]), int(sys.argv[3])
    begun = time.perf_counter()
    with LocalStore.open(path) as store:
        answers = [store.search(queries[:1], k)[0]]
        cold = time.perf_counter() - begun
        warm = []
        for query in queries[1:]:
            begun = time.perf_counter()
            answers.append(store.search(query[None, :], k)[0])
            warm.append(time.perf_counter() - begun)
    print(
        json.dumps(
            {
                "open_and_search_ms": cold * 1000,
                "warm_ms": [seconds * 1000 for seconds in warm],
                "ids": [[hit.chunk.id for hit in hits] for hits in answers],
            }
        )
    )


if __name__ == "__main__":
    main()
