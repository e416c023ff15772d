"""The providers' own clients against the server of these tests: it speaks their protocols.

So what passes here for Nearfield is not a protocol that only these tests know. The client of OpenAI
is installed with the tests, the others with the hosts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.support.hosted import KEY, Fault, HostedServer, Letters

from nearfield.models import remote, rerank
from nearfield.rag import generators
from nearfield.types import Message, Speaker

TEXTS = ["a warm parka", "the cold river", "zwölf"]


def _near(rows: Any) -> None:
    assert np.asarray(rows, dtype=np.float32) == pytest.approx(Letters().encode(TEXTS), abs=1e-6)


@pytest.fixture
def openai_client(hosted: HostedServer) -> Any:
    openai = pytest.importorskip("openai", reason="the client of OpenAI is missing: openai")
    with openai.OpenAI(base_url=f"{hosted.url}/openai/v1", api_key=KEY, max_retries=2) as client:
        yield client


@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_openai_embeddings(hosted: HostedServer, openai_client: Any, encoding: str | None) -> None:
    extra = {"encoding_format": encoding} if encoding else {}
    answer = openai_client.embeddings.create(model="letters", input=TEXTS, **extra)
    rows = [item.embedding for item in answer.data]
    if encoding == "base64":
        import base64

        rows = [np.frombuffer(base64.b64decode(row), dtype="<f4") for row in rows]
    _near(rows)
    ours = remote.load("openai:letters")
    before = remote.account().spent
    assert ours.encode(TEXTS) == pytest.approx(np.asarray(rows, dtype="f4"), abs=1e-6)
    spent = remote.account().spent - before
    assert spent.input_tokens == answer.usage.prompt_tokens


def test_openai_dimensions(openai_client: Any) -> None:
    answer = openai_client.embeddings.create(model="letters", input=TEXTS, dimensions=8)
    ours = remote.load("openai:letters", dimensions=8).encode(TEXTS)
    rows = np.asarray([item.embedding for item in answer.data], dtype="f4")
    assert ours == pytest.approx(rows, abs=1e-6)


def test_openai_refusals(hosted: HostedServer, openai_client: Any) -> None:
    import openai

    with pytest.raises(openai.BadRequestError, match="empty string"):
        openai_client.embeddings.create(model="letters", input=["a", ""])
    hosted.max_tokens = 3
    with pytest.raises(openai.BadRequestError, match="maximum context length is 3 tokens"):
        openai_client.embeddings.create(model="letters", input=["one two three four five"])
    with (
        openai.OpenAI(base_url=f"{hosted.url}/openai/v1", api_key="sk-other") as other,
        pytest.raises(openai.AuthenticationError),
    ):
        other.embeddings.create(model="letters", input=TEXTS)


def test_openai_retries(hosted: HostedServer, openai_client: Any) -> None:
    hosted.faults.extend([Fault(429, headers={"retry-after": "0.01"}), Fault(503)])
    _near([d.embedding for d in openai_client.embeddings.create(model="m", input=TEXTS).data])
    assert len(hosted.seen) == 3


def test_openai_chat(hosted: HostedServer, openai_client: Any) -> None:
    stream = openai_client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "Hi"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    words, usage = [], None
    for chunk in stream:
        words += [choice.delta.content or "" for choice in chunk.choices]
        usage = chunk.usage or usage
    ours = list(generators.load("openai:gpt-4o-mini").stream([Message(Speaker.USER, "Hi")]))
    assert "".join(words) == "".join(piece.text for piece in ours) == hosted.answer
    counted = ours[-1].usage
    assert usage is not None and counted is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (
        counted.input_tokens,
        counted.output_tokens,
    )


@pytest.mark.hosts
def test_cohere(hosted: HostedServer) -> None:
    cohere = pytest.importorskip("cohere", reason="the client of Cohere is missing: cohere")
    with cohere.ClientV2(KEY, base_url=f"{hosted.url}/cohere") as client:
        answer = client.embed(
            model="m", texts=TEXTS, input_type="search_document", embedding_types=["float"]
        )
        ranked = client.rerank(model="rerank-v3.5", query="parka", documents=TEXTS)
    _near(answer.embeddings.float_)
    assert remote.load("cohere:m").encode(TEXTS) == pytest.approx(
        np.asarray(answer.embeddings.float_, dtype="f4"), abs=1e-6
    )
    ours = rerank.load("cohere:rerank-v3.5").score("parka", TEXTS)
    for result in ranked.results:
        assert result.relevance_score == pytest.approx(float(ours[result.index]), abs=1e-6)


@pytest.mark.hosts
def test_voyage(hosted: HostedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    voyageai = pytest.importorskip("voyageai", reason="the client of Voyage is missing: voyageai")
    import requests

    client = voyageai.Client(KEY, base_url=f"{hosted.url}/voyage/v1")
    with requests.Session() as session:  # its own one is never closed
        monkeypatch.setattr(voyageai, "requestssession", session)
        answer = client.embed(TEXTS, model="m", input_type="document", truncation=False)
    _near(answer.embeddings)
    before = remote.account().spent
    ours = remote.load("voyage:voyage-m")
    assert ours.encode(TEXTS) == pytest.approx(np.asarray(answer.embeddings, "f4"), abs=1e-6)
    assert (remote.account().spent - before).input_tokens >= answer.total_tokens


@pytest.mark.hosts
def test_mistral(hosted: HostedServer) -> None:
    pytest.importorskip("mistralai", reason="the client of Mistral is missing: mistralai")
    from mistralai.client import Mistral

    with Mistral(api_key=KEY, server_url=f"{hosted.url}/mistral") as client:
        answer = client.embeddings.create(model="m", inputs=TEXTS)
    _near([item.embedding for item in answer.data])


@pytest.mark.hosts
def test_gemini(hosted: HostedServer) -> None:
    genai = pytest.importorskip("google.genai", reason="Google's client is missing: google-genai")
    with genai.Client(api_key=KEY, http_options={"base_url": f"{hosted.url}/gemini"}) as client:
        answer = client.models.embed_content(
            model="gemini-embedding-001", contents=TEXTS, config={"task_type": "RETRIEVAL_DOCUMENT"}
        )
    _near([item.values for item in answer.embeddings])
    theirs = hosted.seen[-1]
    remote.load("gemini:gemini-embedding-001x").encode(TEXTS)
    ours = hosted.seen[-1]
    assert theirs.body["requests"][0].keys() == ours.body["requests"][0].keys()
    assert theirs.path.replace("001", "001x") == ours.path


@pytest.mark.hosts
def test_anthropic(hosted: HostedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    anthropic = pytest.importorskip("anthropic", reason="Anthropic's client is missing: anthropic")
    for variable in ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS"):
        monkeypatch.delenv(variable, raising=False)
    with (
        anthropic.Anthropic(api_key=KEY, base_url=f"{hosted.url}/anthropic") as client,
        client.messages.stream(
            model="claude-haiku-4-5",
            max_tokens=64,
            system="Be brief.",
            messages=[{"role": "user", "content": "Hi"}],
        ) as stream,
    ):
        text = "".join(stream.text_stream)
        usage = stream.get_final_message().usage
    monkeypatch.setenv("ANTHROPIC_BASE_URL", hosted.url + "/anthropic")
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    talk = [Message(Speaker.SYSTEM, "Be brief."), Message(Speaker.USER, "Hi")]
    ours = list(generators.load("anthropic:claude-haiku-4-5").stream(talk, max_tokens=64))
    assert "".join(piece.text for piece in ours) == text == hosted.answer
    counted = ours[-1].usage
    assert counted is not None
    assert (counted.input_tokens, counted.output_tokens) == (
        usage.input_tokens,
        usage.output_tokens,
    )
    first, second = hosted.seen[-2:]
    assert {k: second.body[k] for k in ("system", "max_tokens", "model", "stream")} == {
        k: first.body[k] for k in ("system", "max_tokens", "model", "stream")
    }
