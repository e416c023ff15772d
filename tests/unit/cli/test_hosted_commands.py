"""Commands with a hosted model, against a server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.hosted import KEY, HostedServer, Wide

from nearfield.cli.main import _run
from nearfield.models.remote import connecting, spending

MODEL = "openai:text-embedding-ada-002#price=0.10"


@pytest.fixture
def hosted(monkeypatch: pytest.MonkeyPatch) -> Iterator[HostedServer]:
    monkeypatch.setattr(spending, "_PROCESS", [])
    monkeypatch.setattr(connecting, "_CLIENTS", {})
    monkeypatch.delenv("NEARFIELD_MAX_COST", raising=False)
    with HostedServer(Wide(1536)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url + "/openai/v1")
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        yield server
        for client in connecting._CLIENTS.values():
            client.close()


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "parka.txt").write_text("A warm parka for the mountains.\n")
    (folder / "river.txt").write_text("The bank of the cold river.\n")
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: str | Path) -> tuple[int, str, str]:
        code = _run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_index_says_the_forecast_first_and_the_cost_last(
    hosted: HostedServer, notes: Path, tmp_path: Path, run: Any
) -> None:
    place = tmp_path / "n.nf"
    code, out, err = run("index", notes, "--to", place, "-m", MODEL)
    assert code == 0, err
    assert "forecast: 2 passages to buy from openai:text-embedding-ada-002" in err
    assert "$0.1 a million tokens" in err
    assert "2 passages written" in out
    assert "hosted models: 2 requests" in err
    assert KEY not in out + err
    code, out, err = run("index", notes, "--to", place, "--json")
    assert code == 0
    report = json.loads(out)
    assert report["unchanged"] == 2
    assert report["cost"] is None  # nothing was bought
    (notes / "new.txt").write_text("A new note about gloves.\n")
    report = json.loads(run("index", notes, "--to", place, "--json")[1])
    assert (report["requests"], report["passages"]) == (1, 1)
    assert 0 < report["cost"] < 1e-4


def test_a_forecast_beyond_the_cap_buys_nothing(
    hosted: HostedServer, notes: Path, tmp_path: Path, run: Any
) -> None:
    place = tmp_path / "n.nf"
    model = "openai:text-embedding-ada-002#price=100000"
    code, _, err = run("index", notes, "--to", place, "-m", model, "--max-cost", "3")
    assert code == 1
    assert "the cap is $3.00" in err or "of the cap of $3.00" in err
    assert "warm parka" not in " ".join(hosted.texts())


def test_search_ask_and_embed_take_a_cap(
    hosted: HostedServer, notes: Path, tmp_path: Path, run: Any
) -> None:
    place = tmp_path / "n.nf"
    assert run("index", notes, "--to", place, "-m", MODEL)[0] == 0
    code, out, err = run("search", place, "a warm parka", "--no-update", "--max-cost", "1")
    assert code == 0
    assert "parka.txt" in out
    before = len(hosted.seen)
    code, _, err = run("search", place, "cold", "--no-update", "--max-cost", "0")
    assert (code, len(hosted.seen)) == (1, before)
    assert "of the cap of $0.00" in err
    spending.cap(None)
    code, out, _ = run("embed", "warm", "-m", MODEL, "--json")
    assert np.asarray(json.loads(out)["vectors"]).shape == (1, 1536)
    assert json.loads(out)["model"]["precision"] == "hosted"


def test_models_lists_hosted_ones_as_such(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COHERE_API_KEY", KEY)
    code, out, _ = run("models")
    assert code == 0
    local, _, elsewhere = out.partition("hosted model")
    assert "openai:text-embedding-3-small" in elsewhere
    assert "openai:" not in local
    assert "texts go to the provider" in elsewhere
    found = {model["name"]: model for model in json.loads(run("models", "--json")[1])["hosted"]}
    assert found["cohere:embed-v4.0"]["ready"] is True
    assert found["cohere:rerank-v3.5"]["search_price"] == 0.002
    assert found["jina:jina-embeddings-v3"]["price"] is None
    assert KEY not in json.dumps(found) + out
    shown = json.loads(run("models", "show", "openai:text-embedding-3-large", "--json")[1])
    assert (shown["dimension"], shown["price"]) == (3072, 0.13)


def test_without_a_key_the_message_names_the_variable(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    code, _, err = run("embed", "warm", "-m", "openai:text-embedding-3-small")
    assert code == 1
    assert "set the environment variable OPENAI_API_KEY" in err
