"""What generators behind an API have in common: one stream, counted and paid, ended where asked."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from nearfield.errors import InputError, RemoteUnavailable
from nearfield.models.remote.connecting import connect, server
from nearfield.models.remote.http import Endpoint, Event, HttpClient, Json, message_of
from nearfield.models.remote.naming import RemoteName, parse
from nearfield.models.remote.prices import Price, price_of
from nearfield.models.remote.secrets import Secret
from nearfield.models.remote.spending import Account, Charge, account
from nearfield.models.remote.tokens import OVERHEAD, TOKENIZER, most_tokens
from nearfield.types import Message, Piece, Usage

__all__ = ["ChatApi", "Heard", "HostedGenerator", "open_hosted"]

_CAUTION = 1.25
"""By how much the estimate of tokens is raised, so that a context is rather too small."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one event says.

    Attributes
    ----------
    text : str
    input_tokens, output_tokens : int or None
        Counts of the whole answer so far, where the event states them.
    done : bool
        Nothing follows.
    """

    text: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    done: bool = False


class ChatApi(Protocol):
    """One provider's way to go on with a conversation."""

    key_variables: tuple[str, ...]
    path: str

    def endpoint(self, secret: Secret | None, base_url: str) -> Endpoint:
        """Server and headers; an empty URL is the provider's own."""

    def body(
        self,
        messages: Sequence[Message],
        model: str,
        *,
        max_tokens: int,
        stop: Sequence[str],
        official: bool,
    ) -> Json:
        """The request."""

    def hear(self, event: Event, data: Json) -> Heard:
        """What an event says; RemoteUnavailable for an error that the server states in it."""


class HostedGenerator:
    """A hosted model in the role of a generator.

    What leaves this machine are the messages, the model's name and the key. A request is tried
    again until its first word, never afterwards.

    Parameters
    ----------
    name : RemoteName
    api : ChatApi
    client : HttpClient
    payer : Account
    price : Price or None
    official : bool
        The provider's own server.
    """

    def __init__(
        self,
        name: RemoteName,
        api: ChatApi,
        client: HttpClient,
        payer: Account,
        price: Price | None,
        official: bool,
    ) -> None:
        self._name = name
        self._api = api
        self._client = client
        self._payer = payer
        self._price = price
        self._official = official

    def __repr__(self) -> str:
        return f"HostedGenerator({self.name!r})"

    @property
    def name(self) -> str:
        return self._name.short

    @property
    def fingerprint(self) -> str:
        """Provider, model and server."""
        return f"{self.name}@{self._client.endpoint.base_url}"

    @property
    def context_tokens(self) -> int | None:
        return self._name.max_tokens

    def count(self, text: str) -> int:
        return math.ceil(_CAUTION * sum(TOKENIZER.count([text])))

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 512, stop: Sequence[str] = ()
    ) -> Iterator[Piece]:
        if not messages:
            raise InputError("there are no messages: a conversation needs at least one")
        if max_tokens < 1:
            raise InputError(f"max_tokens is {max_tokens}: it must be 1 or more")
        most = sum(most_tokens(message.text) + OVERHEAD for message in messages)
        charge = self._payer.charge(self._price, most, max_tokens, self.name)
        body = self._api.body(
            messages, self._name.model, max_tokens=max_tokens, stop=stop, official=self._official
        )
        return self._pieces(messages, body, charge, [word for word in stop if word])

    def _pieces(
        self, messages: Sequence[Message], body: Json, charge: Charge, stop: Sequence[str]
    ) -> Iterator[Piece]:
        tally, ended = _Tally(), _Ending(stop)
        with self._client.stream(self._api.path, body, charge) as events:
            try:
                for heard in self._heard(events):
                    tally.add(heard)
                    text = ended.push(heard.text)
                    if text:
                        yield Piece(text)
                    if ended.found:
                        break
            except RemoteUnavailable:
                charge.lose()
                raise
            except BaseException:  # who listened has left; what was written is paid for
                charge.settle(tally.usage(self, messages), counted=False)
                raise
            usage = charge.settle(tally.usage(self, messages), counted=tally.counted)
        yield Piece(ended.rest(), usage)

    def _heard(self, events: Iterator[Event]) -> Iterator[Heard]:
        title = self._client.endpoint.title
        for event in events:
            if event.data.strip() == "[DONE]":
                return
            data = _object(event.data)
            if data is None:
                raise RemoteUnavailable(f"{title} sent an event that is no JSON object")
            if event.name == "error" or data.get("error"):
                said = self._client.endpoint.redact(message_of(event.data))[:300]
                raise RemoteUnavailable(f"{title} broke off in the middle of an answer: {said}")
            heard = self._api.hear(event, data)
            yield heard
            if heard.done:
                return


class _Tally:
    """Counts what is written, by the server's word where it gives one."""

    def __init__(self) -> None:
        self._input: int | None = None
        self._output: int | None = None
        self._text: list[str] = []

    def add(self, heard: Heard) -> None:
        self._text.append(heard.text)
        if heard.input_tokens is not None:
            self._input = heard.input_tokens
        if heard.output_tokens is not None:
            self._output = heard.output_tokens

    @property
    def counted(self) -> bool:
        return self._input is not None and self._output is not None

    def usage(self, generator: HostedGenerator, messages: Sequence[Message]) -> Usage:
        asked = sum(generator.count(message.text) for message in messages)
        written = generator.count("".join(self._text))
        return Usage(
            self._input if self._input is not None else asked,
            max(self._output or 0, written) if not self.counted else self._output or 0,
        )


class _Ending:
    """Ends a text before the first of some words, also where a word is spread over pieces."""

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = list(stop)
        self._held = ""
        self._keep = max(map(len, self._stop), default=1) - 1
        self.found = False

    def push(self, text: str) -> str:
        """What may be shown now."""
        self._held += text
        at = min((p for p in map(self._held.find, self._stop) if p >= 0), default=-1)
        if at >= 0:
            self.found = True
            shown, self._held = self._held[:at], ""
            return shown
        size = max(0, len(self._held) - self._keep)
        shown, self._held = self._held[:size], self._held[size:]
        return shown

    def rest(self) -> str:
        """What was held back and turned out to be none of the words."""
        return self._held


def open_hosted(name: str, api: ChatApi) -> HostedGenerator:
    """Open a generator behind an API. Nothing is sent.

    Raises
    ------
    InputError
        The name is none.
    KeyMissing, MissingExtra
        There is no key, or no HTTP library.
    """
    asked = parse(name)
    place = server(asked, api.key_variables)
    client = connect(api.endpoint(place.secret, place.url))
    price = None if place.url and asked.price is None else price_of(asked)
    return HostedGenerator(asked, api, client, account(), price, place.official)


def _object(text: str) -> Json | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
