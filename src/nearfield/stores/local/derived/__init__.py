"""What is made from the truth to search it faster, and can be made again at any time.

::

    derived/000001/            of generation 1 of the vectors file
    ├── codes.nfc              quantised vectors (nearfield.ann)
    ├── lists.nfl              the same in lists of near vectors, of large collections
    ├── graph.nfg              the HNSW graph, where one was asked for (nearfield.ann)
    ├── columns/               typed metadata (nearfield.stores.columns)
    ├── text/                  the index of words (nearfield.lexical)
    └── tuning.json            how many candidates reach the recall that was asked for

Everything is addressed by slot and covers the slots from 0 up to some number; what came later, the
tail, is searched exactly. The writer extends all parts in the background and when it closes.
"""

from __future__ import annotations

from nearfield.stores.local.derived.building import Builder
from nearfield.stores.local.derived.following import Follower
from nearfield.stores.local.derived.parts import Parts
from nearfield.stores.local.derived.slots import SlotReader

__all__ = ["Builder", "Follower", "Parts", "SlotReader"]
