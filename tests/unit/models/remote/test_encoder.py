from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.support.hosted import KEY, Fault, HostedServer, Letters, Wide, texts_of

import nearfield as nf
from nearfield.errors import (
    InputError,
    KeyMissing,
    MissingExtra,
    RemoteAnswerInvalid,
    RemoteRefused,
    RemoteUnavailable,
    SpendingCapReached,
    TruncationWarning,
    UnsupportedModel,
    UnsupportedOperation,
)
from nearfield.models import matryoshka, remote, resolve
from nearfield.models.paid import PROBE, PaidEncoder
from nearfield.models.remote.hosted_models import HOSTED
from nearfield.types import BatchReport, Role

PROVIDERS = ["openai", "cohere", "voyage", "jina", "mistral", "gemini"]
TEXTS = ["warm parka", "cold river", "", "a bank", "zwölf Boxkämpfer", "北京"]


def _letters(texts: list[str], dimensions: int = 26) -> np.ndarray:
    rows = Letters().encode(texts)[:, :dimensions].astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[[at for at, text in enumerate(texts) if not text]] = 0.0
    return rows


@pytest.mark.parametrize("provider", PROVIDERS)
def test_rows_are_the_servers_in_the_order_of_the_texts(
    hosted: HostedServer, provider: str
) -> None:
    encoder = remote.load(f"{provider}:letters")
    vectors = encoder.encode(TEXTS)
    assert vectors == pytest.approx(_letters(TEXTS), abs=1e-6)
    assert (vectors.dtype, vectors.flags.c_contiguous) == (np.dtype("f4"), True)
    assert isinstance(encoder, PaidEncoder)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_shorter_vectors(hosted: HostedServer, provider: str) -> None:
    vectors = remote.load(f"{provider}:letters", dimensions=9).encode(TEXTS)
    assert vectors == pytest.approx(_letters(TEXTS, 9), abs=1e-6)


_ROLES: dict[str, Callable[[Any], Any]] = {
    "cohere": lambda body: body["input_type"],
    "voyage": lambda body: body["input_type"],
    "jina": lambda body: body["task"],
    "gemini": lambda body: body["requests"][0]["taskType"],
}


def test_each_provider_is_told_the_role_in_its_words(hosted: HostedServer) -> None:
    said = {}
    for provider, find in _ROLES.items():
        encoder = remote.load(f"{provider}:letters")
        for role in Role:
            encoder.encode(["x"], role=role)
            said[provider, role.value] = find(hosted.seen[-1].body)
    assert said == {
        ("cohere", "query"): "search_query",
        ("cohere", "document"): "search_document",
        ("voyage", "query"): "query",
        ("voyage", "document"): "document",
        ("jina", "query"): "retrieval.query",
        ("jina", "document"): "retrieval.passage",
        ("gemini", "query"): "RETRIEVAL_QUERY",
        ("gemini", "document"): "RETRIEVAL_DOCUMENT",
    }


def test_servers_are_asked_not_to_cut(hosted: HostedServer) -> None:
    flags = {"cohere": ("truncate", "NONE"), "voyage": ("truncation", False)}
    flags["jina"] = ("truncate", False)
    for provider, (name, value) in flags.items():
        remote.load(f"{provider}:letters").encode(["x"])
        assert hosted.seen[-1].body[name] == value


def test_prompts_of_the_card_are_applied(hosted: HostedServer) -> None:
    hosted.encoder = Wide(3072)
    encoder = remote.load("gemini:gemini-embedding-2")
    encoder.encode(["a parka"], role="query")
    assert hosted.texts()[-1] == "task: search result | query: a parka"
    assert "taskType" not in hosted.seen[-1].body["requests"][0]


def test_known_models_need_no_request_to_be_loaded(hosted: HostedServer) -> None:
    for model in HOSTED:
        card = remote.load(model.full_name).card
        assert (card.name, card.dimension) == (model.full_name, model.dimension)
        assert card.max_tokens == model.max_tokens
    assert hosted.seen == []


def test_the_root_loads_hosted_models_by_name(hosted: HostedServer) -> None:
    hosted.encoder = Wide(1536)
    encoder = nf.load("openai:text-embedding-3-small", dimensions=12)
    assert encoder.card.name == "openai:text-embedding-3-small@12"
    assert encoder.encode(["warm"]).shape == (1, 12)
    assert hosted.seen[-1].body["dimensions"] == 12
    again = nf.load("openai:text-embedding-3-small@12")
    assert again.card == encoder.card
    assert again.card.fingerprint != nf.load("openai:text-embedding-3-small").card.fingerprint


