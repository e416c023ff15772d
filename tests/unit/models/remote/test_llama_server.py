"""llama.cpp's own server as a peer: a real one that speaks OpenAI's protocol, on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nearfield as nf
from nearfield.errors import RemoteRefused, TruncationWarning
from nearfield.models import remote
from nearfield.paths import models_dir
from nearfield.rag import generators
from nearfield.types import Message, Speaker, Usage

pytestmark = pytest.mark.slow  # loads a language model twice

_KEY = "own-key-of-the-llama-server"
_CONTEXT = 256
_GGUF = models_dir().absolute() / "smollm2-135m-instruct" / "model.gguf"


def _serve(*, embedding: bool) -> Any:
    llama = pytest.importorskip("xllamacpp", reason="llama.cpp's server is missing: xllamacpp")
    if not _GGUF.is_file():
        pytest.skip("a model is missing: nearfield models install smollm2-135m-instruct")
    parameters = llama.CommonParams()
    parameters.model.path = str(_GGUF)
    parameters.n_ctx = _CONTEXT
    parameters.n_batch = parameters.n_ubatch = _CONTEXT
    parameters.n_parallel = 1
    parameters.port = 0
    parameters.warmup = False
    parameters.api_keys = [_KEY]
    if embedding:
        parameters.embedding = True
        parameters.pooling_type = llama.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    return llama.Server(parameters)


@pytest.fixture(scope="module")
def chat() -> Iterator[str]:
    server = _serve(embedding=False)
    yield f"{server.listening_address}/v1"


@pytest.fixture(scope="module")
def vectors() -> Iterator[str]:
    server = _serve(embedding=True)
    yield f"{server.listening_address}/v1"


@pytest.fixture(autouse=True)
def own_key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from nearfield.models.remote import connecting

    monkeypatch.setenv("NEARFIELD_REMOTE_KEY", _KEY)
    yield
    for client in connecting._CLIENTS.values():
        client.close()


def test_it_generates(chat: str) -> None:
    generator = generators.load(f"openai:smollm2@{chat}#price=0")
    talk = [Message(Speaker.USER, "Say hello.")]
    pieces = list(generator.stream(talk, max_tokens=12))
    assert "".join(piece.text for piece in pieces).strip()
    usage = pieces[-1].usage
    assert isinstance(usage, Usage)
    assert usage.cost == 0.0
    assert 0 < usage.output_tokens <= 12
    assert usage.input_tokens > 0
    again = list(generator.stream(talk, max_tokens=12))  # temperature 0
    assert [piece.text for piece in again] == [piece.text for piece in pieces]


def test_openais_client_hears_the_same(chat: str) -> None:
    openai = pytest.importorskip("openai", reason="the client of OpenAI is missing: openai")
    talk = [Message(Speaker.USER, "Say hello.")]
    ours = list(generators.load(f"openai:smollm2@{chat}").stream(talk, max_tokens=12))
    with openai.OpenAI(base_url=chat, api_key=_KEY) as client:
        answer = client.chat.completions.create(
            model="smollm2",
            messages=[{"role": "user", "content": "Say hello."}],
            max_tokens=12,
            temperature=0,
        )
    assert "".join(piece.text for piece in ours) == answer.choices[0].message.content


def test_a_wrong_key_is_refused_without_being_shown(
    chat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEARFIELD_REMOTE_KEY", "wrong-key-0123456789")
    with pytest.raises(RemoteRefused, match="NEARFIELD_REMOTE_KEY") as caught:
        list(generators.load(f"openai:smollm2@{chat}").stream([Message(Speaker.USER, "Hi")]))
    assert "wrong-key" not in str(caught.value)


def test_it_embeds(vectors: str) -> None:
    encoder = nf.load(f"openai:smollm2@{vectors}")
    texts = ["A warm parka.", "The cold river.", ""]
    rows = encoder.encode(texts)
    assert rows.shape == (3, encoder.card.dimension)
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1.0, 1.0, 0.0], abs=1e-5)
    alone = encoder.encode(texts[1:2])
    assert float(alone[0] @ rows[1]) == pytest.approx(1.0, abs=1e-3)
    assert remote.account().spent.estimated_tokens == 0


def test_what_it_refuses_as_too_long_is_cut_and_counted(vectors: str) -> None:
    encoder = nf.load(f"openai:smollm2@{vectors}#max_tokens={_CONTEXT}")
    with pytest.warns(TruncationWarning, match="1 of 2"):
        rows = encoder.encode(["warm parka " * 400, "cold"])
    assert np.isfinite(rows).all()
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1.0, 1.0], abs=1e-5)


def test_a_collection_of_it(vectors: str, tmp_path: Path) -> None:
    with nf.open(tmp_path / "n.nf", encoder=f"openai:smollm2@{vectors}") as collection:
        collection.add(["A warm parka.", "The bank of the cold river."])
    with nf.open(tmp_path / "n.nf") as collection:
        assert collection.search("A warm parka.")[0].chunk.text == "A warm parka."
