"""Mistral's embeddings API.

https://docs.mistral.ai/api/endpoint/embeddings
"""

from __future__ import annotations

from collections.abc import Sequence

from nearfield.models.remote.api import Answer, Ask, rows_of, tokens_of
from nearfield.models.remote.http import Endpoint, Json
from nearfield.models.remote.secrets import Secret

__all__ = ["MistralEmbeddings"]


class MistralEmbeddings:
    """``POST /v1/embeddings``."""

    key_variables: tuple[str, ...] = ("MISTRAL_API_KEY",)
    refuses_long = True

    def endpoint(self, secret: Secret | None, base_url: str) -> Endpoint:
        return Endpoint(base_url or "https://api.mistral.ai/v1", secret, title="Mistral")

    def path(self, ask: Ask) -> str:
        return "/embeddings"

    def body(self, texts: Sequence[str], ask: Ask) -> Json:
        body: Json = {"model": ask.model, "input": list(texts)}
        if ask.dimensions is not None:
            body["output_dimension"] = ask.dimensions
        return body

    def read(self, answer: Json, count: int) -> Answer:
        return Answer(
            rows_of(answer.get("data"), count), tokens_of(answer, "usage", "prompt_tokens")
        )

    def variant(self, ask: Ask) -> str:
        return ""
