"""A hosted reranker: the question and the passages go out, one score a passage comes back."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from nearfield.errors import InputError, TruncationWarning
from nearfield.models.remote.api import RerankApi
from nearfield.models.remote.connecting import connect, server
from nearfield.models.remote.http import HttpClient
from nearfield.models.remote.naming import RemoteName, parse
from nearfield.models.remote.prices import Price, price_of
from nearfield.models.remote.providers import rerank_api
from nearfield.models.remote.spending import Account, account
from nearfield.models.remote.tokens import OVERHEAD, TOKENIZER, cut, most_tokens
from nearfield.tokenization import check_texts
from nearfield.types import FloatArray, Usage

__all__ = ["RemoteReranker", "load"]

_MOST_TEXTS = 500
"""Passages a request; all providers take more."""

_MAX_TOKENS = {
    "rerank-v3.5": 4096,
    "jina-reranker-v2-base-multilingual": 1024,
    "jina-reranker-m0": 10_240,
}
_USUAL_MAX_TOKENS = 8000


class RemoteReranker:
    """Scores passages at a provider; made by :func:`nearfield.models.rerank.load`.

    Parameters
    ----------
    name : str
    api : RerankApi
    client : HttpClient
    payer : Account
    price : Price or None
    max_tokens : int
        Of question and passage together; longer passages lose their tails here, with a warning,
        before a server can cut them silently.
    """

    def __init__(
        self,
        name: RemoteName,
        api: RerankApi,
        client: HttpClient,
        payer: Account,
        price: Price | None,
        max_tokens: int,
    ) -> None:
        self._name = name
        self._api = api
        self._client = client
        self._payer = payer
        self._price = price
        self.max_tokens = max_tokens

    def __repr__(self) -> str:
        return f"RemoteReranker({self.name!r}, at most {self.max_tokens} tokens)"

    @property
    def name(self) -> str:
        return self._name.short

    def score(self, query: str, texts: Sequence[str]) -> FloatArray:
        """Relevance of each text as the provider gives it, by custom in [0, 1].

        Raises
        ------
        InputError
            The query is blank, or so long that no passage fits beside it.
        RemoteError
            The provider does not answer, or not with a score a text.
        """
        if not query.strip():
            raise InputError("the query is blank: ask something")
        (asked,), passages = check_texts([query]), check_texts(texts)
        room = self.max_tokens - sum(TOKENIZER.count([asked]))
        if room < 1:
            raise InputError(f"the query takes all of the reranker's {self.max_tokens} tokens")
        short = [cut(text, room) for text in passages]
        longer = sum(a != b for a, b in zip(short, passages, strict=True))
        if longer:
            warnings.warn(
                f"{longer:,} of {len(passages):,} passages were longer than the reranker's "
                f"{self.max_tokens} tokens and were judged by their beginnings",
                TruncationWarning,
                stacklevel=2,
            )
        scores = np.empty(len(passages), dtype=np.float32)
        for start in range(0, len(short), _MOST_TEXTS):
            part = short[start : start + _MOST_TEXTS]
            scores[start : start + len(part)] = self._send(asked, part)
        return scores

    def _send(self, query: str, texts: Sequence[str]) -> FloatArray:
        # Providers count the question once for each passage.
        most = sum(most_tokens(text) + most_tokens(query) + OVERHEAD for text in texts)
        charge = self._payer.charge(self._price, most, 0, self.name)
        body = self._api.body(query, texts, self._name.model)
        raw = self._client.post(self._api.path(), body, charge)
        try:
            found = self._api.read(raw, len(texts))
        except BaseException:
            charge.lose()
            raise
        estimate = sum(TOKENIZER.count(texts)) + sum(TOKENIZER.count([query])) * len(texts)
        tokens = estimate if found.tokens is None else found.tokens
        charge.settle(Usage(tokens), counted=found.tokens is not None)
        return found.values


def load(
    name: str, *, payer: Account | None = None, client: HttpClient | None = None
) -> RemoteReranker:
    """Open a hosted reranker, such as ``cohere:rerank-v3.5``. Nothing is sent.

    Raises
    ------
    UnknownName
        The provider has no rerankers.
    KeyMissing, MissingExtra
        There is no key, or no HTTP library.
    """
    asked = parse(name)
    api = rerank_api(asked.provider)
    place = server(asked, api.key_variables)
    return RemoteReranker(
        asked,
        api,
        client or connect(api.endpoint(place.secret, place.url)),
        payer or account(),
        price_of(asked),
        asked.max_tokens or _MAX_TOKENS.get(asked.model, _USUAL_MAX_TOKENS),
    )
