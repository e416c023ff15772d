from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.support.hosted import KEY, Fault, HostedServer

from nearfield.errors import InputError, RemoteRefused, RemoteUnavailable, SpendingCapReached
from nearfield.models import remote
from nearfield.models.remote import connecting
from nearfield.protocols import Generator
from nearfield.rag import generators
from nearfield.types import Message, Piece, Speaker

TALK = [
    Message(Speaker.SYSTEM, "Be brief."),
    Message(Speaker.USER, "What is warm?"),
]
NAMES = ["openai:gpt-4o-mini", "anthropic:claude-haiku-4-5"]


@pytest.fixture(autouse=True)
def anthropic(hosted: HostedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", hosted.url + "/anthropic")
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    yield
    for client in connecting._CLIENTS.values():
        client.close()


def _text(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_comes_piece_by_piece_with_its_usage_last(
    hosted: HostedServer, name: str
) -> None:
    generator: Generator = generators.load(f"{name}#price=1")
    pieces = list(generator.stream(TALK))
    assert _text(pieces) == hosted.answer
    assert len(pieces) == len(hosted.pieces()) + 1
    assert all(piece.usage is None for piece in pieces[:-1])
    usage = pieces[-1].usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (17, len(hosted.pieces()))
    assert usage.cost == pytest.approx(17e-6)
    assert remote.account().spent.input_tokens == 17
    assert generator.name == name
    assert generator.context_tokens is None
    assert generator.count("warm parka") >= 2


def test_each_provider_gets_the_conversation_in_its_form(hosted: HostedServer) -> None:
    for name in NAMES:
        list(generators.load(name).stream(TALK, max_tokens=9, stop=["\n\n", "END"]))
    openai, anthropic = (seen.body for seen in hosted.seen)
    assert openai["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is warm?"},
    ]
    assert (openai["max_tokens"], openai["stop"], openai["temperature"]) == (9, ["\n\n", "END"], 0)
    assert anthropic["system"] == "Be brief."
    assert anthropic["messages"] == [{"role": "user", "content": "What is warm?"}]
    assert (anthropic["max_tokens"], anthropic["stop_sequences"]) == (9, ["END"])
    assert hosted.seen[1].headers["anthropic-version"] == "2023-06-01"


def test_reasoning_models_at_openai_get_nothing_that_they_refuse() -> None:
    from nearfield.rag.generators.openai import ChatCompletions

    body = ChatCompletions().body(TALK, "gpt-5-mini", max_tokens=9, stop=["END"], official=True)
    assert body.keys() == {
        "model", "messages", "stream", "stream_options", "max_completion_tokens",
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        (["keeps"], "A parka "),
        (["ka kee"], "A par"),
        (["warm.", "you"], "A parka keeps "),
        (["zzz"], "A parka keeps you warm."),
        (["A"], ""),
        ([""], "A parka keeps you warm."),
    ],
)
def test_the_answer_ends_before_a_stop_even_if_the_server_does_not_know_it(
    hosted: HostedServer, name: str, stop: list[str], expected: str
) -> None:
    pieces = list(generators.load(name).stream(TALK, stop=stop))
    assert _text(pieces) == expected
    assert pieces[-1].usage is not None


@pytest.mark.parametrize("name", NAMES)
def test_a_break_in_the_middle_is_an_error_and_is_not_asked_again(
    hosted: HostedServer, name: str
) -> None:
    hosted.faults.append(Fault(cut_after=6))
    got = []
    with pytest.raises(RemoteUnavailable, match="broke off"):
        got.extend(generators.load(f"{name}#price=1").stream(TALK))
    assert len(hosted.seen) == 1
    assert remote.account().spent.uncertain > 0


@pytest.mark.parametrize("name", NAMES)
def test_it_is_asked_again_before_the_first_word(hosted: HostedServer, name: str) -> None:
    hosted.faults.extend([Fault(529), Fault(429, headers={"retry-after": "0"}), Fault(drop=True)])
    assert _text(list(generators.load(name).stream(TALK))) == hosted.answer
    assert len(hosted.seen) == 4


@pytest.mark.parametrize("name", NAMES)
def test_leaving_early_is_counted(hosted: HostedServer, name: str) -> None:
    stream = generators.load(f"{name}#price=1").stream(TALK)
    assert next(stream).text == "A"
    stream.close()  # type: ignore[attr-defined]
    spent = remote.account().spent
    assert spent.requests == 1
    assert spent.estimated_tokens > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_cap_holds_for_answers(hosted: HostedServer, name: str) -> None:
    remote.cap(0.0001)
    with pytest.raises(SpendingCapReached):
        list(generators.load(f"{name}#price=10").stream(TALK, max_tokens=500))
    assert hosted.seen == []


def test_an_error_inside_the_stream(hosted: HostedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(body: object) -> Iterator[str]:
        yield 'data: {"choices":[{"delta":{"content":"A"}}]}\n\n'
        yield f'data: {{"error":{{"message":"out of memory {KEY}"}}}}\n\n'

    monkeypatch.setattr(hosted, "chat_events", broken)
    with pytest.raises(RemoteUnavailable, match="out of memory") as caught:
        list(generators.load("openai:m").stream(TALK))
    assert KEY not in str(caught.value)


def test_a_server_that_states_no_usage_is_estimated(
    hosted: HostedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [{"choices": [{"delta": {"content": word}}]} for word in ("warm ", "parka")]

    def plain(body: object) -> Iterator[str]:
        yield from (f"data: {json.dumps(event)}\n\n" for event in events)

    monkeypatch.setattr(hosted, "chat_events", plain)
    pieces = list(generators.load("openai:m").stream(TALK))
    assert _text(pieces) == "warm parka"
    usage = pieces[-1].usage
    assert usage is not None and usage.output_tokens >= 2 and usage.cost is None
    assert remote.account().spent.estimated_tokens == usage.input_tokens + usage.output_tokens


def test_what_is_no_conversation_is_refused(hosted: HostedServer) -> None:
    generator = generators.load("openai:m")
    with pytest.raises(InputError):
        generator.stream([])
    with pytest.raises(InputError):
        generator.stream(TALK, max_tokens=0)
    hosted.faults.append(Fault(404, b'{"error":{"message":"no such model"}}'))
    with pytest.raises(RemoteRefused, match="no such model"):
        list(generator.stream(TALK))
