from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.models.transformer.batches import BatchLimits, batches, distinct, plan
from nearfield.models.transformer.runtime import pack, pad, unpad
from nearfield.tokenization import load


@given(
    lengths=st.lists(st.integers(0, 60), max_size=40),
    budget=st.integers(1, 200),
    multiple=st.sampled_from([1, 8]),
)
@settings(max_examples=60)
def test_plan_covers_everything_once_within_the_budget(lengths, budget, multiple):
    groups = plan(np.array(lengths, dtype=np.int64), budget, multiple)
    assert sorted(i for rows in groups for i in rows.tolist()) == list(range(len(lengths)))
    for rows in groups:
        width = max(1, -(-max(lengths[i] for i in rows) // multiple)) * multiple
        assert len(rows) == 1 or len(rows) * width <= budget


@given(texts=st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=20))
@settings(max_examples=40)
def test_distinct_expands_to_the_inputs(texts):
    found = distinct(texts)
    assert [found.texts[i] for i in found.place] == texts
    assert len(set(found.texts)) == len(found.texts)
    rows = np.arange(len(found.texts), dtype=np.float32)[:, None]
    assert found.expand(rows).ravel().tolist() == found.place.tolist()


@given(lengths=st.lists(st.integers(0, 9), min_size=1, max_size=6))
@settings(max_examples=40)
def test_unpad_undoes_pad(lengths):
    texts = [np.arange(1, n + 1) for n in lengths]
    batch = pack(texts)
    ids, given_tokens = pad(batch, 0, multiple=4)
    assert ids.shape[1] % 4 == 0
    states = ids[:, :, None].astype(np.float32)
    assert unpad(states, given_tokens).ravel().tolist() == [i for ids in texts for i in ids]
    assert batch.lengths.tolist() == lengths


@pytest.mark.parametrize(
    ("window_texts", "window_characters", "windows"),
    [(100, 1000, 1), (2, 1000, 3), (100, 6, 2), (100, 1, 5)],
)
def test_windows_bound_what_is_tokenised_at_once(
    golden, monkeypatch, window_texts, window_characters, windows
):
    tokenizer = load(golden / "bert")
    limits = BatchLimits(16, window_texts=window_texts, window_characters=window_characters)
    calls = []
    prepare = tokenizer.prepare

    def recording(texts, *, max_tokens=None):
        calls.append(list(texts))
        return prepare(texts, max_tokens=max_tokens)

    monkeypatch.setattr(tokenizer, "prepare", recording)
    texts = ["ab", "c", "def", "gh", "snow"]
    found = list(batches(texts, tokenizer, limits))
    assert len(calls) == windows
    assert [text for call in calls for text in call] == texts
    for batch in found:
        starts, ends = batch.tokens.borders[:-1], batch.tokens.borders[1:]
        for position, start, end in zip(batch.positions, starts, ends, strict=True):
            expected = prepare([texts[position]]).ids[0]
            assert batch.tokens.ids[start:end].tolist() == expected.tolist()
