"""The way through the stages, to the one that loses the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from nearfield.collection.reader import CollectionReader
from nearfield.collection.searching import Rerank
from nearfield.evaluation.postmortem.answers import Answers
from nearfield.evaluation.postmortem.cause import Cause
from nearfield.evaluation.postmortem.experiments import (
    best_of_joined,
    best_of_unread,
    unknown_words,
)
from nearfield.evaluation.postmortem.report import Failure, PostMortem, Ranks
from nearfield.evaluation.tasks import Qrels
from nearfield.search.options import Mode, SearchOptions
from nearfield.types import Chunk, Hit, Role

__all__ = ["postmortem"]

_DEPTH = 1000
"""Ranks below this are not looked for."""

_SHOWN = 3


def postmortem(
    collection: CollectionReader,
    queries: Mapping[str, str],
    qrels: Qrels,
    *,
    options: SearchOptions | None = None,
    rerank: Rerank = None,
    spans: Mapping[str, tuple[str, int, int]] | None = None,
) -> PostMortem:
    """Search for every question, and say of each one that fails which stage lost the answer.

    A question fails when no document with a grade above 0 is among its ``options.k`` hits. The
    search is run again with one stage after the other left out; the model is tried on what it did
    not read and on passages joined together.

    Parameters
    ----------
    collection : CollectionReader
    queries : mapping of str to str
        By id.
    qrels : mapping of str to mapping of str to int
        Query id → document → grade. A document is named by its id or by the end of its path.
    options : SearchOptions, optional
        As the search is used.
    rerank : bool, str or Reranker, optional
    spans : mapping of str to (str, int, int), optional
        Query id → document and where the answer stands in it: then passages that hold only parts
        of it are told from those that hold it.

    Returns
    -------
    PostMortem
    """
    examiner = _Examiner(collection, options or SearchOptions(), rerank, spans)
    failures = []
    for id_, text in queries.items():
        wanted = tuple(name for name, grade in qrels.get(id_, {}).items() if grade > 0)
        failure = examiner.examine(id_, text, wanted)
        if failure is not None:
            failures.append(failure)
    return PostMortem(len(queries), len(queries) - len(failures), examiner.k, tuple(failures))


class _Examiner:
    """Runs the searches that show what happened."""

    def __init__(
        self,
        collection: CollectionReader,
        options: SearchOptions,
        rerank: Rerank,
        spans: Mapping[str, tuple[str, int, int]] | None,
    ) -> None:
        self._collection = collection
        self._options = options
        self._rerank = rerank
        self._answers = Answers(collection.store, spans)
        self.k = options.k

    def examine(self, query: str, text: str, wanted: tuple[str, ...]) -> Failure | None:
        hits = self._search(text, self._options, self._rerank)
        if self._answers.is_among(query, wanted, [hit.chunk for hit in hits]):
            return None
        passages = self._answers.passages(query, wanted)
        ids = {chunk.id for chunk in passages}
        ranks = self._ranks(text, ids, hits) if passages else Ranks()
        cause, evidence = self._cause(query, text, wanted, passages, ranks)
        found = tuple(dict.fromkeys(hit.chunk.document_id for hit in hits))
        return Failure(query, text, cause, evidence, wanted, found, ranks)

    def _cause(
        self,
        query: str,
        text: str,
        wanted: tuple[str, ...],
        passages: Sequence[Chunk],
        ranks: Ranks,
    ) -> tuple[Cause, str]:
        if not passages:
            return Cause.NOT_INDEXED, self._why_missing(wanted)
        ids = {chunk.id for chunk in passages}
        return (
            self._filtered(text, passages)
            or self._lost_later(text, ids, ranks)
            or self._missed(text, ids)
            or self._fused_away(text, ids, ranks)
            or self._not_understood(query, text, wanted, passages, ranks)
        )

    def _why_missing(self, wanted: tuple[str, ...]) -> str:
        for state in self._collection.sources():
            for problem in state.problems:
                if any(problem.source.endswith(name) for name in wanted):
                    return f"{problem.source}: {problem.reason}"
        shown = ", ".join(wanted[:_SHOWN]) or "no document at all"
        return f"no passage of {shown} is in the collection"

    def _filtered(self, text: str, passages: Sequence[Chunk]) -> tuple[Cause, str] | None:
        where = self._options.where
        if where is None:
            return None
        from nearfield.filters import matches

        kept = [chunk for chunk in passages if matches(where, chunk.fields())]
        if kept:
            return None
        rank = _rank(
            self._search(text, replace(self._options, where=None), self._rerank),
            {chunk.id for chunk in passages},
        )
        without = f"rank {rank} without it" if rank else "not among the hits without it either"
        return Cause.FILTER, f"the filter leaves none of {len(passages)} passages; {without}"

    def _lost_later(self, text: str, ids: set[str], ranks: Ranks) -> tuple[Cause, str] | None:
        """Found by the first stage, and lost by what comes after it."""
        if self._rerank not in (None, False):
            before = _rank(self._search(text, self._options, None), ids)
            if before is not None:
                return Cause.RERANK, f"rank {before} before reranking, below {self.k} after it"
        refined = self._options.diversity > 0 or self._options.group_by is not None
        if refined:
            plain = replace(self._options, diversity=0.0, group_by=None)
            before = _rank(self._search(text, plain, self._rerank), ids)
            if before is not None:
                return Cause.DIVERSITY, f"rank {before} before spreading or grouping"
        return None

    def _missed(self, text: str, ids: set[str]) -> tuple[Cause, str] | None:
        if self._options.mode not in (Mode.DENSE, Mode.HYBRID) or self._options.path == "exact":
            return None
        rank = _rank(self._search(text, replace(self._options, path="exact"), self._rerank), ids)
        if rank is None:
            return None
        return Cause.ANN_MISS, f"rank {rank} by exact search, not found by {self._options.path}"

    def _fused_away(self, text: str, ids: set[str], ranks: Ranks) -> tuple[Cause, str] | None:
        if self._options.mode not in (Mode.HYBRID, Mode.LATE):
            return None
        for name, rank in (("meaning", ranks.dense), ("words", ranks.lexical)):
            if rank is not None and rank <= self.k:
                mixed = ranks.first_stage or f"below {_DEPTH}"
                return Cause.FUSION, f"rank {rank} by {name} alone, {mixed} when mixed"
        return None

    def _not_understood(
        self,
        query: str,
        text: str,
        wanted: tuple[str, ...],
        passages: Sequence[Chunk],
        ranks: Ranks,
    ) -> tuple[Cause, str]:
        if self._options.mode in (Mode.LEXICAL, Mode.SPARSE):
            return self._without_meaning(text, ranks)
        encoder, metric = self._collection.encoder, self._collection.store.metric
        vector = encoder.encode([text], role=Role.QUERY)[0]
        least = self._least(text)
        unread = best_of_unread(encoder, metric, vector, passages)
        if unread is not None and unread >= least:
            return Cause.TRUNCATED, (
                f"the end of a passage scores {unread:.3f}, the last hit {least:.3f}; the model "
                f"reads {encoder.card.max_tokens} tokens"
            )
        unknown, many = unknown_words(encoder, text)
        if many or not vector.any():
            return Cause.OUT_OF_VOCABULARY, f"the model does not know {', '.join(unknown[:5])}"
        whole = [chunk for name in wanted for chunk in self._answers.all_of(name)]
        joined = best_of_joined(encoder, metric, vector, whole)
        apart = self._answers.is_apart(query, passages)
        if joined is not None and joined >= least and apart is not False:
            return Cause.CHUNKED_APART, (
                f"two neighbouring passages as one score {joined:.3f}, the last hit {least:.3f}"
            )
        rank = ranks.dense or f"below {_DEPTH}"
        return Cause.MODEL, f"rank {rank} by exact comparison of all vectors"

    def _without_meaning(self, text: str, ranks: Ranks) -> tuple[Cause, str]:
        if ranks.lexical is None and self._options.mode is Mode.LEXICAL:
            return Cause.OUT_OF_VOCABULARY, "the answer has no word of the question"
        rank = ranks.final or ranks.lexical or f"below {_DEPTH}"
        return Cause.MODEL, f"rank {rank} by {self._options.mode}"

    def _least(self, text: str) -> float:
        """Score of the last hit of an exact dense search: what an answer must reach."""
        plain = SearchOptions(k=self.k, where=self._options.where, path="exact")
        hits = self._search(text, plain, None)
        return hits[-1].score if hits else float("-inf")

    def _ranks(self, text: str, ids: set[str], hits: Sequence[Hit]) -> Ranks:
        deep = SearchOptions(k=_DEPTH, where=self._options.where)
        first = replace(self._options, k=_DEPTH, diversity=0.0, group_by=None)
        return Ranks(
            dense=_rank(self._search(text, replace(deep, path="exact"), None), ids),
            lexical=_rank(self._search(text, replace(deep, mode=Mode.LEXICAL), None), ids),
            first_stage=_rank(self._search(text, first, None), ids),
            final=_rank(hits, ids),
        )

    def _search(self, text: str, options: SearchOptions, rerank: Rerank) -> list[Hit]:
        return self._collection.search(text, options=options, rerank=rerank)


def _rank(hits: Sequence[Hit], ids: set[str]) -> int | None:
    return next((hit.rank for hit in hits if hit.chunk.id in ids), None)
