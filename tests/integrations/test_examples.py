"""The example pipelines run as they stand: they choose, store, measure and write down."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.hosts


@pytest.fixture
def chosen_once(monkeypatch: pytest.MonkeyPatch, minilm_path: Path, wordllama_path: Path) -> None:
    """The choice is the same in every pipeline, so it is made once."""
    shop = importlib.import_module("examples.hosts.shop")
    if not _CHOICES:
        _CHOICES.append(shop.choose())
    monkeypatch.setattr(shop, "choose", lambda: _CHOICES[0])


_CHOICES: list[object] = []


@pytest.mark.parametrize(
    ("module", "host", "record"),
    [
        ("langchain_pipeline", "langchain_core", "langchain.md"),
        ("llamaindex_pipeline", "llama_index.core", "llamaindex.md"),
        ("haystack_pipeline", "haystack", "haystack.md"),
        ("sklearn_pipeline", "sklearn", "sklearn.md"),
        ("mcp_client", "mcp", "mcp.md"),
    ],
)
def test_pipeline(module: str, host: str, record: str, tmp_path: Path, chosen_once: None) -> None:
    pytest.importorskip(host, reason=f"{host} is missing: make test-hosts")
    measured = importlib.import_module(f"examples.hosts.{module}").main(tmp_path)
    # All search the same texts by the same model: no host may lose what it was given.
    choice: Any = _CHOICES[0]
    chosen = max(each.score for each in choice.reports if each.system.name.startswith(choice.model))
    dense = measured.modes.get("dense") or measured.modes["default"]
    assert dense.mean >= chosen - 0.02
    written = (tmp_path / record).read_text(encoding="utf-8")
    assert choice.fingerprint[:16] in written
    assert f"{measured.score.mean:.3f}" in written
