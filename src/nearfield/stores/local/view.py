"""One state of a collection, searched by vectors, by words and by fields."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nearfield.ann.exact import rescore
from nearfield.ann.graph_trace import Trace
from nearfield.errors import StoreCorrupt, UnsupportedOperation
from nearfield.filters import Filter, matches
from nearfield.lexical import Explanation, Lexical
from nearfield.masks import Mask, everything, mask_of, members, resized
from nearfield.metric import Metric
from nearfield.stores.checks import shaped_queries
from nearfield.stores.columns import MaskResult
from nearfield.stores.local.derived import Follower, SlotReader
from nearfield.stores.local.derived.tuning import sample
from nearfield.stores.local.paths import (
    Nearest,
    SearchPath,
    choose,
    nearest,
    records_of,
    without_graph,
)
from nearfield.stores.local.state import State
from nearfield.types import BM25, Chunk, FloatArray, Hit, IntArray, Ranking

__all__ = ["LocalView"]

# Slots whose fields are read one by one; of more, the database finds the matching ones faster.
_JUDGED_MOST = 500
_BM25 = BM25()


class LocalView:
    """What one read transaction sees; keys are slots.

    Parameters
    ----------
    reader : SlotReader
        Of the transaction, which lasts as long as the view.
    follower : Follower
        Gives the derived parts.
    metric : Metric
    """

    def __init__(self, reader: SlotReader, follower: Follower, metric: Metric) -> None:
        self.metric = metric
        self._reader = reader
        self._follower = follower
        self._state = reader.state
        self._text: Lexical | None = None

    @property
    def state(self) -> State:
        """What the view sees."""
        return self._state

    @property
    def target(self) -> float:
        """Recall that the parameters of fast search were chosen for."""
        return self._follower.of(self._state).tuned.target

    @property
    def slots(self) -> int:
        """Slots of the state, dead ones included."""
        return self._state.slots

    @property
    def derived_folder(self) -> Path:
        """Where parts derived from this state's generation lie."""
        return self._follower.folder(self._state)

    def sample(self, count: int) -> list[Chunk]:
        """Random chunks; the same ones as long as nothing is written."""
        return self.chunks(sample(self._state, self._state.slots, count))

    def words(self, first: int, count: int) -> list[str]:
        """Headings and texts of slots [first, first + count), nothing where they are dead."""
        return list(self._reader.words(first, count))

    def texts(self, first: int, count: int) -> list[str]:
        """The texts of slots [first, first + count), empty where they are dead."""
        return list(self._reader.texts(first, count))

    def allowed_within(self, where: Filter | None, covered: int) -> Mask | None:
        """The living slots that match, for a part that covers so many slots."""
        allowed, slots = self.allowed(where), self._state.slots
        if covered > slots:  # another process has written since this state
            return resized(everything(slots) if allowed is None else allowed, covered)
        return allowed

    def search(
        self, queries: FloatArray, k: int, where: Filter | None, path: SearchPath
    ) -> list[list[Hit]]:
        """The `k` chunks nearest to each query; see :meth:`LocalStore.search`."""
        found, taken = self.nearest_of_each(queries, k, self.allowed(where), path)
        read = self._reader.hits_of
        return [read(each.slots, each.rows, each.scores, taken) for each in found]

    def nearest(
        self,
        vector: FloatArray,
        k: int,
        *,
        where: Filter | None = None,
        path: SearchPath | str = SearchPath.AUTO,
    ) -> Ranking:
        """The `k` chunks nearest to a vector of shape (dimension,)."""
        wanted = SearchPath.of(path)
        (found,), taken = self.nearest_of_each(vector[None, :], k, self.allowed(where), wanted)
        return Ranking(found.slots, found.scores, taken)

    def nearest_of_each(
        self,
        queries: FloatArray,
        k: int,
        allowed: Mask | None,
        path: SearchPath = SearchPath.AUTO,
    ) -> tuple[list[Nearest], str]:
        """The `k` nearest of several queries, and by which path they were found."""
        wanted = shaped_queries(queries, k, self._state.file.dimension)
        parts = self._follower.of(self._state)
        taken = choose(self._state, parts, allowed, path)
        found = nearest(self._state, parts, self.metric, wanted, k, allowed=allowed, path=taken)
        return found, taken.value

    def explain_words(self, text: str, keys: IntArray) -> list[Explanation]:
        """How the BM25 of chunks comes about, word by word."""
        index = self._words()
        return [index.explain(text, int(key)) for key in keys]

    def explain_graph(self, vector: FloatArray, k: int, ef: int | None = None) -> Trace:
        """One walk of the graph, step by step; slots are keys.

        Raises
        ------
        UnsupportedOperation
            There is no graph.
        """
        parts = self._follower.of(self._state)
        if parts.graph is None:
            raise without_graph()
        allowed = self.allowed_within(None, len(parts.graph))
        return parts.graph.explain(vector, k, ef or parts.tuned.effort(k), allowed=allowed)

    def lexical(
        self, text: str, k: int, *, where: Filter | None = None, bm25: BM25 = _BM25
    ) -> Ranking:
        """The `k` chunks with the highest BM25 for a text."""
        index = self._words()
        allowed = self.allowed_within(where, len(index))
        found = index.search(text, k, allowed=allowed, k1=bm25.k1, b=bm25.b, inside=bm25.inside)
        return Ranking(found.slots, found.scores, "lexical")

    def scores(self, vector: FloatArray, keys: IntArray) -> FloatArray:
        if not len(keys):
            return np.empty(0, dtype=np.float32)
        slots, scores = rescore(
            records_of(self._state), vector[None, :], keys[None, :], self.metric, len(keys)
        )
        by_slot, by_key = np.argsort(slots[0]), np.argsort(keys)
        ordered = np.empty(len(keys), dtype=np.float32)
        ordered[by_key] = scores[0][by_slot]
        return ordered

    def lexical_scores(self, text: str, keys: IntArray, *, bm25: BM25 = _BM25) -> FloatArray:
        index = self._words()
        scores = np.zeros(len(keys), dtype=np.float32)
        if len(keys):
            only = mask_of(keys, len(index))
            found = index.search(
                text, len(keys), allowed=only, k1=bm25.k1, b=bm25.b, inside=bm25.inside
            )
            order = np.argsort(keys, kind="stable")
            scores[order[np.searchsorted(keys[order], found.slots)]] = found.scores
        return scores

    def vectors(self, keys: IntArray) -> FloatArray:
        return np.ascontiguousarray(self._state.read(keys)["vector"])

    def chunks(self, keys: IntArray) -> list[Chunk]:
        return self._reader.chunks_of(keys)

    def keys(self, ids: Sequence[str]) -> IntArray:
        return self._reader.slots_of(ids)

    def allowed(self, where: Filter | None) -> Mask | None:
        """The living slots that match; None where all slots do."""
        if where is None:
            return self._state.alive
        columns = self._follower.of(self._state).columns
        try:
            found = columns.mask(where, self._state.slots) if columns is not None else None
        except (StoreCorrupt, OSError):  # verify names it; the database knows all that columns do
            found = None
        if found is None:
            return self._reader.mask_where(where)
        return self._completed(found, where)

    def _completed(self, found: MaskResult, where: Filter) -> Mask:
        """What columns say, with the living slots judged that they leave open."""
        alive = self._state.alive
        matching = found.matching if alive is None else found.matching & alive
        if found.unsure is None:
            return matching
        open_ = members(found.unsure if alive is None else found.unsure & alive)
        if len(open_) > _JUDGED_MOST:
            return self._reader.mask_where(where)
        fits = [matches(where, chunk.fields()) for chunk in self.chunks(open_)]
        return matching | mask_of(open_[np.array(fits, dtype=np.bool_)], self._state.slots)

    def _words(self) -> Lexical:
        """The index of words, with what came after it in memory; the same one to the end.

        A writer that ends takes the words of what it deleted out of the files, and this state may
        still see some of that.
        """
        if self._text is not None:
            return self._text
        index = self._text = self._follower.with_words(self._state, self._reader).text
        if index is None:
            raise UnsupportedOperation(
                "the collection has no index of words, or one that lacks very many passages: it is "
                "made while the collection is written to (nearfield compact)"
            )
        return index
