"""What hosted models cost, as data with its date and sources, and what a job will cost.

The table is ``prices.toml`` beside this file. A model that is not in it has no known price: that is
said, never guessed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nearfield.models.remote.naming import RemoteName, parse
from nearfield.models.remote.tokens import OVERHEAD, TOKENIZER, most_tokens

__all__ = ["Forecast", "Price", "forecast", "price_of", "table_date"]

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars.

    Attributes
    ----------
    input, output : float
        For a million tokens that go in and that come out.
    request : float
        For each request; how some rerankers are charged.
    source : str
        Page that states it, or who said so.
    date : str
        When it was read, ``YYYY-MM-DD``; empty for prices that a name states.
    """

    input: float = 0.0
    output: float = 0.0
    request: float = 0.0
    source: str = ""
    date: str = ""

    def cost(self, input_tokens: int, output_tokens: int = 0, requests: int = 1) -> float:
        """US dollars of so many tokens.

        Examples
        --------
        >>> Price(input=0.02).cost(1_000_000)
        0.02
        """
        tokens = self.input * input_tokens + self.output * output_tokens
        return tokens / _MILLION + self.request * requests


@cache
def _table() -> Mapping[str, object]:
    with Path(__file__).with_name("prices.toml").open("rb") as file:
        return tomllib.load(file)


def table_date() -> str:
    """When the table of prices was read, ``YYYY-MM-DD``."""
    return str(_table()["date"])


def price_of(name: str | RemoteName) -> Price | None:
    """Price of a hosted model, or None where it is not known.

    A name's own ``#price=`` goes before the table. The table counts for the providers' own servers
    only: what a server of yours takes is not known.

    Parameters
    ----------
    name : str or RemoteName

    Examples
    --------
    >>> price_of("openai:text-embedding-3-small").input
    0.02
    >>> price_of("openai:text-embedding-3-small@http://127.0.0.1:8000/v1") is None
    True
    >>> price_of("openai:bge-m3@http://127.0.0.1:8000/v1#price=0").cost(10**9)
    0.0
    """
    asked = parse(name) if isinstance(name, str) else name
    if asked.price is not None:
        return Price(input=asked.price, source="the model's name")
    if asked.url:
        return None
    models = _table().get(asked.provider)
    entry = models.get(asked.model) if isinstance(models, dict) else None
    if not isinstance(entry, dict):
        return None
    sources = _table()["sources"]
    source = sources.get(asked.provider, "") if isinstance(sources, dict) else ""
    return Price(**entry, source=source, date=table_date())


@dataclass(frozen=True, slots=True)
class Forecast:
    """What embedding some texts will take.

    Attributes
    ----------
    model : str
    texts : int
    tokens : int
        An estimate; the provider counts with its own tokenizer.
    most_tokens : int
        No tokenizer that works on bytes makes more of these texts.
    price : Price or None
        None where it is not known.
    cost, most_cost : float or None
        US dollars of the two counts.
    """

    model: str
    texts: int
    tokens: int
    most_tokens: int
    price: Price | None

    @property
    def cost(self) -> float | None:
        return None if self.price is None else self.price.cost(self.tokens, requests=0)

    @property
    def most_cost(self) -> float | None:
        return None if self.price is None else self.price.cost(self.most_tokens, requests=0)

    def __add__(self, other: Forecast) -> Forecast:
        return Forecast(
            self.model,
            self.texts + other.texts,
            self.tokens + other.tokens,
            self.most_tokens + other.most_tokens,
            self.price,
        )


def forecast(name: str, texts: Sequence[str]) -> Forecast:
    """Estimate what a hosted model would take for some texts; nothing is sent.

    Parameters
    ----------
    name : str
        Such as ``openai:text-embedding-3-small``.
    texts : sequence of str

    Returns
    -------
    Forecast

    Raises
    ------
    InputError
        The name is not one of a hosted model.

    Examples
    --------
    >>> found = forecast("openai:text-embedding-3-small", ["A parka keeps you warm."] * 1000)
    >>> found.texts, found.tokens, round(found.cost, 6)
    (1000, 6000, 0.00012)
    """
    full = [text for text in texts if text]
    return Forecast(
        model=name,
        texts=len(texts),
        tokens=sum(TOKENIZER.count(full)),
        most_tokens=sum(most_tokens(text) + OVERHEAD for text in full),
        price=price_of(name),
    )
