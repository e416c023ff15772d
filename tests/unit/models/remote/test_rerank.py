from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.support.hosted import Fault, HostedServer, Letters

import nearfield as nf
from nearfield.errors import (
    InputError,
    RemoteAnswerInvalid,
    TruncationWarning,
    UnknownName,
)
from nearfield.models import remote, rerank
from nearfield.protocols import Reranker

NAMES = ["cohere:rerank-v3.5", "voyage:rerank-2.5", "jina:jina-reranker-m0"]
TEXTS = ["a cold river", "a warm parka", "the bank", "parkas"]


def _expected(query: str, texts: list[str]) -> np.ndarray:
    encoder = Letters()
    return encoder.encode(texts) @ encoder.encode([query])[0]


@pytest.mark.parametrize("name", NAMES)
def test_scores_come_in_the_order_of_the_passages(hosted: HostedServer, name: str) -> None:
    reranker = rerank.load(name)
    assert isinstance(reranker.name, str)
    scores = reranker.score("parka", TEXTS)
    assert scores == pytest.approx(_expected("parka", TEXTS), abs=1e-6)
    assert scores.dtype == np.float32
    assert reranker.score("parka", []).shape == (0,)


def test_it_reranks_a_search(hosted: HostedServer, tmp_path: Any) -> None:
    with nf.open(tmp_path / "n.nf", encoder="jina:letters") as collection:
        collection.add(TEXTS)
        hits = collection.search("parka", k=2, rerank="cohere:rerank-v3.5")
        assert hits[0].chunk.text == TEXTS[int(np.argmax(_expected("parka", TEXTS)))]


def test_a_search_is_charged_by_its_price(hosted: HostedServer) -> None:
    reranker = rerank.load("cohere:rerank-v3.5")
    reranker.score("parka", TEXTS)
    assert remote.account().spent.cost == pytest.approx(0.002)
    rerank.load("voyage:rerank-2.5").score("parka", TEXTS)
    tokens = sum(hosted.count(TEXTS))
    assert remote.account().spent.cost == pytest.approx(0.002 + tokens * 0.05 / 1e6)


def test_long_passages_are_cut_here_with_a_warning(hosted: HostedServer) -> None:
    reranker = rerank.load("cohere:rerank-v3.5#max_tokens=50")
    with pytest.warns(TruncationWarning, match="1 of 2 passages"):
        reranker.score("parka", ["warm " * 500, "cold"])
    sent = hosted.seen[-1].body["documents"]
    assert sent[1] == "cold"
    assert len(sent[0].split()) == 49
    with pytest.raises(InputError, match="takes all"):
        reranker.score("parka " * 60, ["cold"])
    with pytest.raises(InputError, match="blank"):
        reranker.score(" ", ["cold"])


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([], "2 passages were sent and 0 scores"),
        ([{"index": 0, "relevance_score": 1.0}] * 2, "two scores"),
        ([{"index": 0, "relevance_score": "high"}, {"index": 1}], "'high'"),
        ([{"index": 0, "relevance_score": float("nan")}, {"index": 1}], "is nan"),
        ([{"index": 5, "relevance_score": 1.0}, {"index": 1}], "index 5"),
        (None, "no list of scores"),
    ],
)
def test_scores_that_are_none_are_refused(
    hosted: HostedServer, results: object, message: str
) -> None:
    hosted.faults.append(Fault(change=lambda answer: {**answer, "results": results}))
    with pytest.raises(RemoteAnswerInvalid, match=message):
        rerank.load("jina:jina-reranker-m0").score("q", ["a", "b"])


def test_providers_without_rerankers_say_so(hosted: HostedServer) -> None:
    with pytest.raises(UnknownName, match="offers no rerankers; these do: cohere, voyage, jina"):
        rerank.load("openai:text-embedding-3-small")


def test_it_plays_the_role(hosted: HostedServer) -> None:
    reranker: Reranker = rerank.load(NAMES[0])
    assert reranker.name == "cohere:rerank-v3.5"
