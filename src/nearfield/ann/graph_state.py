"""What a graph consists of at one moment, and how it grows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from nearfield.ann import graph_library
from nearfield.ann.graph_links import Links
from nearfield.ann.graph_rows import Bytes, RowFormat, Space
from nearfield.errors import VectorRejected
from nearfield.metric import Metric
from nearfield.types import FloatArray

__all__ = ["State"]


@dataclass(frozen=True, eq=False)
class State:
    """One consistent picture of a graph; a search holds on to the one it began with.

    Attributes
    ----------
    space : Space
    links : Links
    rows : ndarray
        int8 rows (n or more, stride), or the caller's float32 matrix (n or more, dimension).
    terms : ndarray of float32, shape (n or more,) or (0,)
        See :meth:`nearfield.ann.graph_rows.Space.terms`; float32 rows only.
    """

    space: Space
    links: Links
    rows: Bytes | FloatArray
    terms: FloatArray

    @classmethod
    def empty(cls, space: Space, m: int) -> State:
        """No slot at all."""
        if space.format is RowFormat.INT8:
            rows: Bytes | FloatArray = np.empty((0, space.stride), np.uint8)
        else:
            rows = np.empty((0, space.dimension), np.float32)
        return cls(space, Links.empty(m), rows, np.empty(0, np.float32))

    @cached_property
    def _views(self) -> dict[int, graph_library.View]:
        return {}

    def view(self, kernel: int) -> graph_library.View:
        """Addresses for the compiled library; this object must outlive them."""
        if kernel not in self._views:
            self._views[kernel] = self._view(kernel)
        return self._views[kernel]

    def _view(self, kernel: int) -> graph_library.View:
        links, stride = self.links, self.space.stride
        if self.space.format is RowFormat.FLOAT32:
            stride = max(self.rows.strides[0], 4 * self.space.dimension)  # 0 for an empty matrix
        return graph_library.View(
            rows=self.rows.ctypes.data, stride=stride,
            terms=self.terms.ctypes.data, dimension=self.space.dimension,
            metric=self.space.metric_number, format=self.space.format_number,
            count=links.count, upper_count=len(links.upper), m=links.m, top=links.top,
            entry=links.entry, kernel=kernel, levels=links.levels.ctypes.data,
            base=links.base.ctypes.data, upper_at=links.upper_at.ctypes.data,
            upper=links.upper.ctypes.data,
        )  # fmt: skip

    def with_room(self, vectors: FloatArray, seed: int) -> State:
        """The same graph with places for all of `vectors`.

        Arrays with room enough are shared with this object; what lies behind its count in them
        belongs to no search.
        """
        count = self.links.count
        links, rows, terms = self.links.with_room(len(vectors), seed), self.rows, self.terms
        if self.space.format is RowFormat.FLOAT32:
            rows, terms = vectors, np.zeros(len(vectors), np.float32)
            terms[:count] = self.terms[:count]
        elif len(rows) < len(vectors) or not rows.flags.writeable:
            room = len(vectors) + (count // 4 if count else 0)
            rows = np.empty((room, self.space.stride), np.uint8)
            rows[:count] = self.rows[:count]
        return State(self.space, links, rows, terms)

    def place(self, vectors: FloatArray, start: int, end: int) -> None:
        """Fill in the rows [start, end).

        Raises
        ------
        VectorRejected
            A vector holds NaN or infinity.
        """
        part = vectors[start:end]
        if self.space.format is RowFormat.INT8:
            self.rows[start:end] = self.space.encode(part, query=False, compiled=True)
        elif not np.isfinite(part).all():
            raise VectorRejected("a vector holds NaN or infinity: no graph can place it")
        elif self.space.metric is not Metric.EUCLIDEAN:
            self.terms[start:end] = self.space.terms(part)

    def inserted(self, end: int, ef: int, *, keep_pruned: bool, threads: int, kernel: int) -> State:
        """The graph with the slots up to `end` linked; their rows are there already."""
        start = self.links.count
        view = replace(self, links=replace(self.links, count=end)).view(kernel)
        graph_library.insert(view, start, ef, keep_pruned=keep_pruned, threads=threads)
        return replace(self, links=replace(self.links, count=end, top=view.top, entry=view.entry))
