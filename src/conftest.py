"""Examples in docstrings that need a part which may be missing."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from nearfield.ann import library

_NEED_COMPILED = {"nearfield.ann.graph.Graph"}

# Part of the integrations, and the host without which it cannot be imported (`make test-hosts`).
_HOSTS = {
    "langchain": "langchain_core",
    "llamaindex": "llama_index",
    "haystack": "haystack",
    "sklearn.py": "sklearn",
    "mcp": "mcp",
}
collect_ignore = [
    f"nearfield/integrations/{part}" for part, host in _HOSTS.items() if find_spec(host) is None
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what builds a graph where vector search was not compiled."""
    if library.choose() is None:
        missing = pytest.mark.skip(reason="vector search in C is missing or switched off")
        for item in items:
            if item.name in _NEED_COMPILED:
                item.add_marker(missing)
