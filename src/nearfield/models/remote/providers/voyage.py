"""Voyage's embeddings and rerank APIs.

https://docs.voyageai.com/reference/embeddings-api and .../reference/reranker-api
"""

from __future__ import annotations

from collections.abc import Sequence

from nearfield.models.remote.api import Answer, Ask, Scores, rows_of, tokens_of
from nearfield.models.remote.http import Endpoint, Json
from nearfield.models.remote.providers.scores import scores_of
from nearfield.models.remote.secrets import Secret

__all__ = ["VoyageEmbeddings", "VoyageRerank"]

_KEYS = ("VOYAGE_API_KEY",)


def _endpoint(secret: Secret | None, base_url: str) -> Endpoint:
    return Endpoint(base_url or "https://api.voyageai.com/v1", secret, title="Voyage")


class VoyageEmbeddings:
    """``POST /v1/embeddings``; ``truncation: false`` makes a text over the limit an error."""

    key_variables: tuple[str, ...] = _KEYS
    refuses_long = True

    def endpoint(self, secret: Secret | None, base_url: str) -> Endpoint:
        return _endpoint(secret, base_url)

    def path(self, ask: Ask) -> str:
        return "/embeddings"

    def body(self, texts: Sequence[str], ask: Ask) -> Json:
        body: Json = {
            "model": ask.model,
            "input": list(texts),
            "input_type": ask.role.value,
            "truncation": False,
            "encoding_format": "base64",
        }
        if ask.dimensions is not None:
            body["output_dimension"] = ask.dimensions
        return body

    def read(self, answer: Json, count: int) -> Answer:
        return Answer(
            rows_of(answer.get("data"), count), tokens_of(answer, "usage", "total_tokens")
        )

    def variant(self, ask: Ask) -> str:
        return ask.role.value


class VoyageRerank:
    """``POST /v1/rerank``."""

    key_variables: tuple[str, ...] = _KEYS

    def endpoint(self, secret: Secret | None, base_url: str) -> Endpoint:
        return _endpoint(secret, base_url)

    def path(self) -> str:
        return "/rerank"

    def body(self, query: str, texts: Sequence[str], model: str) -> Json:
        return {"model": model, "query": query, "documents": list(texts), "truncation": False}

    def read(self, answer: Json, count: int) -> Scores:
        return Scores(
            scores_of(answer.get("data"), count), tokens_of(answer, "usage", "total_tokens")
        )
