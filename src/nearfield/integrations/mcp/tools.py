"""The tools: search, similar, ask and stats, over collections that are open to be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Literal, TypeAlias

from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from pydantic import Field

from nearfield.collection import Collection
from nearfield.errors import NearfieldError
from nearfield.integrations.mcp.results import (
    Found,
    Limits,
    Passage,
    Shelf,
    Told,
    found,
    passage,
    plain,
)
from nearfield.types import Answer, Hit

__all__ = ["Toolbox"]

Question: TypeAlias = Annotated[
    str, Field(min_length=1, max_length=2_000, description="A question or a few words.")
]
Name: TypeAlias = Annotated[
    str | None,
    Field(max_length=200, description="Name of a collection; not needed where there is one."),
]
Count: TypeAlias = Annotated[int, Field(ge=1, le=20, description="Most passages to return.")]
Where: TypeAlias = Annotated[
    str | None,
    Field(
        max_length=2_000,
        description="Filter such as 'lang = \"en\" and year >= 2020'; `stats` names the fields.",
    ),
]
Ids: TypeAlias = Annotated[
    list[Annotated[str, Field(max_length=4_000)]],
    Field(min_length=1, max_length=20, description="Ids of passages, as searches return them."),
]
Others: TypeAlias = Annotated[
    list[Annotated[str, Field(max_length=4_000)]],
    Field(max_length=20, description="Ids of passages to keep away from."),
]
Mode: TypeAlias = Annotated[
    Literal["dense", "hybrid", "lexical"],
    Field(description="By meaning; by meaning and words, for names and codes; by words alone."),
]

_SAMPLED = 200
"""Passages whose fields `stats` names."""


class Toolbox:
    """What an assistant can ask; nothing here changes a collection.

    Parameters
    ----------
    collections : mapping of str to Collection
        By the names under which assistants know them.
    limits : Limits
    generator : str, optional
        What writes answers. Only who starts the server chooses it: text may leave the machine.
    """

    def __init__(
        self, collections: Mapping[str, Collection], limits: Limits, generator: str | None
    ) -> None:
        self._collections = dict(collections)
        self._limits = limits
        self._generator = generator

    def search(
        self,
        query: Question,
        collection: Name = None,
        k: Count = 5,
        where: Where = None,
        mode: Mode = "dense",
        rerank: bool = False,
    ) -> Found:
        """Find passages of the user's documents that answer a question."""
        name, opened = self._named(collection)
        hits = _told(
            lambda: opened.search(query, k=k, where=where, mode=mode, rerank=rerank or None)
        )
        verdict = _told(lambda: opened.judge(hits, mode=mode))
        relevant = None if verdict is None else verdict.relevant
        return found(hits, name, self._limits, relevant=relevant)

    def similar(
        self,
        like: Ids,
        unlike: Others = [],  # noqa: B006  never written to; a schema needs a value
        collection: Name = None,
        k: Count = 5,
        where: Where = None,
    ) -> Found:
        """Find more passages like some, and unlike others."""
        name, opened = self._named(collection)
        hits: list[Hit] = _told(lambda: opened.similar(like, unlike=unlike, k=k, where=where))
        return found(hits, name, self._limits, relevant=None)

    def ask(
        self, question: Question, collection: Name = None, k: Count = 5, where: Where = None
    ) -> Told:
        """Answer a question from the user's documents, with checked citations, or abstain."""
        name, opened = self._named(collection)
        answer: Answer = _told(
            lambda: opened.ask(question, k=k, where=where, generator=self._generator)
        )
        return Told(
            collection=name,
            answer=plain(answer.text),
            abstained=answer.abstained,
            confidence=answer.confidence,
            citations=[
                {
                    "number": each.number,
                    "quote": plain(each.quote),
                    "passage": plain(each.chunk_id),
                    "source": plain(each.source),
                    "page": each.page,
                    "start": each.start,
                    "end": each.end,
                    "verified": each.verified,
                }
                for each in answer.citations
            ],
            nearest=found(answer.nearest, name, self._limits, relevant=None).passages,
            generator=answer.generator,
        )

    def stats(self, collection: Name = None) -> list[Shelf]:
        """Say what is in the collections: passages, model, and the fields that filters know."""
        chosen = self._collections if collection is None else dict([self._named(collection)])
        return [_told(partial(_shelf, name, opened)) for name, opened in chosen.items()]

    def read(self, collection: str, id: str) -> Passage:
        """One passage, whole."""
        name, opened = self._named(collection)
        whole = Limits(passage_characters=10_000_000)
        with suppress(LookupError):
            return passage(_told(lambda: opened.store.get([id])[0]), name, whole)
        raise ResourceNotFoundError(f"there is no passage {id!r} in {name}")

    def _named(self, name: str | None) -> tuple[str, Collection]:
        if name is None and len(self._collections) == 1:
            return next(iter(self._collections.items()))
        if name in self._collections:
            return name, self._collections[name]
        said = "say which collection" if name is None else f"there is no collection {name!r}"
        raise ToolError(f"{said}: {', '.join(self._collections)}")


def _told(call: Callable[[], Any]) -> Any:
    """What a call gives; what Nearfield refuses is told to the assistant as it stands."""
    try:
        return call()
    except LookupError as error:
        raise _Unknown(str(error)) from error
    except NearfieldError as error:
        raise ToolError(str(error)) from error


class _Unknown(ToolError, LookupError):
    """No such passage."""


def _shelf(name: str, opened: Collection) -> Shelf:
    store = opened.store
    states = opened.sources()
    with store.view() as view:
        sampled = view.sample(_SAMPLED)
    names = {field for chunk in sampled for field in chunk.fields() if not field.startswith("_")}
    return Shelf(
        collection=name,
        passages=opened.count(),
        documents=len(store.documents()),
        files=sum(1 for state in states if state.chunks),
        problems=sum(len(state.problems) for state in states),
        model=opened.model,
        fingerprint=opened.fingerprint,
        dimension=store.dimension,
        metric=store.metric.value,
        fields=sorted(map(plain, names)),
    )
