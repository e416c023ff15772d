"""Cohere's embed and rerank APIs, version 2.

https://docs.cohere.com/reference/embed and https://docs.cohere.com/reference/rerank
"""

from __future__ import annotations

from collections.abc import Sequence

from nearfield.models.remote.api import Answer, Ask, Scores, rows_of, tokens_of
from nearfield.models.remote.http import Endpoint, Json
from nearfield.models.remote.providers.scores import scores_of
from nearfield.models.remote.secrets import Secret
from nearfield.types import Role

__all__ = ["CohereEmbeddings", "CohereRerank"]

_KEYS = ("COHERE_API_KEY", "CO_API_KEY")
_INPUT_TYPES = {Role.QUERY: "search_query", Role.DOCUMENT: "search_document"}


def _endpoint(secret: Secret | None, base_url: str) -> Endpoint:
    return Endpoint(base_url or "https://api.cohere.com", secret, title="Cohere")


class CohereEmbeddings:
    """``POST /v2/embed``; ``truncate: NONE`` makes a text over the limit an error."""

    key_variables: tuple[str, ...] = _KEYS
    refuses_long = True

    def endpoint(self, secret: Secret | None, base_url: str) -> Endpoint:
        return _endpoint(secret, base_url)

    def path(self, ask: Ask) -> str:
        return "/v2/embed"

    def body(self, texts: Sequence[str], ask: Ask) -> Json:
        body: Json = {
            "model": ask.model,
            "texts": list(texts),
            "input_type": _INPUT_TYPES[ask.role],
            "embedding_types": ["float"],
            "truncate": "NONE",
        }
        if ask.dimensions is not None:
            body["output_dimension"] = ask.dimensions
        return body

    def read(self, answer: Json, count: int) -> Answer:
        found = answer.get("embeddings")
        rows = found.get("float") if isinstance(found, dict) else found
        return Answer(
            rows_of(rows, count), tokens_of(answer, "meta", "billed_units", "input_tokens")
        )

    def variant(self, ask: Ask) -> str:
        return _INPUT_TYPES[ask.role]


class CohereRerank:
    """``POST /v2/rerank``."""

    key_variables: tuple[str, ...] = _KEYS

    def endpoint(self, secret: Secret | None, base_url: str) -> Endpoint:
        return _endpoint(secret, base_url)

    def path(self) -> str:
        return "/v2/rerank"

    def body(self, query: str, texts: Sequence[str], model: str) -> Json:
        return {"model": model, "query": query, "documents": list(texts), "top_n": len(texts)}

    def read(self, answer: Json, count: int) -> Scores:
        return Scores(
            scores_of(answer.get("results"), count),
            tokens_of(answer, "meta", "billed_units", "input_tokens"),
        )
