"""A collection's searches: the models that a mode needs, and the steps after finding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nearfield.errors import DimensionMismatch, InputError
from nearfield.protocols import Encoder, Reranker
from nearfield.search.calibration import RANKED, Calibration
from nearfield.search.examples import query_from_examples
from nearfield.search.options import Mode, SearchOptions
from nearfield.search.pipeline import Question, find
from nearfield.stores.local import LiveAudit, LocalStore
from nearfield.types import FloatArray, Hit, Role

if TYPE_CHECKING:
    from nearfield.collection.sparse_index import SparseIndex

__all__ = ["Searcher", "calibration_property"]

Rerank = Reranker | str | bool | None


def calibration_property(mode: Mode) -> str:
    """Name under which a mode's calibration is kept with the collection."""
    return f"calibration.{mode.value}"


class Searcher:
    """Searches one store; loads a model when the first search needs it and keeps it.

    Parameters
    ----------
    store : callable
        Gives the store, open to read.
    encoder : callable
        Gives the model that made the vectors.

    Attributes
    ----------
    live : LiveAudit or None
        Compares a share of the searches by vectors with exact ones.
    """

    def __init__(self, store: Callable[[], LocalStore], encoder: Callable[[], Encoder]) -> None:
        self._opened = store
        self._encoder = encoder
        self._rerankers: dict[str, Reranker] = {}
        self._sparse: SparseIndex | None = None
        self.live: LiveAudit | None = None
        self._last: tuple[str, FloatArray] | None = None

    @property
    def _store(self) -> LocalStore:
        return self._opened()

    def search(
        self,
        query: str | None,
        vector: npt.ArrayLike | None,
        options: SearchOptions,
        rerank: Rerank = None,
    ) -> list[Hit]:
        """Find passages; see :meth:`nearfield.collection.Collection.search`."""
        question = self._question(query, vector, options.mode)
        reranker = self.reranker(rerank, options.mode)
        # Others are ranked by something else than the scores that were calibrated.
        plain = reranker is None and options.diversity == 0 and options.group_by is None
        calibration = self.calibration(options.mode) if plain else None
        wanted = options
        if calibration is not None:
            # A hit is judged by its lead over those that follow, however few are asked for.
            options = replace(options, k=max(options.k, RANKED))
        if options.mode is Mode.LATE:  # orders what the other two paths find
            options = replace(options, mode=Mode.HYBRID, rerank_weight=1.0)
        if reranker is None and options.mode is not Mode.SPARSE:
            hits = self._store.ask(lambda view: find(view, question, options))
        else:  # models are not asked twice
            with self._store.view() as view:
                hits = find(
                    view,
                    question,
                    options,
                    reranker=reranker,
                    sparse=lambda text, k, where: self.sparse.ranking(view, text, k, where),
                )
        if self.live is not None and question.vector is not None and options.path == "auto":
            self.live.offer(question.vector, wanted.k, wanted.where)
        if calibration is None:
            return hits
        return calibration.annotate(hits)[: wanted.k]

    def similar(
        self, like: Sequence[str], unlike: Sequence[str], options: SearchOptions
    ) -> list[Hit]:
        """Find what is near some passages and far from others; none of them is a hit."""
        with self._store.view() as view:
            examples = view.keys([*like, *unlike])
            vectors = view.vectors(examples)
            wanted = query_from_examples(vectors[: len(like)], vectors[len(like) :])
            dense = replace(options, mode=Mode.DENSE)
            return find(view, Question(vector=wanted), dense, without=examples)

    def audit_live(self, rate: float) -> LiveAudit:
        """Compare a share of the searches from now on; ends an earlier audit."""
        started = LiveAudit(self._store.view, rate)
        self.end_audit()
        self.live = started
        return started

    def end_audit(self) -> None:
        """End the audit that goes on, if any."""
        running, self.live = self.live, None
        if running is not None:
            running.close()

    def calibration(self, mode: Mode) -> Calibration | None:
        """What turns scores of a mode into probabilities; None where nobody calibrated."""
        text = self._store.property(calibration_property(mode))
        return Calibration.from_json(text) if text else None

    @property
    def sparse(self) -> SparseIndex:
        """The index of learned term weights."""
        if self._sparse is None:
            from nearfield.collection.sparse_index import SparseIndex

            self._sparse = SparseIndex()
        return self._sparse

    def encode_sparse(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Encode what the mode ``sparse`` has not encoded yet."""
        with self._store.view() as view:
            self.sparse.encode(view, progress)

    def _question(self, query: str | None, vector: npt.ArrayLike | None, mode: Mode) -> Question:
        if (query is None) == (vector is None):
            raise InputError("give either a query or a vector, not both and not neither")
        if query is not None and not query.strip():
            raise InputError("the query is blank: ask something")
        if query is None:
            return Question(vector=self._row(vector))
        if mode in {Mode.LEXICAL, Mode.SPARSE}:
            return Question(text=query)
        encoded = self._encoder().encode([query], role=Role.QUERY)[0]
        self._last = (query, encoded)
        return Question(text=query, vector=encoded)

    def asked(self, query: str) -> FloatArray | None:
        """The vector of the question that was searched for last, if it is this one."""
        last = self._last
        return last[1] if last is not None and last[0] == query else None

    def _row(self, vector: npt.ArrayLike | None) -> FloatArray:
        row: FloatArray = np.ascontiguousarray(vector, dtype=np.float32).reshape(-1)
        if len(row) != self._store.dimension:
            raise DimensionMismatch(
                f"the query vector has {len(row)} components and the collection's have "
                f"{self._store.dimension}: encode it with the collection's model"
            )
        return row

    def reranker(self, asked: Rerank, mode: Mode = Mode.DENSE) -> Reranker | None:
        """The reranker that was asked for, loaded once; None where none is wanted."""
        if mode is Mode.LATE:
            if asked not in (None, False):
                raise InputError("mode 'late' is a reranking itself: leave rerank out")
            return self._kept("late", self._late)
        if asked in (None, False):
            return None
        if not isinstance(asked, bool | str):
            return asked
        from nearfield.models.rerank import DEFAULT_RERANKER, load

        name = DEFAULT_RERANKER if asked is True else str(asked)
        return self._kept(name, lambda: load(name))

    def _late(self) -> Reranker:
        from nearfield.models.late import LateInteraction

        return LateInteraction(self._encoder())

    def _kept(self, name: str, made: Callable[[], Reranker]) -> Reranker:
        if name not in self._rerankers:
            self._rerankers[name] = made()
        return self._rerankers[name]
