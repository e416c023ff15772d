"""What hosted models are known by name, and whether a key for them is at hand."""

from __future__ import annotations

import os
from dataclasses import dataclass

from nearfield.models.catalog import Task
from nearfield.models.remote.hosted_models import HOSTED, RERANKERS
from nearfield.models.remote.prices import price_of
from nearfield.models.remote.providers import embedding_api, rerank_api

__all__ = ["HostedStatus", "hosted"]


@dataclass(frozen=True, slots=True)
class HostedStatus:
    """One line of the list of hosted models.

    Attributes
    ----------
    name : str
        The name to load it by.
    task : Task
    dimension, max_tokens : int or None
    price : float or None
        US dollars for a million tokens; None where it is not known, or not by the token.
    search_price : float or None
        US dollars for a search, where a reranker is charged so.
    key : tuple of str
        Environment variables that its key is read from.
    ready : bool
        Whether one of them is set. The key itself is not looked at.
    use : str
        One line for a person who chooses.
    """

    name: str
    task: Task
    dimension: int | None
    max_tokens: int | None
    price: float | None
    search_price: float | None
    key: tuple[str, ...]
    ready: bool
    use: str = ""


def hosted() -> list[HostedStatus]:
    """Encoders, then rerankers; other models of the providers can be named as well.

    Examples
    --------
    >>> found = {status.name: status for status in hosted()}
    >>> found["openai:text-embedding-3-small"].price
    0.02
    """
    encoders = [
        _status(
            model.full_name,
            Task.TEXT,
            embedding_api(model.provider).key_variables,
            dimension=model.dimension,
            max_tokens=model.max_tokens,
            use=model.use,
        )
        for model in HOSTED
    ]
    rerankers = [
        _status(
            f"{provider}:{model}",
            Task.RERANK,
            rerank_api(provider).key_variables,
            use="reads question and passage together",
        )
        for provider, models in RERANKERS.items()
        for model in models
    ]
    return encoders + rerankers


def _status(
    name: str,
    task: Task,
    keys: tuple[str, ...],
    *,
    dimension: int | None = None,
    max_tokens: int | None = None,
    use: str = "",
) -> HostedStatus:
    price = price_of(name)
    return HostedStatus(
        name,
        task,
        dimension,
        max_tokens,
        price.input if price is not None and price.input else None,
        price.request if price is not None and price.request else None,
        keys,
        any(os.environ.get(key, "").strip() for key in keys),
        use,
    )
