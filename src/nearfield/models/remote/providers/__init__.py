"""One small file for each provider's API; imported when a model of it is named."""

from __future__ import annotations

import importlib
from typing import Any

from nearfield.errors import UnknownName
from nearfield.models.remote.api import EmbeddingApi, RerankApi

__all__ = ["embedding_api", "rerank_api"]

_EMBEDDING = {
    "openai": "openai:OpenAIEmbeddings",
    "cohere": "cohere:CohereEmbeddings",
    "voyage": "voyage:VoyageEmbeddings",
    "jina": "jina:JinaEmbeddings",
    "mistral": "mistral:MistralEmbeddings",
    "gemini": "gemini:GeminiEmbeddings",
}
_RERANK = {
    "cohere": "cohere:CohereRerank",
    "voyage": "voyage:VoyageRerank",
    "jina": "jina:JinaRerank",
}


def embedding_api(provider: str) -> EmbeddingApi:
    """The API that gives vectors; UnknownName where the provider has none."""
    api: EmbeddingApi = _load(_EMBEDDING, provider, "vectors of texts")
    return api


def rerank_api(provider: str) -> RerankApi:
    """The API that scores passages; UnknownName where the provider has none."""
    api: RerankApi = _load(_RERANK, provider, "rerankers")
    return api


def _load(table: dict[str, str], provider: str, what: str) -> Any:  # noqa: ANN401 - one of two roles
    if provider not in table:
        raise UnknownName(f"{provider} offers no {what}; these do: {', '.join(table)}")
    module, _, name = table[provider].partition(":")
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)()
