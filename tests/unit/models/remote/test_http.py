from __future__ import annotations

import gc
import json
import threading
import time
from collections.abc import Iterator

import pytest
from tests.support.hosted import KEY, Fault, HostedServer

from nearfield.errors import (
    InputError,
    RemoteAnswerInvalid,
    RemoteRefused,
    RemoteUnavailable,
    SpendingCapReached,
)
from nearfield.models.remote.http import Endpoint, HttpClient, Timeouts
from nearfield.models.remote.prices import Price
from nearfield.models.remote.retry import RetryPolicy
from nearfield.models.remote.secrets import Secret
from nearfield.models.remote.spending import Account

BODY: dict[str, object] = {"model": "m", "input": ["warm"]}
PATH = "/openai/v1/embeddings"


_OPEN: list[HttpClient] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while _OPEN:
        _OPEN.pop().close()


def _client(hosted: HostedServer, read: float = 5.0) -> HttpClient:
    client = HttpClient(
        Endpoint(hosted.url, Secret(KEY, "OPENAI_API_KEY"), title="OpenAI"),
        retry=RetryPolicy(4, 0.001, 0.01, 120.0),
        timeouts=Timeouts(5.0, read),
    )
    _OPEN.append(client)
    return client


class _Cost:
    def __init__(self) -> None:
        self.told: list[str] = []

    def begin(self) -> None:
        self.told.append("begin")

    def release(self) -> None:
        self.told.append("release")

    def lose(self) -> None:
        self.told.append("lose")


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_passing_troubles_are_tried_again(hosted: HostedServer, status: int) -> None:
    hosted.faults.extend([Fault(status), Fault(status)])
    cost = _Cost()
    assert _client(hosted).post(PATH, BODY, cost)["object"] == "list"
    assert len(hosted.seen) == 3
    assert cost.told == ["begin", "release", "begin", "release", "begin"]


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_refusals_are_not(hosted: HostedServer, status: int) -> None:
    hosted.faults.append(Fault(status, b'{"error":{"message":"because of this"}}'))
    cost = _Cost()
    with pytest.raises(RemoteRefused, match=rf"HTTP {status}\): because of this") as caught:
        _client(hosted).post(PATH, BODY, cost)
    assert caught.value.status == status
    assert len(hosted.seen) == 1
    assert cost.told == ["begin", "release"]


def test_a_used_up_quota_is_not_tried_again(hosted: HostedServer) -> None:
    body = {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}
    hosted.faults.append(Fault(429, json.dumps(body).encode()))
    with pytest.raises(RemoteRefused, match="exceeded your quota"):
        _client(hosted).post(PATH, BODY, _Cost())
    assert len(hosted.seen) == 1


def test_retry_after_is_honoured(hosted: HostedServer) -> None:
    hosted.faults.append(Fault(429, headers={"Retry-After": "0.3"}))
    begun = time.monotonic()
    _client(hosted).post(PATH, BODY, _Cost())
    assert time.monotonic() - begun >= 0.3


def test_a_wait_beyond_patience_ends_the_job(hosted: HostedServer) -> None:
    hosted.faults.append(Fault(429, headers={"Retry-After": "3600"}))
    client = _client(hosted)
    with pytest.raises(RemoteUnavailable, match="asks to wait 3,600 s, longer than 120 s"):
        client.post(PATH, BODY, _Cost())
    assert client.post(PATH, BODY, _Cost())["object"] == "list"  # the next job is not held back


def test_a_job_that_has_ended_sends_nothing_more(hosted: HostedServer) -> None:
    stop, cost = threading.Event(), _Cost()
    stop.set()
    with pytest.raises(RemoteUnavailable, match="the job has ended"):
        _client(hosted).post(PATH, BODY, cost, stop)
    assert hosted.seen == []
    assert cost.told == []


def test_tries_come_to_an_end(hosted: HostedServer) -> None:
    hosted.faults.extend([Fault(503)] * 9)
    with pytest.raises(RemoteUnavailable, match="no answer in 4 tries, at last: HTTP 503"):
        _client(hosted).post(PATH, BODY, _Cost())
    assert len(hosted.seen) == 4