def test_what_a_hosted_model_cannot_be_is_refused(hosted: HostedServer) -> None:
    with pytest.raises(UnsupportedOperation, match="computed by its provider"):
        nf.load("openai:text-embedding-3-small", precision="exact")
    with pytest.raises(UnsupportedOperation):
        nf.load("openai:text-embedding-3-small", runtime="native")
    with pytest.raises(UnsupportedModel, match="no files here"):
        resolve.locate("openai:text-embedding-3-small")
    with pytest.raises(UnsupportedModel, match="reranker"):
        nf.load("cohere:rerank-v3.5")
    with pytest.raises(InputError, match="1536 dimensions, so 2000 are too many"):
        nf.load("openai:text-embedding-ada-002", dimensions=2000)
    with pytest.raises(InputError, match="asks for 8 dimensions, the argument for 9"):
        nf.load("openai:text-embedding-3-small@8", dimensions=9)
    with pytest.raises(InputError, match="when it is loaded"):
        matryoshka.truncate(nf.load("openai:text-embedding-3-small"), 8)


def test_without_a_key_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(KeyMissing, match="OPENAI_API_KEY"):
        nf.load("openai:text-embedding-3-small")
    with pytest.raises(KeyMissing, match="COHERE_API_KEY or CO_API_KEY"):
        nf.load("cohere:embed-v4.0")


