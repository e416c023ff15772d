"""A collection as LangChain's retriever, in every search mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field, PrivateAttr

from nearfield.collection import Collection, open_collection
from nearfield.errors import InputError
from nearfield.integrations.langchain.documents import to_document
from nearfield.integrations.langchain.filters import to_filter
from nearfield.search.options import Mode, SearchOptions

__all__ = ["NearfieldRetriever"]


class NearfieldRetriever(BaseRetriever):
    """Finds passages of a collection, indexed by Nearfield or written by a host.

    Parameters
    ----------
    collection : Collection, str or Path
        Open, or the folder of one.
    k : int
        Most documents to return, at least 1.
    mode : {"dense", "lexical", "hybrid", "sparse", "late"}
    filter : str, mapping or Filter, optional
    rerank : bool or str
        Read the best candidates again together with the question.
    options : SearchOptions, optional
        Everything else; what stands above goes before it.

    Raises
    ------
    InputError
        A mode, a filter or `k` makes no sense.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    collection: Any
    k: int = Field(default=4, ge=1)
    mode: str = Mode.DENSE.value
    filter: Any = None
    rerank: bool | str = False
    options: SearchOptions | None = None
    _opened: Collection | None = PrivateAttr(default=None)

    def model_post_init(self, context: Any, /) -> None:
        """Check what pydantic cannot, at once and not in the first search."""
        super().model_post_init(context)
        Mode.of(self.mode)
        to_filter(self.filter)
        if isinstance(self.collection, str | Path):
            self._opened = open_collection(self.collection, create=False)
        elif isinstance(self.collection, Collection):
            self._opened = self.collection
        else:
            raise InputError(f"collection is {self.collection!r}: give a Collection or its folder")

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        asked = {"k": self.k, "mode": self.mode, "filter": self.filter, "rerank": self.rerank}
        unknown = kwargs.keys() - asked.keys()
        if unknown:
            raise InputError(f"{', '.join(sorted(unknown))}: a search takes {', '.join(asked)}")
        asked |= kwargs
        assert self._opened is not None  # set when it was made
        hits = self._opened.search(
            query,
            k=asked["k"],
            where=to_filter(asked["filter"]),
            mode=asked["mode"],
            rerank=asked["rerank"],
            options=self.options,
        )
        return [to_document(hit.chunk) for hit in hits]