@pytest.mark.parametrize(
    "fault", [Fault(drop=True), Fault(cut_after=40), Fault(200, b"{not json"), Fault(delay=0.6)]
)
def test_what_may_have_been_paid_for_is_counted(hosted: HostedServer, fault: Fault) -> None:
    hosted.faults.append(fault)
    cost = _Cost()
    assert _client(hosted, read=0.3).post(PATH, BODY, cost)["object"] == "list"
    assert cost.told == ["begin", "lose", "begin"]


def test_a_server_that_is_not_there() -> None:
    client = HttpClient(
        Endpoint("http://127.0.0.1:9", title="it"), retry=RetryPolicy(2, 0.001, 0.001, 1.0)
    )
    cost = _Cost()
    with pytest.raises(RemoteUnavailable, match="could not be reached"):
        client.post("/x", {}, cost)
    assert cost.told == ["begin", "release", "begin", "release"]


def test_redirects_are_not_followed(hosted: HostedServer) -> None:
    hosted.faults.append(Fault(307, b"", {"Location": "http://elsewhere.example/"}))
    with pytest.raises(RemoteRefused, match="redirects are not followed"):
        _client(hosted).post(PATH, BODY, _Cost())
    assert len(hosted.seen) == 1


def test_no_key_travels_unencrypted_to_another_machine() -> None:
    with pytest.raises(InputError, match="not encrypted") as caught:
        HttpClient(Endpoint("http://gpu.example/v1", Secret(KEY, "OPENAI_API_KEY")))
    assert KEY not in str(caught.value)
    HttpClient(Endpoint("http://gpu.example/v1"))  # without a key, nothing is lost


def test_certificates_are_checked() -> None:
    import ssl

    client = HttpClient(Endpoint("https://localhost/v1"))
    pool = client._client._transport._pool  # type: ignore[attr-defined]
    assert pool._ssl_context.verify_mode is ssl.CERT_REQUIRED
    assert pool._ssl_context.check_hostname


def test_another_try_counts_towards_the_cap(hosted: HostedServer) -> None:
    hosted.faults.append(Fault(drop=True))
    payer = Account(0.015)
    charge = payer.charge(Price(input=10_000.0), 1, 0, "m")  # a cent
    with pytest.raises(SpendingCapReached):
        _client(hosted).post(PATH, BODY, charge)
    assert payer.spent.uncertain == pytest.approx(0.01)
    assert len(hosted.seen) == 1


def test_an_answer_that_is_no_object_is_refused(hosted: HostedServer) -> None:
    hosted.faults.append(Fault(200, b"[1, 2]"))
    with pytest.raises(RemoteAnswerInvalid, match="JSON list"):
        _client(hosted).post(PATH, BODY, _Cost())


def test_events_come_one_by_one_and_a_break_is_not_repeated(hosted: HostedServer) -> None:
    chat: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    with _client(hosted).stream("/openai/v1/chat/completions", chat, _Cost()) as events:
        found = [event.data for event in events]
    assert found[-1] == "[DONE]"
    assert len(found) == len(hosted.pieces()) + 2
    hosted.faults.append(Fault(cut_after=2))
    with (
        pytest.raises(RemoteUnavailable, match="broke off in the middle"),
        _client(hosted).stream("/openai/v1/chat/completions", chat, _Cost()) as events,
    ):
        for _ in events:
            pass
    assert len(hosted.seen) == 2


def test_a_stream_is_tried_again_before_its_first_word(hosted: HostedServer) -> None:
    hosted.faults.extend([Fault(503), Fault(drop=True)])
    chat: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    with _client(hosted).stream("/openai/v1/chat/completions", chat, _Cost()) as events:
        assert sum(1 for _ in events) > 2
    assert len(hosted.seen) == 3


def test_a_client_that_nobody_holds_closes_its_connections(hosted: HostedServer) -> None:
    client = HttpClient(Endpoint(hosted.url, Secret(KEY, "OPENAI_API_KEY")))
    client.post(PATH, BODY, _Cost())
    connections = client._client
    del client
    gc.collect()
    assert connections.is_closed
