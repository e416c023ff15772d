"""Google's Gemini embeddings API.

https://ai.google.dev/api/embeddings

The key travels in a header, never in the URL, where logs would keep it.
"""

from __future__ import annotations

from collections.abc import Sequence

from nearfield.models.remote.api import Answer, Ask, rows_of, tokens_of
from nearfield.models.remote.http import Endpoint, Json
from nearfield.models.remote.secrets import Secret
from nearfield.types import Role

__all__ = ["GeminiEmbeddings"]

_TASKS = {Role.QUERY: "RETRIEVAL_QUERY", Role.DOCUMENT: "RETRIEVAL_DOCUMENT"}
_WITHOUT_TASKS = ("gemini-embedding-2",)
"""Models that are told the task in the text itself; their prompts are on the card."""


class GeminiEmbeddings:
    """``POST /v1/models/MODEL:batchEmbedContents``.

    The API cuts long texts without a word and cannot be asked not to. So a text that may be too
    long is counted by the server first (``countTokens``, free of charge) and cut here.
    """

    key_variables: tuple[str, ...] = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
    refuses_long = False

    def endpoint(self, secret: Secret | None, base_url: str) -> Endpoint:
        url = base_url or "https://generativelanguage.googleapis.com/v1"
        return Endpoint(url, secret, header="x-goog-api-key", scheme="", title="Gemini")

    def path(self, ask: Ask) -> str:
        return f"/models/{ask.model}:batchEmbedContents"

    def body(self, texts: Sequence[str], ask: Ask) -> Json:
        return {"requests": [self._request(text, ask) for text in texts]}

    def _request(self, text: str, ask: Ask) -> Json:
        request: Json = {"model": f"models/{ask.model}", "content": {"parts": [{"text": text}]}}
        if task := self.variant(ask):
            request["taskType"] = task
        if ask.dimensions is not None:
            request["outputDimensionality"] = ask.dimensions
        return request

    def read(self, answer: Json, count: int) -> Answer:
        rows = rows_of(answer.get("embeddings"), count, key="values")
        return Answer(rows, tokens_of(answer, "usageMetadata", "promptTokenCount"))

    def variant(self, ask: Ask) -> str:
        return "" if ask.model.startswith(_WITHOUT_TASKS) else _TASKS[ask.role]

    def count_path(self, ask: Ask) -> str:
        """Where a text is counted."""
        return f"/models/{ask.model}:countTokens"

    def count_body(self, text: str) -> Json:
        """What to send there."""
        return {"contents": [{"parts": [{"text": text}]}]}

    def counted(self, answer: Json) -> int | None:
        """What the server says."""
        return tokens_of(answer, "totalTokens")
