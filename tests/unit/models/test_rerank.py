"""The reranker against the very same file run by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nearfield.errors import InputError, TruncationWarning, UnsupportedModel
from nearfield.models import rerank
from nearfield.models.rerank import CrossEncoder

QUERY = "How many people live in Berlin?"
PASSAGES = [
    "New York City is famous for the Metropolitan Museum of Art.",
    "Berlin has a population of 3,520,031 registered inhabitants in an area of 891.82 square "
    "kilometers.",
    "",
]


@pytest.fixture(scope="module")
def reranker(reranker_path: Path) -> CrossEncoder:
    return rerank.load(reranker_path)


def _by_hand(folder: Path, query: str, text: str) -> float:
    import onnxruntime
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(512, strategy="only_second")
    encoding = tokenizer.encode(query, text)
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    (logits,) = session.run(
        None,
        {
            "input_ids": np.array([encoding.ids]),
            "attention_mask": np.array([encoding.attention_mask]),
            "token_type_ids": np.array([encoding.type_ids]),
        },
    )
    return float(logits[0, 0])


def test_scores_equal_the_file_run_by_hand(reranker: CrossEncoder, reranker_path: Path) -> None:
    scores = reranker.score(QUERY, PASSAGES)
    expected = [_by_hand(reranker_path, QUERY, text) for text in PASSAGES]
    np.testing.assert_allclose(scores, expected, rtol=1e-6)
    assert scores.dtype == np.float32
    assert scores.argmax() == 1


def test_company_changes_no_bit(reranker: CrossEncoder) -> None:
    together = reranker.score(QUERY, PASSAGES * 5)
    assert together.reshape(5, 3).std(axis=0).max() == 0.0
    assert together[0] == reranker.score(QUERY, PASSAGES[:1])[0]


def test_a_long_passage_is_judged_by_its_beginning(
    reranker: CrossEncoder, reranker_path: Path
) -> None:
    long = PASSAGES[1] + " It lies on the river Spree." * 200
    with pytest.warns(TruncationWarning, match="1 of 2 passages were longer .* 512 tokens"):
        scores = reranker.score(QUERY, [PASSAGES[0], long])
    assert scores[1] == pytest.approx(_by_hand(reranker_path, QUERY, long), rel=1e-6)


def test_no_passages_and_blank_queries(reranker: CrossEncoder) -> None:
    assert reranker.score(QUERY, []).shape == (0,)
    with pytest.raises(InputError, match="blank"):
        reranker.score(" ", PASSAGES)
    with pytest.raises(InputError, match="max_tokens is 512"):
        reranker.score("word " * 600, PASSAGES)


def test_what_is_no_reranker_is_refused(bge_path: Path, minilm_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match="one number for each pair"):
        rerank.load(bge_path)
    with pytest.raises(UnsupportedModel, match="no ONNX file"):
        rerank.load(minilm_path)
