"""What a hosted model would take: counted here, and nothing is sent."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from nearfield.collection.options import Chunking
from nearfield.documents.chunkers import make
from nearfield.errors import InputError, UnsupportedOperation
from nearfield.passage import embedding_text
from nearfield.types import Document

__all__ = ["affordable", "hosted_tokens", "is_hosted", "price_of"]


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


def affordable(
    name: str, allowed: float, *, read: int, written: int = 0, requests: int = 0
) -> float:
    """US dollars that a hosted model asks for so much, before anything is sent.

    Parameters
    ----------
    name : str
    allowed : float
        US dollars that it may cost.
    read, written : int
        Tokens.
    requests : int

    Raises
    ------
    InputError
        It is more than is allowed, with both values; or its price is not known.
    """
    price = importlib.import_module("nearfield.models.remote.prices").price_of(name)
    if price is None:
        raise InputError(f"nothing is sent to {name}: its price is not known")
    cost = float(price.cost(read, written, requests))
    if cost > allowed:
        raise InputError(
            f"nothing was sent to {name}: {requests:,} requests would cost up to ${cost:.2f} and "
            f"${allowed:.2f} are allowed; raise --max-money"
        )
    return cost
