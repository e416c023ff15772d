"""OpenAI's embeddings API, which most servers of open models speak as well.

https://platform.openai.com/docs/api-reference/embeddings
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from nearfield.models.remote.api import Answer, Ask, rows_of, tokens_of
from nearfield.models.remote.http import Endpoint, Json
from nearfield.models.remote.secrets import Secret

__all__ = ["BASE_URL", "OpenAIEmbeddings"]

BASE_URL = "https://api.openai.com/v1"


class OpenAIEmbeddings:
    """``POST /embeddings``; vectors are asked for in base64, a quarter of the digits.

    OpenAI's own client asks so by default; servers that do not know it send lists of numbers.
    """

    key_variables: tuple[str, ...] = ("OPENAI_API_KEY",)
    refuses_long = True

    def endpoint(self, secret: Secret | None, base_url: str) -> Endpoint:
        return Endpoint(base_url or BASE_URL, secret, title=base_url or "OpenAI", extra=_extra())

    def path(self, ask: Ask) -> str:
        return "/embeddings"

    def body(self, texts: Sequence[str], ask: Ask) -> Json:
        body: Json = {"model": ask.model, "input": list(texts), "encoding_format": "base64"}
        if ask.dimensions is not None:
            body["dimensions"] = ask.dimensions
        return body

    def read(self, answer: Json, count: int) -> Answer:
        return Answer(
            rows_of(answer.get("data"), count), tokens_of(answer, "usage", "prompt_tokens")
        )

    def variant(self, ask: Ask) -> str:
        return ""


def _extra() -> dict[str, str]:
    names = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}
    return {name: os.environ[v] for name, v in names.items() if os.environ.get(v)}
