"""What a hosted model would take: counted here, and nothing is sent."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from nearfield.collection.options import Chunking
from nearfield.documents.chunkers import make
from nearfield.errors import UnsupportedOperation
from nearfield.passage import embedding_text
from nearfield.types import Document

__all__ = ["hosted_tokens", "is_hosted", "price_of"]


def is_hosted(name: str) -> bool:
    """Whether a name is of a model that somebody else's server computes.

    Examples
    --------
    >>> is_hosted("openai:text-embedding-3-small"), is_hosted("hf:org/name")
    (True, False)
    """
    provider, colon, _ = name.partition(":")
    return bool(colon) and provider.isalpha() and len(provider) > 1 and provider != "hf"


def price_of(name: str, tokens: int) -> float | None:
    """US dollars that a model asks for so many tokens; 0 for a local one, None where not known.

    Prices are data of the room that calls hosted models.
    """
    if not is_hosted(name):
        return 0.0
    try:
        prices = importlib.import_module("nearfield.models.remote.prices")
    except ImportError:
        return None
    price = prices.price_of(name)
    return None if price is None else float(price.cost(tokens, requests=0))


def hosted_tokens(chunking: Chunking, documents: Sequence[Document], *, of: int) -> tuple[int, int]:
    """Passages and tokens of `of` documents, estimated from a sample of them.

    Raises
    ------
    UnsupportedOperation
        Hosted models are not a part of this installation.
    """
    try:
        tokenizer = importlib.import_module("nearfield.models.remote.tokens").TOKENIZER
    except ImportError:
        raise UnsupportedOperation("hosted models are not a part of this installation") from None
    chunker = make(chunking.name, tokenizer=tokenizer, size=chunking.size, overlap=chunking.overlap)
    texts = [embedding_text(c) for document in documents for c in chunker.chunk(document)]
    scale = of / max(1, len(documents))
    return round(len(texts) * scale), round(sum(tokenizer.count(texts)) * scale)