def test_the_providers_key_does_not_go_to_a_url_in_a_name(
    hosted: HostedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted.key = ""
    name = f"openai:letters@{hosted.url}/openai/v1"
    nf.load(name).encode(["warm"])
    assert all("authorization" not in seen.headers for seen in hosted.seen)
    assert not any(KEY in str(seen.headers) for seen in hosted.seen)
    monkeypatch.setenv("NEARFIELD_REMOTE_KEY", "own-key-of-this-server")
    nf.load(name).encode(["warm"])
    assert hosted.seen[-1].headers["authorization"] == "Bearer own-key-of-this-server"


def test_nothing_but_texts_and_the_model_leaves(hosted: HostedServer) -> None:
    nf.load("openai:letters").encode(["warm"])
    seen = hosted.seen[-1]
    assert set(seen.body) == {"model", "input", "encoding_format"}
    assert set(seen.headers) == {
        "host", "accept", "accept-encoding", "connection", "user-agent", "content-type",
        "authorization", "content-length",
    }  # fmt: skip
    assert seen.headers["user-agent"] == "nearfield"


def test_batches_keep_to_the_providers_limits(hosted: HostedServer) -> None:
    texts = [f"text {number}" for number in range(250)]
    for provider, most in (("cohere", 96), ("gemini", 100), ("openai", 64), ("mistral", 512)):
        encoder = remote.load(f"{provider}:letters")
        begun = len(hosted.seen)
        vectors = encoder.encode(texts)
        assert vectors == pytest.approx(_letters(texts), abs=1e-6)
        sizes = [len(texts_of(seen.body)) for seen in hosted.seen[begun:]]
        assert sum(sizes) == 250
        assert max(sizes) <= most
        assert len(sizes) == -(-250 // most)


def test_a_batch_that_is_too_large_after_all_is_halved(hosted: HostedServer) -> None:
    hosted.batch_tokens = 40
    texts = [f"one two three {number}" for number in range(32)]
    encoder = remote.load("mistral:letters")
    assert encoder.encode(texts) == pytest.approx(_letters(texts), abs=1e-6)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_long_texts_are_cut_counted_and_never_left_to_the_server(
    hosted: HostedServer, provider: str
) -> None:
    limit = 40
    hosted.max_tokens = limit
    name = f"{provider}:letters#max_tokens={limit}"
    encoder = remote.load(name)
    long = "warm parka " * 200
    reports: list[BatchReport] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vectors = encoder.encode(["cold", long, "the"], observe=reports.append)
    assert [at for report in reports for at in report.truncated] == [1]
    assert sorted(at for report in reports for at in report.indices) == [0, 1, 2]
    with pytest.warns(TruncationWarning, match="1 of 3 .* 40 tokens"):
        encoder.encode(["cold", long, "the"])
    # The tail has no part in it, and neither has the company.
    other = encoder.encode([long + "zzz"], observe=reports.append)
    assert other == pytest.approx(vectors[1:2], abs=1e-6)
    if provider == "gemini":  # cuts silently: nothing too long may have reached it
        assert max(hosted.count(hosted.texts())) <= limit


def test_a_server_without_a_known_limit_says_itself_what_is_too_long(hosted: HostedServer) -> None:
    encoder = remote.load("openai:letters")
    hosted.max_tokens = 30
    with pytest.warns(TruncationWarning):
        vectors = encoder.encode(["warm parka " * 500, "cold"])
    assert np.isfinite(vectors).all()
    assert vectors[1:] == pytest.approx(_letters(["cold"]), abs=1e-6)


def test_requests_run_side_by_side_and_slow_down_on_429(hosted: HostedServer) -> None:
    hosted.faults.extend([Fault(delay=0.05) for _ in range(8)])
    texts = [f"text {number}" for number in range(96 * 8)]
    encoder = remote.load("cohere:letters")
    hosted.faults.appendleft(None)
    encoder.encode(texts)
    assert 2 <= hosted.most_at_once <= 16
    pace = encoder.requests.pace
    before = pace.limit
    hosted.faults.append(Fault(429, headers={"Retry-After": "0.01"}))
    assert encoder.encode(["x"]) == pytest.approx(_letters(["x"]), abs=1e-6)
    assert pace.limit <= before // 2 + 1


def _data(answer: Any) -> Any:
    return answer["data"]


BAD_ANSWERS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "too few": (lambda a: {**a, "data": a["data"][:-1]}, "3 texts were sent and 2 vectors"),
    "too many": (lambda a: {**a, "data": a["data"] * 2}, "and 6 vectors"),
    "none": (lambda a: {"object": "list"}, "no list of vectors"),
    "twice": (
        lambda a: {**a, "data": [{**d, "index": 0} for d in a["data"]]},
        "two vectors have the index 0",
    ),
    "out of range": (
        lambda a: {**a, "data": [{**d, "index": 7} for d in a["data"]]},
        "index 7, expected 0 to 2",
    ),
    "NaN": (
        lambda a: {**a, "data": [{**d, "embedding": [float("nan")] * 26} for d in a["data"]]},
        "NaN or infinity",
    ),
    "beyond float32": (
        lambda a: {**a, "data": [{**d, "embedding": [1e300] * 26} for d in a["data"]]},
        "NaN or infinity",
    ),
    "lengths": (
        lambda a: {
            **a,
            "data": [
                {**d, "embedding": [1.0] * (26 + (d["index"] == 1))} for d in a["data"]
            ],
        },
        r"lengths \[26, 27\]",
    ),
    "another length": (
        lambda a: {**a, "data": [{**d, "embedding": [1.0] * 13} for d in a["data"]]},
        "of 13 components, expected 26",
    ),
    "words": (
        lambda a: {**a, "data": [{**d, "embedding": ["x"] * 26} for d in a["data"]]},
        "no list of numbers",
    ),
    "base64": (
        lambda a: {**a, "data": [{**d, "embedding": "not base64!"} for d in a["data"]]},
        "no base64",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_answers_that_are_none_are_refused_and_nothing_is_used(
    hosted: HostedServer, case: str
) -> None:
    change, message = BAD_ANSWERS[case]
    encoder = remote.load("openai:letters")
    hosted.faults.append(Fault(change=change))
    with pytest.raises(RemoteAnswerInvalid, match=message):
        encoder.encode(["a", "b", "c"])


def test_the_order_of_an_answer_does_not_matter(hosted: HostedServer) -> None:
    encoder = remote.load("openai:letters")
    hosted.faults.append(Fault(change=lambda a: {**a, "data": a["data"][::-1]}))
    texts = ["warm", "cold", "river"]
    assert encoder.encode(texts) == pytest.approx(_letters(texts), abs=1e-6)


def test_base64_and_lists_of_numbers_are_the_same(hosted: HostedServer) -> None:
    encoder = remote.load("openai:letters")
    plain = encoder.encode(["warm parka"])

    def encode(answer: Any) -> Any:
        for item in answer["data"]:
            raw = np.asarray(item["embedding"], dtype="<f4").tobytes()
            item["embedding"] = base64.b64encode(raw).decode()
        return answer

    hosted.faults.append(Fault(change=encode))
    assert np.array_equal(encoder.encode(["warm parka"]), plain)


def test_what_was_bought_before_a_failure_is_given_first(hosted: HostedServer) -> None:
    encoder = remote.load("cohere:letters")
    texts = [f"text {number}" for number in range(96 * 3)]
    hosted.faults.extend([None, None, Fault(400, b'{"message":"no such text"}')])
    got = []
    with pytest.raises(RemoteRefused, match="no such text"):
        got.extend(encoder.batches(texts, role=Role.DOCUMENT))
    assert sum(len(bought.positions) for bought in got) == 96 * 2


def test_the_servers_count_is_what_is_charged(hosted: HostedServer) -> None:
    encoder = remote.load("openai:letters#price=1000000")
    before = remote.account().spent
    encoder.encode(["warm parka", "cold"])
    spent = remote.account().spent - before
    assert spent.input_tokens == sum(hosted.count(["warm parka", "cold"]))
    assert spent.cost == spent.input_tokens
    assert spent.requests == 1


def test_a_server_that_does_not_count_is_estimated_and_said_so(hosted: HostedServer) -> None:
    encoder = remote.load("openai:letters#price=2")
    hosted.faults.append(Fault(change=lambda a: {k: v for k, v in a.items() if k != "usage"}))
    before = remote.account().spent
    encoder.encode(["warm parka"])
    spent = remote.account().spent - before
    assert spent.estimated_tokens == spent.input_tokens == 2
    assert "about 2 tokens" in str(spent)


def test_the_cap_stops_a_job_and_keeps_what_was_bought(hosted: HostedServer) -> None:
    encoder = remote.load("cohere:letters#price=1000")
    remote.cap(96 * (9 + 32) * 1000 / 1e6 * 1.5)  # room for one request at its most
    texts = [f"text {number:04}" for number in range(96 * 40)]
    got = 0
    with pytest.raises(SpendingCapReached, match="What was bought is kept"):
        for bought in encoder.batches(texts, role=Role.DOCUMENT):
            got += len(bought.positions)
    spent = remote.account().spent
    assert 0 < got < len(texts)
    assert spent.cost <= remote.account().max_cost  # type: ignore[operator]
    assert len(hosted.texts()) - 1 == got  # the probe, and no text that was not given


def test_unavailable_servers_end_in_one_clear_error(hosted: HostedServer) -> None:
    encoder = remote.load("openai:letters")
    hosted.faults.extend([Fault(500)] * 20)
    with pytest.raises(RemoteUnavailable, match="6 tries"):
        encoder.encode(["x"])


def test_threads_may_share_an_encoder(hosted: HostedServer) -> None:
    from concurrent.futures import ThreadPoolExecutor

    encoder = remote.load("openai:letters")
    texts = [f"text {chr(97 + number % 26) * 5}" for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda text: encoder.encode([text])[0], texts))
    assert np.stack(rows) == pytest.approx(_letters(texts), abs=1e-6)


def test_the_probe_is_bought_once(hosted: HostedServer) -> None:
    encoder = remote.load("cohere:letters")
    first = encoder.probe(Role.DOCUMENT)
    count = len(hosted.seen)
    assert encoder.probe(Role.DOCUMENT) is first
    assert len(hosted.seen) == count
    encoder.probe(Role.QUERY)
    assert len(hosted.seen) == count + 1
    assert hosted.texts().count(PROBE) == count + 1


def test_json_of_the_request_is_what_was_meant(hosted: HostedServer) -> None:
    encoder = remote.load("openai:letters")
    strange = 'quote " backslash \\ newline \n null \0 astral \U0001f9e5'
    encoder.encode([strange])
    assert hosted.texts()[-1] == strange
    assert json.dumps(hosted.seen[-1].body)


def test_an_interrupt_gives_what_was_bought_first(
    hosted: HostedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nearfield.models.remote import encoder as module

    real, calls = module.wait, 0

    def interrupted(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    encoder = remote.load("cohere:letters")
    monkeypatch.setattr(module, "wait", interrupted)
    texts = [f"text {number}" for number in range(96 * 20)]
    got: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        for bought in encoder.batches(texts, role=Role.DOCUMENT):
            got.extend(bought.positions)
    assert len(got) == len(set(got)) == len(hosted.texts()) - 1  # all that was paid for
    assert len(got) < len(texts)


def test_the_base_install_says_which_extra_is_missing(
    hosted: HostedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(MissingExtra, match=r"nearfield\[remote\]"):
        nf.load("openai:text-embedding-3-small")


def test_local_models_do_not_load_the_http_library() -> None:
    import subprocess
    import sys

    program = (
        "import sys; import nearfield.models.resolve, nearfield.collection; "
        "print([m for m in sys.modules if m.startswith(('httpx', 'nearfield.models.remote.'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['nearfield.models.remote.naming']", done.stderr
