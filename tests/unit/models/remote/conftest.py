"""A server on loopback in the place of every provider, and an account for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.hosted import KEY, HostedServer

from nearfield.models.remote import connecting, spending
from nearfield.models.remote.retry import RetryPolicy

PREFIXES = {
    "openai": "/openai/v1",
    "cohere": "/cohere",
    "voyage": "/voyage/v1",
    "jina": "/jina/v1",
    "mistral": "/mistral/v1",
    "gemini": "/gemini/v1",
}


def point_at(hosted: HostedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every provider be this server."""
    for provider, prefix in PREFIXES.items():
        variable = (
            "OPENAI_BASE_URL" if provider == "openai" else f"NEARFIELD_{provider.upper()}_URL"
        )
        monkeypatch.setenv(variable, hosted.url + prefix)
        monkeypatch.setenv(f"{provider.upper()}_API_KEY", KEY)


@pytest.fixture(autouse=True)
def own_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees what another one spent, or its connections, or the keys of who runs it."""
    for variable in ("NEARFIELD_MAX_COST", "NEARFIELD_REMOTE_KEY", "NEARFIELD_TRUSTED_HOSTS"):
        monkeypatch.delenv(variable, raising=False)
    for provider in (*PREFIXES, "anthropic", "google", "co"):
        monkeypatch.delenv(f"{provider.upper()}_API_KEY", raising=False)
        monkeypatch.delenv(f"{provider.upper()}_BASE_URL", raising=False)
    monkeypatch.setattr(spending, "_PROCESS", [])
    clients: dict[object, object] = {}
    monkeypatch.setattr(connecting, "_CLIENTS", clients)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait as long as servers ask, but hardly any jitter."""
    monkeypatch.setattr(RetryPolicy.__init__, "__defaults__", (6, 0.001, 0.01, 120.0))


@pytest.fixture
def hosted(monkeypatch: pytest.MonkeyPatch) -> Iterator[HostedServer]:
    with HostedServer() as server:
        point_at(server, monkeypatch)
        yield server
        for client in connecting._CLIENTS.values():
            client.close()
