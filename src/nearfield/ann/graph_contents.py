"""Between a graph and what its file says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from nearfield.ann.arrays import checked_rows
from nearfield.ann.damage import DamagedIndex
from nearfield.ann.graph_file import Arrays, Described
from nearfield.ann.graph_links import Links
from nearfield.ann.graph_options import GraphOptions
from nearfield.ann.graph_rows import Bytes, RowFormat, Space
from nearfield.ann.graph_state import State
from nearfield.errors import InputError
from nearfield.metric import Metric
from nearfield.types import FloatArray

__all__ = ["describe", "restore"]


def describe(space: Space, options: GraphOptions, links: Links, tag: str) -> Described:
    """What the file's first page says of a graph."""
    return {
        "count": links.count,
        "dimension": space.dimension,
        "metric": str(space.metric),
        "format": str(space.format),
        "radius": space.radius,
        "m": links.m,
        "ef_construction": options.ef_construction,
        "seed": options.seed,
        "keep_pruned": options.keep_pruned,
        "top": links.top,
        "entry": links.entry,
        "tag": tag,
    }


def restore(
    path: Path, described: Described, arrays: Arrays, vectors: FloatArray | None
) -> tuple[State, GraphOptions, str]:
    """Put a graph together again; raises DamagedIndex where its parts do not fit."""
    options = GraphOptions(
        metric=Metric(str(described["metric"])),
        m=int(described["m"]),
        ef_construction=int(described["ef_construction"]),
        seed=int(described["seed"]),
        format=RowFormat(str(described["format"])),
        keep_pruned=bool(described["keep_pruned"]),
    )
    centre = arrays.get("centre")
    space = Space(
        dimension=int(described["dimension"]),
        metric=options.metric,
        format=options.format,
        centre=None if centre is None else np.array(centre, dtype=np.float32),
        radius=float(described["radius"]),
    )
    links = Links(
        m=options.m,
        count=int(described["count"]),
        top=int(described["top"]),
        entry=int(described["entry"]),
        levels=arrays["levels"].view(np.uint8),
        base=arrays["base"].view(np.uint32),
        upper_at=arrays["upper_at"].view(np.uint32),
        upper=arrays["upper"].view(np.uint32),
    )
    state = State(space, links, _rows(space, links, arrays, vectors), arrays["terms"].view("<f4"))
    _check_shapes(path, state)
    return state, options, str(described["tag"])


def _rows(
    space: Space, links: Links, arrays: Arrays, vectors: FloatArray | None
) -> FloatArray | Bytes:
    if space.format is RowFormat.INT8:
        return arrays["rows"].view(np.uint8)
    if vectors is None:
        raise InputError("this graph computes on float32 vectors: open it with their matrix")
    rows = checked_rows(vectors, space.dimension)
    if len(rows) < links.count:
        raise InputError(f"the matrix has {len(rows)} rows, fewer than the graph's {links.count}")
    return rows


def _check_shapes(path: Path, state: State) -> None:
    links, count = state.links, state.links.count
    expected: list[tuple[npt.NDArray[np.generic], tuple[int, ...]]] = [
        (links.levels, (count,)),
        (links.upper_at, (count,)),
        (links.base, (count, 2 * links.m)),
        (links.upper, (links.upper_count, links.m)),
    ]
    if state.space.format is RowFormat.INT8:
        expected.append((state.rows, (count, state.space.stride)))
    elif state.space.metric is not Metric.EUCLIDEAN:
        expected.append((state.terms, (count,)))
    if any(array.shape != shape for array, shape in expected):
        raise DamagedIndex(f"{path} holds arrays of other sizes than it says: build it again")
