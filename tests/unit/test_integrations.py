"""A host that is not installed is named, with the extra that brings it."""

from __future__ import annotations

import importlib
import sys

import pytest

from nearfield.errors import MissingExtra

_HOSTS = {
    "langchain": "langchain_core",
    "llamaindex": "llama_index",
    "haystack": "haystack",
    "sklearn": "sklearn",
    "mcp": "mcp",
}


@pytest.mark.parametrize(("room", "host"), _HOSTS.items())
def test_missing_host(room: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == host]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.startswith(f"nearfield.integrations.{room}")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, host, None)
    with pytest.raises(MissingExtra, match=rf'pip install "nearfield\[{room}\]"'):
        importlib.import_module(f"nearfield.integrations.{room}")
