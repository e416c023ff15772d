"""HNSW: a graph of near neighbours in layers, walked from coarse to fine.

Malkov and Yashunin (2018), "Efficient and robust approximate nearest neighbor search using
Hierarchical Navigable Small World graphs". Every vector has links to near vectors in different
directions; a few of them also lie on sparser layers above, which lead quickly to the right
region. A search costs about the logarithm of the number of vectors.

Building needs the compiled library; searching and everything else works without it, slowly.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from nearfield.ann import graph_file, graph_library
from nearfield.ann.arrays import (
    Candidates,
    allowed_slots,
    checked_mask,
    checked_queries,
    checked_rows,
)
from nearfield.ann.graph_contents import describe, restore
from nearfield.ann.graph_options import MOST_EF, GraphOptions
from nearfield.ann.graph_rows import Bytes, RowFormat, Space
from nearfield.ann.graph_state import State
from nearfield.ann.graph_trace import Trace, trace_of
from nearfield.ann.graph_walk import Filter, Walk
from nearfield.errors import InputError, UnsupportedOperation, VectorRejected
from nearfield.masks import Mask
from nearfield.types import FloatArray, IntArray

__all__ = ["Graph", "GraphCandidates", "GraphOptions", "RowFormat"]

Progress = Callable[[int, int], None]

_SLICE = 2048


@dataclass(frozen=True, slots=True)
class GraphCandidates(Candidates):
    """What a graph search found.

    Attributes
    ----------
    exhausted : ndarray of bool, shape (q,)
        Whether the search hit its bound, or found fewer slots than there are: compare all allowed
        vectors instead.
    computed : ndarray of int64, shape (q,)
        Distances that were computed.
    """

    exhausted: npt.NDArray[np.bool_]
    computed: IntArray


class Graph:
    """Nearest neighbours of the slots [0, len(graph)).

    Any number of threads may search one graph, also while another extends it.

    Examples
    --------
    >>> vectors = np.random.default_rng(0).standard_normal((1000, 8), dtype=np.float32)
    >>> graph = Graph.build(vectors, GraphOptions(m=8))
    >>> graph.search(vectors[:2], k=1, ef=32).slots.tolist()
    [[0], [1]]
    """

    def __init__(self, state: State, options: GraphOptions, tag: str = "") -> None:
        self.space = state.space
        self.options = options
        self.tag = tag
        self._state = state
        self._writing = threading.Lock()

    def __len__(self) -> int:
        return self._state.links.count

    @classmethod
    def build(
        cls,
        vectors: FloatArray,
        options: GraphOptions | None = None,
        *,
        threads: int = 1,
        progress: Progress | None = None,
        tag: str = "",
    ) -> Self:
        """Insert the rows of a matrix in order; row i gets slot i.

        Parameters
        ----------
        vectors : ndarray of float32, shape (n, dimension)
            Rows may lie any multiple of four bytes apart. With ``RowFormat.FLOAT32`` the graph
            goes on reading this matrix.
        options : GraphOptions, optional
        threads : int
            With one, equal input gives an equal graph, whatever the processor (``INT8``). With
            more, the order of insertion varies a little, and the graph with it.
        progress : callable of (inserted, all), optional
            Called after every few thousand rows; an exception from it ends the build.
        tag : str, at most 1000 characters
            Kept in the file: which vectors these are.

        Raises
        ------
        UnsupportedOperation
            There is no compiled library here.
        VectorRejected
            A vector holds NaN or infinity.
        DimensionMismatch
            `vectors` is no matrix.
        """
        options = options or GraphOptions()
        rows = checked_rows(vectors)
        space = Space.of(rows, options.metric, options.format)
        graph = cls(State.empty(space, options.m), options, tag)
        graph.extend(rows, threads=threads, progress=progress)
        return graph

    def extend(
        self, vectors: FloatArray, *, threads: int = 1, progress: Progress | None = None
    ) -> None:
        """Insert the rows of a longer matrix from ``len(self)`` on.

        `vectors` holds the vectors of all slots, those that are in the graph already first. After
        an exception the graph holds the rows inserted so far. For the rest see :meth:`build`.

        Raises
        ------
        InputError
            `vectors` has fewer rows than the graph.
        """
        rows = checked_rows(vectors, self.space.dimension)
        if threads < 1:
            raise InputError(f"threads is {threads}: it must be 1 or more")
        kernel = graph_library.chosen_kernel()
        if kernel is None:
            raise UnsupportedOperation(
                "building a graph needs the compiled library, which is missing or switched off: "
                "exact search serves, or install Nearfield where there is a C compiler"
            )
        with self._writing:
            if len(rows) < len(self):
                raise InputError(
                    f"the matrix has {len(rows)} rows, fewer than the {len(self)} of the graph: "
                    "pass the vectors of all slots"
                )
            if len(rows) == len(self):
                return
            state = self._state.with_room(rows, self.options.seed)
            for start in range(len(self), len(rows), _SLICE * threads):
                end = min(start + _SLICE * threads, len(rows))
                state.place(rows, start, end)
                state = state.inserted(
                    end,
                    self.options.ef_construction,
                    keep_pruned=self.options.keep_pruned,
                    threads=threads,
                    kernel=kernel,
                )
                self._state = state
                if progress is not None:
                    progress(end, len(rows))

    def search(
        self,
        queries: FloatArray,
        k: int,
        ef: int = 128,
        *,
        allowed: Mask | None = None,
        effort: int | None = None,
    ) -> GraphCandidates:
        """Walk the graph for each query.

        Parameters
        ----------
        queries : ndarray of float32, shape (q, dimension)
        k : int, at least 1
            Candidates to return. Their order is that of estimates: score somewhat more of them
            exactly than are wanted.
        ef : int
            Slots kept in view, at least `k`. More find more of the true neighbours, more slowly.
        allowed : ndarray of uint8, optional
            Packed bits by slot of those to return, at least ``len(self)`` bits. Others are walked
            over. The cost grows with the inverse of the share that is allowed.
        effort : int, optional
            With `allowed`: most distances to compute for one query before giving up. By default
            as many as there are allowed slots (but at least 8 ef): comparing all those would then
            have been no more work.

        Returns
        -------
        GraphCandidates

        Raises
        ------
        InputError
            k, ef, effort or the mask are out of range.
        DimensionMismatch
            The queries are of another dimension.
        VectorRejected
            A query holds NaN or infinity.
        DamagedIndex
            The file the graph lies in is damaged.
        """
        state = self._state
        ef = max(ef, k)
        if k < 1 or ef > MOST_EF:
            raise InputError(f"k is {k} and ef {ef}: they must be 1 to {MOST_EF}")
        if effort is not None and effort < 1:
            raise InputError(f"effort is {effort}: it must be 1 or more")
        encoded, kernel = self._encoded(queries)
        mask = checked_mask(allowed, state.links.count)
        if kernel is None:
            return self._walked(encoded, k, ef, mask, effort or 0)
        slots, distances, computed, exhausted = graph_library.search(
            state.view(kernel), encoded, k, ef, mask, effort or 0
        )
        return GraphCandidates(slots, self.space.estimates(distances), exhausted, computed)

    def explain(
        self, query: FloatArray, k: int, ef: int = 128, *, allowed: Mask | None = None
    ) -> Trace:
        """Repeat one search step by step and record it.

        Parameters
        ----------
        query : ndarray of float32, shape (dimension,)
        k, ef, allowed
            As in :meth:`search`, with the same results.

        Returns
        -------
        Trace
        """
        state, ef = self._state, max(ef, k)
        encoded, _ = self._encoded(np.asarray(query, dtype=np.float32)[None, :])
        mask = checked_mask(allowed, state.links.count)
        only = None if mask is None else Filter.of(mask, state.links.count, ef, 0)
        walk = Walk(self.space, state.links, state.rows, state.terms, encoded[0])
        return trace_of(walk, walk.run(ef, only), k, ef)

    def save(self, path: Path) -> None:
        """Write the graph, durably and at once in the place of an older file.

        Raises
        ------
        OSError
            The disk is full or does not take writes; an older file is still there.
        """
        with self._writing:
            state = self._state
            links = state.links
            arrays: dict[str, npt.NDArray[np.generic]] = {
                "levels": links.levels[: links.count],
                "upper_at": links.upper_at[: links.count],
                "upper": links.upper[: links.upper_count],
                "base": links.base[: links.count],
                "terms": state.terms[: links.count],
            }
            if self.space.format is RowFormat.INT8:
                arrays["rows"] = state.rows[: links.count]
            if self.space.centre is not None:
                arrays["centre"] = self.space.centre
            graph_file.write(path, describe(self.space, self.options, links, self.tag), arrays)

    @classmethod
    def open(cls, path: Path, vectors: FloatArray | None = None, *, verify: bool = True) -> Self:
        """Map a graph's file.

        Parameters
        ----------
        path : Path
        vectors : ndarray of float32, shape (n or more, dimension), optional
            The matrix that a graph with ``RowFormat.FLOAT32`` was built on.
        verify : bool
            Compare all checksums, which reads the whole file once. Without it only the first page
            and the length are checked: a damaged file may then cost recall, never a crash.

        Raises
        ------
        DamagedIndex
            The file is damaged, cut off, no graph, or of another version.
        InputError
            The matrix is missing or does not fit.
        """
        if verify:
            graph_file.verify(path)
        described, arrays = graph_file.read(path)
        return cls(*restore(path, described, arrays, vectors))

    def _encoded(self, queries: FloatArray) -> tuple[Bytes | FloatArray, int | None]:
        """Queries in the form of the graph's rows, and the kernel to use, None for NumPy."""
        matrix = checked_queries(queries, self.space.dimension)
        kernel = graph_library.chosen_kernel()
        if self.space.format is RowFormat.INT8:
            return self.space.encode(matrix, query=True, compiled=kernel is not None), kernel
        if not np.isfinite(matrix).all():
            raise VectorRejected("a query holds NaN or infinity")
        return matrix, kernel

    def _walked(
        self, queries: Bytes | FloatArray, k: int, ef: int, mask: Mask | None, effort: int
    ) -> GraphCandidates:
        """The search without the compiled library."""
        state = self._state
        count, shape = state.links.count, (len(queries), k)
        slots, distances = np.full(shape, -1, np.int64), np.full(shape, np.inf, np.float32)
        exhausted, computed = np.zeros(len(queries), np.bool_), np.zeros(len(queries), np.int64)
        enough = min(k, len(allowed_slots(mask, count)))
        only = None if mask is None else Filter.of(mask, count, ef, effort)
        for row, query in enumerate(queries):
            walk = Walk(self.space, state.links, state.rows, state.terms, query)
            found = walk.run(ef, only)
            for place, (distance, slot) in enumerate(found[:k]):
                slots[row, place], distances[row, place] = slot, distance
            computed[row] = walk.computed
            exhausted[row] = walk.stopped or len(found) < enough
        return GraphCandidates(slots, self.space.estimates(distances), exhausted, computed)
