"""Fixtures that every test may use: real models where they are installed, and a private home."""

from __future__ import annotations

import ipaddress
import sys
from pathlib import Path

import pytest

from nearfield.paths import models_dir

# Read before any test moves the home: models are large and only ever read.
_MODELS = models_dir().absolute()


def _only_loopback(event: str, details: tuple[object, ...]) -> None:
    """Fail what would leave this machine: no test touches the network."""
    if event == "socket.getaddrinfo":
        host = details[0]
    elif event in {"socket.connect", "socket.sendto"}:
        address = details[1]
        host = address[0] if isinstance(address, tuple) else None  # a Unix socket has a path
    else:
        return
    name = host.decode() if isinstance(host, bytes) else host
    if not isinstance(name, str) or name in {"", "localhost"}:
        return
    try:
        local = ipaddress.ip_address(name).is_loopback
    except ValueError:
        local = False
    if not local:
        raise RuntimeError(f"a test wants to reach {name}: tests stay on this machine")


sys.addaudithook(_only_loopback)


@pytest.fixture(autouse=True)
def private_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test its own home, so that none sees another's cache or collections."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("NEARFIELD_HOME", str(home))
    monkeypatch.setenv("NEARFIELD_MODELS", str(_MODELS))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return home


def _model(name: str) -> Path:
    path = _MODELS / name
    if not path.is_dir():
        pytest.skip(f"the model {name} is missing: nearfield models install {name}")
    return path


@pytest.fixture(scope="session")
def minilm_path() -> Path:
    """all-MiniLM-L6-v2: BERT, mean pooling, 384 dimensions."""
    return _model("all-MiniLM-L6-v2")


@pytest.fixture(scope="session")
def bge_path() -> Path:
    """bge-small-en-v1.5 as int8 ONNX: CLS pooling and a query prompt."""
    return _model("bge-small-en-v1.5")


@pytest.fixture(scope="session")
def wordllama_path() -> Path:
    """WordLlama's static sentence vectors, 256 dimensions, truncatable."""
    return _model("wordllama-l2-supercat-256")


@pytest.fixture(scope="session")
def glove_path() -> Path:
    """GloVe 6B, 400,000 words of 50 dimensions."""
    return _model("glove-6b-50d")


@pytest.fixture(scope="session")
def reranker_path() -> Path:
    """ms-marco-MiniLM-L-12-v2 as int8 ONNX: one score for a question and a passage."""
    return _model("ms-marco-MiniLM-L-12-v2")


@pytest.fixture(scope="session")
def colbert_path() -> Path:
    """The encoder of answerai-colbert-small-v1 as int8 ONNX: a vector for every token."""
    return _model("answerai-colbert-small-v1-backbone")


@pytest.fixture(scope="session")
def splade_path() -> Path:
    """A SPLADE of two layers: weights for the words of its vocabulary."""
    return _model("splade-tiny")


@pytest.fixture(scope="session")
def smollm2_path() -> Path:
    """SmolLM2-135M-Instruct as GGUF: a language model that writes answers."""
    return _model("smollm2-135m-instruct")
