"""Servers that answer anything: the outcome is vectors that can be used, or one of our errors."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.errors import RemoteError
from nearfield.models.remote.api import Ask, rows_of, says_too_long
from nearfield.models.remote.http import Event, message_of
from nearfield.models.remote.pace import duration
from nearfield.models.remote.prices import forecast
from nearfield.models.remote.providers import embedding_api
from nearfield.models.remote.providers.scores import scores_of
from nearfield.models.remote.retry import retry_after
from nearfield.models.remote.tokens import TOKENIZER, cut, most_tokens
from nearfield.rag.generators.anthropic import Messages
from nearfield.rag.generators.hosted import _Ending
from nearfield.rag.generators.openai import ChatCompletions
from nearfield.types import Role

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["AACAPw==", "AAAAAA=="]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["data", "embedding", "embeddings", "values", "float", "index", "usage", "results",
                 "prompt_tokens", "total_tokens", "relevance_score", "meta", "choices", "delta",
                 "content", "type", "text", "error", "message"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip
OBJECTS = st.dictionaries(
    st.sampled_from(["data", "embeddings", "usage", "meta", "usageMetadata", "results"]), ANYTHING
)


@settings(max_examples=120, deadline=None)
@given(OBJECTS, st.sampled_from(["openai", "cohere", "voyage", "jina", "mistral", "gemini"]))
def test_any_answer_gives_usable_rows_or_one_error(answer: Any, provider: str) -> None:
    try:
        got = embedding_api(provider).read(answer, 1)
    except RemoteError:
        return
    assert got.rows.shape[0] == 1
    assert got.rows.shape[1] > 0
    assert got.rows.dtype == np.float32
    assert np.isfinite(got.rows).all()
    assert got.tokens is None or got.tokens >= 0


@settings(max_examples=80, deadline=None)
@given(ANYTHING, st.integers(0, 3))
def test_any_list_gives_rows_or_scores_or_one_error(found: Any, count: int) -> None:
    for read in (rows_of, scores_of):
        try:
            got = read(found, count)
        except RemoteError:
            continue
        assert len(got) == count
        assert np.isfinite(got).all()


@settings(deadline=None)
@given(ANYTHING, st.text(max_size=12))
def test_any_event_is_heard_or_ignored(data: Any, name: str) -> None:
    value = data if isinstance(data, dict) else {"choices": data, "type": "content_block_delta"}
    for api in (ChatCompletions(), Messages()):
        heard = api.hear(Event(name, json.dumps(value)), value)
        assert isinstance(heard.text, str)


@given(st.text())
def test_any_error_text_has_a_message(body: str) -> None:
    assert isinstance(message_of(body), str)
    says_too_long(body)
    retry_after({"retry-after": body})
    duration(body)


@settings(deadline=None)
@given(st.text(), st.integers(1, 20))
def test_a_cut_is_a_beginning_that_the_tail_does_not_change(text: str, tokens: int) -> None:
    short = cut(text, tokens)
    assert text.startswith(short)
    assert TOKENIZER.count([short])[0] <= tokens
    if short != text:
        assert cut(text + " more", tokens) == short


@settings(deadline=None)
@given(st.text())
def test_spans_cover_all_but_white_space_and_stay_below_the_bound(text: str) -> None:
    spans = TOKENIZER.spans(text)
    assert TOKENIZER.count([text]) == [len(spans)]
    covered = np.zeros(len(text), dtype=bool)
    for a, b in spans:
        assert not covered[a:b].any()
        covered[a:b] = True
    assert all(covered[at] or c.isspace() for at, c in enumerate(text))
    assert len(spans) <= most_tokens(text)
    found = forecast("openai:text-embedding-3-small", [text])
    assert found.tokens <= found.most_tokens


@given(st.lists(st.text(alphabet="ab\n", max_size=4)), st.lists(st.text("ab\n", min_size=1)))
def test_a_text_ends_before_its_first_stop(pieces: list[str], stop: list[str]) -> None:
    ending, shown = _Ending(stop), ""
    for piece in pieces:
        shown += ending.push(piece)
        if ending.found:
            break
    shown += ending.rest()
    whole = "".join(pieces)
    places = [whole.find(word) for word in stop if word in whole]
    # A server may end a piece late, so a longer stop that begins earlier can come to light later.
    expected = whole[: min(places)] if places else whole
    assert shown == expected or (places and shown.startswith(whole[: min(places)]))
    assert not any(word in shown for word in stop)


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_requests_are_json_that_servers_read(texts: list[str]) -> None:
    for provider in ("openai", "cohere", "voyage", "jina", "mistral", "gemini"):
        api = embedding_api(provider)
        body = api.body(texts, Ask("m", Role.QUERY, 8))
        assert json.loads(json.dumps(body, ensure_ascii=False)) == body


def test_estimates_hold_against_a_real_vocabulary() -> None:
    tiktoken = pytest.importorskip("tiktoken", reason="tiktoken is missing")
    import os
    from pathlib import Path

    folder = os.environ.get("TIKTOKEN_CACHE_DIR", "")
    if not folder or not (Path(folder) / "9b5ad71b2ce5302211f9c61530b329a4922fc6a4").is_file():
        pytest.skip("the vocabulary cl100k_base is missing: TIKTOKEN_CACHE_DIR names no copy of it")
    encoding = tiktoken.get_encoding("cl100k_base")
    for path in Path(__file__).parents[4].glob("docs/guide/*.md"):
        text = path.read_text(encoding="utf-8")
        real = len(encoding.encode(text, disallowed_special=()))
        assert real <= most_tokens(text)
        assert 0.95 <= TOKENIZER.count([text])[0] / real <= 1.6
