"""Why a question fails: one cause each, the first stage that lost the answer."""

from __future__ import annotations

from nearfield.types import Word

__all__ = ["Cause"]


class Cause(Word):
    """The stage that lost the answer.

    They are looked for in this order, from the outside to the model: what is not there cannot be
    found, what is filtered out neither; and only what no stage explains is the model's.
    """

    NOT_INDEXED = "not indexed"
    FILTER = "filter"
    RERANK = "rerank"
    DIVERSITY = "diversity"
    ANN_MISS = "ann miss"
    FUSION = "fusion"
    TRUNCATED = "truncated"
    OUT_OF_VOCABULARY = "out of vocabulary"
    CHUNKED_APART = "chunked apart"
    MODEL = "model"

    @property
    def remedy(self) -> str:
        """What helps, in one line."""
        return _REMEDIES[self]


_REMEDIES = {
    Cause.NOT_INDEXED: "index the file; `nearfield stats --problems` says why it was left out",
    Cause.FILTER: "widen the filter, or correct the metadata",
    Cause.RERANK: "give the reranker less weight, or another one",
    Cause.DIVERSITY: "less diversity, or more hits a group",
    Cause.ANN_MISS: "search exactly, or raise the recall target; `nearfield audit` measures it",
    Cause.FUSION: "shift the weight between meaning and words",
    Cause.TRUNCATED: "smaller passages, or a model that reads more tokens",
    Cause.OUT_OF_VOCABULARY: "search by words as well (hybrid), or a model that knows the words",
    Cause.CHUNKED_APART: "larger passages, or overlap",
    Cause.MODEL: "another model, a reranker, or hybrid search",
}
