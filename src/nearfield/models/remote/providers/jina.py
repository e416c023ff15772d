"""Jina's embeddings and rerank APIs.

https://api.jina.ai/redoc
"""

from __future__ import annotations

from collections.abc import Sequence

from nearfield.models.remote.api import Answer, Ask, Scores, rows_of, tokens_of
from nearfield.models.remote.http import Endpoint, Json
from nearfield.models.remote.providers.scores import scores_of
from nearfield.models.remote.secrets import Secret
from nearfield.types import Role

__all__ = ["JinaEmbeddings", "JinaRerank"]

_KEYS = ("JINA_API_KEY",)
_TASKS = {Role.QUERY: "retrieval.query", Role.DOCUMENT: "retrieval.passage"}


def _endpoint(secret: Secret | None, base_url: str) -> Endpoint:
    return Endpoint(base_url or "https://api.jina.ai/v1", secret, title="Jina")


class JinaEmbeddings:
    """``POST /v1/embeddings``; ``truncate: false`` makes a text over the limit an error."""

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
            "task": _TASKS[ask.role],
            "truncate": False,
            "embedding_type": "base64",
        }
        if ask.dimensions is not None:
            body["dimensions"] = ask.dimensions
        return body

    def read(self, answer: Json, count: int) -> Answer:
        return Answer(
            rows_of(answer.get("data"), count), tokens_of(answer, "usage", "total_tokens")
        )

    def variant(self, ask: Ask) -> str:
        return _TASKS[ask.role]


class JinaRerank:
    """``POST /v1/rerank``."""

    key_variables: tuple[str, ...] = _KEYS

    def endpoint(self, secret: Secret | None, base_url: str) -> Endpoint:
        return _endpoint(secret, base_url)

    def path(self) -> str:
        return "/rerank"

    def body(self, query: str, texts: Sequence[str], model: str) -> Json:
        return {
            "model": model,
            "query": query,
            "documents": list(texts),
            "top_n": len(texts),
            "return_documents": False,
        }

    def read(self, answer: Json, count: int) -> Scores:
        return Scores(
            scores_of(answer.get("results"), count), tokens_of(answer, "usage", "total_tokens")
        )
