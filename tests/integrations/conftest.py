"""Hosts are installed by `make test-hosts`; nothing they do may leave this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

# Read when the hosts are imported: none of them may report what the tests do.
os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
os.environ["LANGSMITH_TRACING"] = "false"
os.environ["OTEL_SDK_DISABLED"] = "true"


def pytest_configure(config: pytest.Config) -> None:
    """Hosts' own suites write ``async def`` and leave the rest to pytest-asyncio."""
    if hasattr(config.option, "asyncio_mode"):
        config.option.asyncio_mode = "auto"


THEMES = {
    "winter": ["snow", "ice", "parka", "gloves", "frost", "cold", "winter"],
    "kitchen": ["knife", "pan", "oven", "cook", "kitchen", "steak", "bread"],
    "sea": ["beach", "sun", "swim", "umbrella", "sand", "sea", "surf"],
}


@pytest.fixture(scope="session")
def words_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny real model in GloVe's text format: words of a theme lie around one axis."""
    generator = np.random.default_rng(7)
    lines = []
    for axis, words in enumerate(THEMES.values()):
        for word in words:
            vector = 0.1 * generator.standard_normal(16)
            vector[axis] += 1.0
            lines.append(" ".join([word, *(f"{value:.5f}" for value in vector)]))
    path = tmp_path_factory.mktemp("model") / "themes.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def only_loopback() -> Iterator[None]:
    """Refuse every connection that leaves this machine."""
    socket = pytest.importorskip("pytest_socket", reason="hosts are missing: make test-hosts")
    socket.socket_allow_hosts(["127.0.0.1", "localhost"], allow_unix_socket=True)
    yield
    socket._remove_restrictions()
