"""Every way in which a request can fail, searched for the key."""

from __future__ import annotations

import io
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.hosted import KEY, Fault, HostedServer

import nearfield as nf
from nearfield.errors import RemoteError
from nearfield.models import remote
from nearfield.models.remote import connecting, reranker
from nearfield.models.remote.secrets import Secret

_ECHO = f'{{"error":{{"message":"bad key {KEY} in Bearer {KEY}"}}}}'.encode()
_PARTLY = f'{{"error":{{"message":"incorrect key: {KEY[:12]}****{KEY[-9:]}"}}}}'.encode()

FAULTS: dict[str, list[Fault]] = {
    "400 that echoes": [Fault(400, _ECHO)],
    "400 that echoes a part": [Fault(400, _PARTLY)],
    "401": [Fault(401, _ECHO)],
    "403": [Fault(403, _PARTLY)],
    "404": [Fault(404, KEY.encode())],
    "429 for good": [Fault(429, _ECHO, {"retry-after": "9999"})],
    "500s": [Fault(500, _ECHO)] * 9,
    "dropped": [Fault(drop=True)] * 9,
    "cut off": [Fault(cut_after=30)] * 9,
    "no JSON": [Fault(200, _ECHO[:20])] * 9,
    "a list": [Fault(200, f'["{KEY}"]'.encode())],
    "no vectors": [Fault(200, _ECHO)],
    "strange index": [Fault(200, f'{{"data":[{{"index":"{KEY}","embedding":[1]}}]}}'.encode())],
    "redirect": [Fault(302, _ECHO, {"location": "http://127.0.0.1:1/"})],
    "bad header": [Fault(200, b"{", {"content-encoding": "gzip"})] * 9,
}


def _searched(text: str, where: str) -> None:
    for size in (len(KEY), 12, 8):
        for at in range(len(KEY) - size + 1):
            assert KEY[at : at + size] not in text, f"{where} shows {KEY[at : at + size]}: {text}"


@pytest.fixture
def log() -> Any:
    """Everything that any library logs, at the finest level."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(1)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def _everything(error: BaseException) -> str:
    """The error with all that a traceback with local variables could show of its chain."""
    parts: list[str] = []
    seen: set[int] = set()
    queue: list[BaseException | None] = [error]
    while queue:
        one = queue.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        parts += [str(one), repr(one), repr(one.args), repr(getattr(one, "__dict__", {}))]
        shown = traceback.TracebackException.from_exception(one, capture_locals=True)
        # The test's own frames know the key; the library's must not.
        frames = [f for f in shown.stack if "nearfield" in f.filename and "tests" not in f.filename]
        parts += [f"{frame.name} {frame.locals}" for frame in frames]
        parts += [repr(getattr(one, name, None)) for name in ("request", "response")]
        queue += [one.__cause__, one.__context__]
    return "\n".join(parts)


CALLS: dict[str, Callable[[], object]] = {
    "openai": lambda: nf.load("openai:text-embedding-3-small").encode(["x"]),
    "gemini": lambda: nf.load("gemini:gemini-embedding-001").encode(["x"]),
    "cohere": lambda: nf.load("cohere:embed-v4.0").encode(["x"]),
    "rerank": lambda: reranker.load("jina:jina-reranker-m0").score("q", ["x"]),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_no_failure_shows_the_key(
    hosted: HostedServer,
    log: io.StringIO,
    fault: str,
    call: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hosted.faults.extend(FAULTS[fault])
    with pytest.raises(RemoteError) as caught:
        CALLS[call]()
    _searched(_everything(caught.value), "the error")
    _searched(log.getvalue(), "the log")
    out = capsys.readouterr()
    _searched(out.out + out.err, "the output")
    assert any(KEY in str(seen.headers) for seen in hosted.seen), "the key was not even sent"


def test_no_repr_or_pickle_holds_a_key(hosted: HostedServer) -> None:
    encoder = remote.load("openai:letters")
    encoder.encode(["warm"])
    client = encoder.requests.client
    objects = [encoder, encoder.card, encoder.requests, client, client.endpoint, remote.account()]
    for one in [*objects, connecting._CLIENTS]:
        _searched(repr(one) + str(one), type(one).__name__)
    with pytest.raises(TypeError):
        pickle.dumps(Secret(KEY, "OPENAI_API_KEY"))
    with pytest.raises(TypeError):
        pickle.dumps(client.endpoint)


def test_the_key_is_in_no_file_that_a_collection_leaves(
    hosted: HostedServer, tmp_path: Any, private_home: Any
) -> None:
    with nf.open(tmp_path / "c.nf", encoder="openai:letters") as collection:
        collection.add(["a warm parka", "a cold river"])
        assert collection.search("parka")[0].chunk.text == "a warm parka"
    for folder in (tmp_path, private_home):
        for file in folder.rglob("*"):
            if file.is_file():
                assert KEY.encode() not in file.read_bytes(), file


@pytest.mark.parametrize("text", [KEY, f"x{KEY}y", KEY[3:14], f"{KEY[:9]}…{KEY[-9:]}"])
def test_redaction_finds_parts(text: str) -> None:
    _searched(Secret(KEY, "V").redact(text), "redaction")


def test_redaction_leaves_the_rest() -> None:
    shown = Secret(KEY, "V").redact(f"the key {KEY} is wrong")
    assert shown == "the key [key] is wrong"
    assert Secret("k", "V").redact("a k") == "a [key]"
