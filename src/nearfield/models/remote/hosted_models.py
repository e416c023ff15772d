"""The hosted models that are known by name, and the limits of their providers.

Data only. Sources, read on 2026-11-29: OpenAI's API description (2,048 inputs, 8,192 tokens each
and 300,000 together; the models' pages say 8,191), Cohere's (96 texts; ``truncate``), Voyage's
reference of the embeddings API (1,000 inputs, 120,000 to 1,000,000 tokens, ``truncation``), Jina's
(2,048 inputs), Mistral's answers to too large batches (512 inputs, 16,384 tokens) and Google's page
on embeddings (100 requests a batch). A model that is not listed works as well: its dimension is
found by asking, and its limit is what the server refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nearfield.types import Role

__all__ = ["HOSTED", "LIMITS", "RERANKERS", "HostedModel", "Limits", "find"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may hold.

    Attributes
    ----------
    texts, tokens : int
        Most texts, and most tokens of all of them.
    """

    texts: int
    tokens: int


LIMITS = {
    "openai": Limits(2048, 300_000),
    "cohere": Limits(96, 128_000),
    "voyage": Limits(1000, 120_000),
    "jina": Limits(2048, 100_000),
    "mistral": Limits(512, 16_384),
    "gemini": Limits(100, 200_000),
}
"""By provider; some models have their own."""

COMPATIBLE_LIMITS = Limits(64, 64_000)
"""Of a server of your own that says nothing: few enough for small machines."""


@dataclass(frozen=True, slots=True)
class HostedModel:
    """One model at one provider.

    Attributes
    ----------
    provider, name : str
    dimension : int
        Of its vectors where none is asked for.
    dimensions : tuple of int
        Other dimensions that the server gives; a single pair ``(0, most)`` means all up to it.
    max_tokens : int or None
    limits : Limits or None
        Where they differ from the provider's.
    prompts : mapping of Role to str
        Put before a text on this side.
    use : str
        One line for a person who chooses.
    """

    provider: str
    name: str
    dimension: int
    dimensions: tuple[int, ...] = ()
    max_tokens: int | None = None
    limits: Limits | None = None
    prompts: Mapping[Role, str] = field(default_factory=dict)
    use: str = ""

    @property
    def full_name(self) -> str:
        """Name to load it by."""
        return f"{self.provider}:{self.name}"

    def gives(self, dimensions: int) -> bool:
        """Whether the server itself gives vectors of that length.

        Examples
        --------
        >>> find("openai", "text-embedding-3-small").gives(300)
        True
        >>> find("voyage", "voyage-4").gives(300)
        False
        """
        if self.dimensions[:1] == (0,):
            return 1 <= dimensions <= self.dimensions[1]
        return dimensions == self.dimension or dimensions in self.dimensions


_VOYAGE = (256, 512, 1024, 2048)
_COHERE_4 = (256, 512, 1024, 1536)
_GEMINI_2 = {
    Role.QUERY: "task: search result | query: ",
    Role.DOCUMENT: "title: none | text: ",
}

HOSTED: tuple[HostedModel, ...] = (
    HostedModel("openai", "text-embedding-3-small", 1536, (0, 1536), 8191, use="low price"),
    HostedModel("openai", "text-embedding-3-large", 3072, (0, 3072), 8191, use="retrieval"),
    HostedModel("openai", "text-embedding-ada-002", 1536, (), 8191, use="older collections"),
    HostedModel("cohere", "embed-v4.0", 1536, _COHERE_4, 128_000, use="many languages"),
    HostedModel("cohere", "embed-english-v3.0", 1024, (), 512, use="English"),
    HostedModel("cohere", "embed-multilingual-v3.0", 1024, (), 512, use="many languages"),
    HostedModel("cohere", "embed-english-light-v3.0", 384, (), 512, use="English, small"),
    HostedModel("cohere", "embed-multilingual-light-v3.0", 384, (), 512, use="small"),
    HostedModel("voyage", "voyage-4-large", 1024, _VOYAGE, 32_000, use="retrieval"),
    HostedModel(
        "voyage", "voyage-4", 1024, _VOYAGE, 32_000, Limits(1000, 320_000), use="many languages"
    ),
    HostedModel(
        "voyage", "voyage-4-lite", 1024, _VOYAGE, 32_000, Limits(1000, 1_000_000), use="low price"
    ),
    HostedModel(
        "voyage", "voyage-3.5", 1024, _VOYAGE, 32_000, Limits(1000, 320_000), use="many languages"
    ),
    HostedModel(
        "voyage", "voyage-3.5-lite", 1024, _VOYAGE, 32_000, Limits(1000, 1_000_000), use="low price"
    ),
    HostedModel("voyage", "voyage-3-large", 1024, _VOYAGE, 32_000, use="retrieval"),
    HostedModel("voyage", "voyage-code-3", 1024, _VOYAGE, 32_000, use="source code"),
    HostedModel("jina", "jina-embeddings-v4", 2048, (0, 2048), 32_768, use="many languages"),
    HostedModel("jina", "jina-embeddings-v3", 1024, (0, 1024), 8192, use="many languages"),
    HostedModel("mistral", "mistral-embed", 1024, (), 8192, use="European languages"),
    HostedModel("mistral", "codestral-embed", 1536, (0, 3072), 8192, use="source code"),
    HostedModel("gemini", "gemini-embedding-001", 3072, (0, 3072), 2048, use="many languages"),
    HostedModel(
        "gemini", "gemini-embedding-2", 3072, (0, 3072), 8192, prompts=_GEMINI_2, use="retrieval"
    ),
)

RERANKERS: Mapping[str, tuple[str, ...]] = {
    "cohere": ("rerank-v3.5", "rerank-v4.0-fast", "rerank-v4.0-pro"),
    "voyage": ("rerank-3", "rerank-3-lite", "rerank-2.5", "rerank-2.5-lite"),
    "jina": ("jina-reranker-v3.5", "jina-reranker-m0", "jina-reranker-v2-base-multilingual"),
}


def find(provider: str, name: str) -> HostedModel | None:
    """Look a model up; None for one that is not listed."""
    return next((m for m in HOSTED if (m.provider, m.name) == (provider, name)), None)
