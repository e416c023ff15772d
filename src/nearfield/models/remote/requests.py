"""One provider, one model, one account: requests for vectors that are counted and paid."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nearfield.errors import RemoteRefused
from nearfield.models.remote.api import Ask, EmbeddingApi, says_too_long
from nearfield.models.remote.hosted_models import Limits
from nearfield.models.remote.http import HttpClient
from nearfield.models.remote.pace import Pace
from nearfield.models.remote.prices import Price
from nearfield.models.remote.providers.gemini import GeminiEmbeddings
from nearfield.models.remote.spending import Account
from nearfield.models.remote.tokens import OVERHEAD, TOKENIZER, cut, most_tokens
from nearfield.types import FloatArray, Role, Usage

__all__ = ["Got", "Requests"]

_TOO_LONG = frozenset({400, 413, 422, 500})
"""Statuses of refusals of long texts; llama.cpp's server says 500 in some versions."""


@dataclass(frozen=True, slots=True)
class Got:
    """Rows as the server gave them, tokens as it counted them, and which texts had to be cut."""

    rows: FloatArray
    tokens: int
    cut: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Requests:
    """How a model is asked.

    Attributes
    ----------
    api : EmbeddingApi
    client : HttpClient
    account : Account
    price : Price or None
    model : str
        As the provider calls it.
    dimensions : int or None
        To be asked of the server.
    cuts_here : bool
        The server's vectors are longer than the card's and are cut to their first components.
    limits : Limits
    max_tokens : int or None
    official : bool
        The provider's own server.
    """

    api: EmbeddingApi
    client: HttpClient
    account: Account
    price: Price | None
    model: str
    dimensions: int | None
    cuts_here: bool
    limits: Limits
    max_tokens: int | None
    official: bool

    @property
    def pace(self) -> Pace:
        """How many requests may be under way."""
        return self.client.pace

    def variant(self, role: Role) -> str:
        """What a request says of the role."""
        return self.api.variant(self._ask(role))

    def buy(
        self, texts: Sequence[str], role: Role, *, risky: bool, stop: threading.Event | None = None
    ) -> Got:
        """Vectors of some texts, in their order.

        Parameters
        ----------
        texts : sequence of str
            None empty; within the limits by estimate.
        role : Role
        risky : bool
            The one text may be too long.
        stop : Event, optional
            Once set, nothing is tried again.

        Raises
        ------
        RemoteError
            As :meth:`HttpClient.post`; RemoteAnswerInvalid for an answer that is none.
        """
        if len(texts) == 1:
            return self._buy_one(texts[0], role, risky, stop)
        try:
            return self._send(texts, role, stop)
        except RemoteRefused as refusal:
            if not _is_too_long(refusal):
                raise
        # By estimate it fitted. Halves do, or a single text is left that does not.
        middle = len(texts) // 2
        first = self.buy(texts[:middle], role, risky=risky, stop=stop)
        second = self.buy(texts[middle:], role, risky=risky, stop=stop)
        rows = np.concatenate([first.rows, second.rows])
        return Got(rows, first.tokens + second.tokens, first.cut + second.cut)

    def _buy_one(self, text: str, role: Role, risky: bool, stop: threading.Event | None) -> Got:
        whole = text
        if risky and not self.api.refuses_long:
            text = self._counted(text, role, stop)
        while True:
            try:
                got = self._send([text], role, stop)
            except RemoteRefused as refusal:
                tokens = sum(TOKENIZER.count([text]))
                if not _is_too_long(refusal) or tokens < 2:
                    raise
                text = cut(text, tokens * 3 // 4)  # a refusal costs nothing
                continue
            return Got(got.rows, got.tokens, (len(text) < len(whole),))

    def _counted(self, text: str, role: Role, stop: threading.Event | None) -> str:
        """Cut a text until the server counts no more tokens than the model reads."""
        api, limit = self.api, self.max_tokens
        if not isinstance(api, GeminiEmbeddings) or limit is None:
            return text
        ask = self._ask(role)
        while True:
            free = self.account.charge(Price(), 0, 0, self.model)
            answer = self.client.post(api.count_path(ask), api.count_body(text), free, stop)
            free.release()
            count = api.counted(answer)
            if count is None:
                count = most_tokens(text)
            if count <= limit:
                return text
            tokens = sum(TOKENIZER.count([text]))
            text = cut(text, max(1, min(tokens - 1, tokens * limit // (count + 1))))

    def _send(self, texts: Sequence[str], role: Role, stop: threading.Event | None) -> Got:
        ask = self._ask(role)
        most = sum(most_tokens(text) + OVERHEAD for text in texts)
        charge = self.account.charge(self.price, most, 0, self.model)
        raw = self.client.post(self.api.path(ask), self.api.body(texts, ask), charge, stop)
        try:
            answer = self.api.read(raw, len(texts))
        except BaseException:
            charge.lose()  # an answer that is none may have been paid for
            raise
        counted = answer.tokens is not None
        tokens = answer.tokens if answer.tokens is not None else sum(TOKENIZER.count(texts))
        charge.settle(Usage(tokens), counted=counted)
        return Got(answer.rows, tokens, (False,) * len(texts))

    def _ask(self, role: Role) -> Ask:
        return Ask(self.model, role, self.dimensions)


def _is_too_long(refusal: RemoteRefused) -> bool:
    return refusal.status in _TOO_LONG and says_too_long(str(refusal))
