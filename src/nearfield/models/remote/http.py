"""Requests to hosted models: sent patiently, read carefully, and without a trace of the key.

Errors are raised outside of the handlers that caught the library's own, because those hold the
request with its headers, and a traceback would show them.
"""

from __future__ import annotations

import json
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from nearfield.errors import (
    InputError,
    MissingExtra,
    RemoteAnswerInvalid,
    RemoteRefused,
    RemoteUnavailable,
)
from nearfield.models.remote.naming import is_loopback
from nearfield.models.remote.outcome import (
    MOST_BYTES,
    Failure,
    Json,
    loads,
    message_of,
    read_all,
    unanswered,
)
from nearfield.models.remote.pace import Pace
from nearfield.models.remote.retry import RetryPolicy, is_passing, retry_after
from nearfield.models.remote.secrets import Secret

if TYPE_CHECKING:
    import httpx2

__all__ = ["Cost", "Endpoint", "Event", "HttpClient", "Json", "Timeouts", "message_of"]

_T = TypeVar("_T")

_MESSAGE_LENGTH = 300
_REFUSAL_BYTES = 20_000


class Cost(Protocol):
    """What sending a request once does to an account."""

    def begin(self) -> None: ...

    def release(self) -> None: ...

    def lose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server and how to show it the key.

    Attributes
    ----------
    base_url : str
        Without a slash at its end.
    secret : Secret or None
        None sends no key.
    header : str
        Name of the header that holds the key.
    scheme : str
        Word before the key, such as ``Bearer``; may be empty.
    extra : mapping of str to str
        Headers of every request.
    title : str
        What messages call it.
    """

    base_url: str
    secret: Secret | None = None
    header: str = "authorization"
    scheme: str = "Bearer"
    extra: Mapping[str, str] = field(default_factory=dict)
    title: str = "the server"

    def headers(self) -> dict[str, str]:
        """Headers of one request, the key among them."""
        found = dict(self.extra)
        if self.secret is not None:
            found[self.header] = f"{self.scheme} {self.secret.reveal()}".strip()
        return found

    def redact(self, text: str) -> str:
        """A text that may be shown."""
        return text if self.secret is None else self.secret.redact(text)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds.

    Attributes
    ----------
    connect : float
        To reach the server.
    read : float
        Between two parts of an answer.
    """

    connect: float = 10.0
    read: float = 120.0


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event."""

    name: str
    data: str


class HttpClient:
    """Talks to one server; safe to use from several threads.

    Parameters
    ----------
    endpoint : Endpoint
    retry : RetryPolicy, optional
    timeouts : Timeouts, optional
    pace : Pace, optional
        Shared by clients of one server.
    sleep : callable of float
        Waits.

    Raises
    ------
    MissingExtra
        The HTTP library is not installed.
    InputError
        The key would travel unencrypted to another machine.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        retry: RetryPolicy | None = None,
        timeouts: Timeouts | None = None,
        pace: Pace | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        local = is_loopback(endpoint.base_url)
        if endpoint.secret and endpoint.base_url.startswith("http:") and not local:
            raise InputError(
                f"{endpoint.base_url} is not encrypted, and the key from "
                f"{endpoint.secret.variable} would be sent to it: use https"
            )
        self.endpoint = endpoint
        self.retry = retry or RetryPolicy()
        self.pace = pace or Pace()
        self._sleep = sleep
        self._client = _open(timeouts or Timeouts(), proxies=not local)
        self._closing = weakref.finalize(self, self._client.close)

    def __repr__(self) -> str:
        return f"HttpClient({self.endpoint.base_url!r})"

    def close(self) -> None:
        """Close idle connections; done by itself once nobody holds the client."""
        self._closing()

    def post(self, path: str, body: Json, cost: Cost, stop: threading.Event | None = None) -> Json:
        """Send one request until it is answered, and return the answer's JSON object.

        Parameters
        ----------
        path : str
            Below the base URL, with a leading slash.
        body : dict
        cost : Cost
            Told before and after each try; the caller settles it on success.
        stop : Event, optional
            Once set, nothing is tried again.

        Raises
        ------
        RemoteRefused
            The server will not have it.
        RemoteUnavailable
            Every try failed.
        SpendingCapReached
            Another try could pass the cap.
        """
        return self._patiently(lambda: self._once(path, body), cost, stop)

    @contextmanager
    def stream(self, path: str, body: Json, cost: Cost) -> Iterator[Iterator[Event]]:
        """Send one request and give its server-sent events as they come.

        Tries again until the first byte of an answer; never afterwards, because what was written
        would be written, and paid for, twice.
        """
        response = self._patiently(lambda: self._open_stream(path, body), cost, None)
        try:
            yield self._events(response)
        finally:
            response.close()

    def _patiently(
        self, send: Callable[[], _T | Failure], cost: Cost, stop: threading.Event | None
    ) -> _T:
        failures = 0
        while True:
            with self.pace.slot():
                if stop is not None and stop.is_set():
                    raise self._ended()
                cost.begin()
                try:
                    outcome = send()
                except BaseException:  # an interrupt: the request may have arrived
                    cost.lose()
                    raise
            if not isinstance(outcome, Failure):
                return outcome
            failures += 1
            if outcome.uncertain:
                cost.lose()
            else:
                cost.release()
            self._give_up(outcome, failures)
            self._rest(self.retry.wait(failures, outcome.asked), stop)

    def _rest(self, seconds: float, stop: threading.Event | None) -> None:
        if stop is None:
            self._sleep(seconds)
        elif stop.wait(seconds):
            raise self._ended()

    def _ended(self) -> RemoteUnavailable:
        return RemoteUnavailable(f"{self.endpoint.title} was not asked any more: the job has ended")

    def _give_up(self, failure: Failure, failures: int) -> None:
        """Raise where another try makes no sense."""
        title = self.endpoint.title
        if failure.invalid:
            raise RemoteAnswerInvalid(f"{title}: {failure.reason}")
        if not failure.passing:
            raise RemoteRefused(self._refusal(failure), failure.status)
        impatient = failure.asked is not None and failure.asked > self.retry.patience
        if failure.status == 429:
            self.pace.was_too_fast(None if impatient else failure.asked)
        if failure.asked is not None and impatient:
            raise RemoteUnavailable(
                f"{title} is too busy and asks to wait {failure.asked:,.0f} s, longer than "
                f"{self.retry.patience:,.0f} s: try later; what was stored is kept"
            )
        if failures >= self.retry.attempts:
            raise RemoteUnavailable(
                f"{title} gave no answer in {failures} tries, at last: "
                f"{failure.reason}. Try later; what was stored is kept"
            )

    def _refusal(self, failure: Failure) -> str:
        endpoint, status = self.endpoint, failure.status
        secret = endpoint.secret
        if status in {401, 403}:
            # What servers say of a key often shows a part of it.
            key = f"the key in {secret.variable}" if secret else "a request without a key"
            return f"{endpoint.title} refuses {key} (HTTP {status}): check the key and its rights"
        if 300 <= status < 400:
            return (
                f"{endpoint.title} sends elsewhere (HTTP {status}); redirects are not followed, so "
                "that no key reaches another host: name the final URL"
            )
        said = message_of(failure.body)[:_MESSAGE_LENGTH]
        return f"{endpoint.title} refuses the request (HTTP {status}): {said or 'no reason given'}"

    def _once(self, path: str, body: Json) -> Json | Failure:
        import httpx2

        try:
            with self._client.stream(
                "POST",
                self.endpoint.base_url + path,
                content=_dumps(body),
                headers=self.endpoint.headers(),
            ) as response:
                raw = read_all(response)
                headers = {name.lower(): value for name, value in response.headers.items()}
                status = response.status_code
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            return unanswered(error)
        if raw is None:
            return Failure(f"an answer of more than {MOST_BYTES >> 20} MB", uncertain=True)
        if status != 200:
            return self._refused(status, raw, headers)
        self.pace.went_well(headers)
        return loads(self._without_key(raw))

    def _open_stream(self, path: str, body: Json) -> httpx2.Response | Failure:
        import httpx2

        request = self._client.build_request(
            "POST",
            self.endpoint.base_url + path,
            content=_dumps(body),
            headers={**self.endpoint.headers(), "accept": "text/event-stream"},
        )
        try:
            response = self._client.send(request, stream=True)
            if response.status_code == 200:
                return response
            raw = read_all(response) or b""
            response.close()
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            return unanswered(error)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return self._refused(response.status_code, raw, headers)

    def _without_key(self, raw: bytes) -> str:
        """An answer as text; a server that repeats the key is not repeated here."""
        text = raw.decode("utf-8", "replace")
        secret = self.endpoint.secret
        if secret is not None and secret.reveal() in text:
            return secret.redact(text)
        return text

    def _refused(self, status: int, raw: bytes, headers: Mapping[str, str]) -> Failure:
        text = self.endpoint.redact(raw[:_REFUSAL_BYTES].decode("utf-8", "replace"))
        return Failure(
            f"HTTP {status}",
            status=status,
            body=text,
            passing=is_passing(status, text),
            asked=retry_after(headers),
        )

    def _events(self, response: httpx2.Response) -> Iterator[Event]:
        lines = response.iter_lines()
        name, data = "", list[str]()
        while True:
            line = self._next_line(lines)
            if line is None:
                if data:
                    yield Event(name or "message", "\n".join(data))
                return
            if not line:
                if data:
                    yield Event(name or "message", "\n".join(data))
                name, data = "", []
                continue
            key, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if key == "event":
                name = value
            elif key == "data":
                data.append(value)

    def _next_line(self, lines: Iterator[str]) -> str | None:
        import httpx2

        failure = None
        try:
            return next(lines, None)
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            failure = unanswered(error)
        raise RemoteUnavailable(
            f"{self.endpoint.title} broke off in the middle of an answer ({failure.reason}): what "
            "came before is not repeated; ask again"
        )


def _open(timeouts: Timeouts, *, proxies: bool) -> httpx2.Client:
    try:
        import httpx2
    except ImportError:
        raise MissingExtra("a hosted model", "remote") from None
    return httpx2.Client(
        timeout=httpx2.Timeout(timeouts.read, connect=timeouts.connect),
        limits=httpx2.Limits(max_connections=64, max_keepalive_connections=16),
        follow_redirects=False,
        trust_env=proxies,
        headers={"user-agent": "nearfield", "content-type": "application/json"},
    )


def _dumps(body: Json) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8")
