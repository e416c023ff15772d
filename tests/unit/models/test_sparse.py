"""SPLADE weights against those of the reference implementation, recorded from torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nearfield.errors import UnsupportedModel
from nearfield.models import sparse
from nearfield.models.sparse import SparseEncoder

# transformers' BertForMaskedLM, log1p(relu(max over tokens)), rounded to five digits.
REFERENCE = {
    "What is the capital of France?": {
        1998: 0.75717, 2003: 0.192, 2015: 0.47876, 2073: 0.74389, 2103: 1.28431, 2171: 0.76802,
        2413: 1.84153, 2605: 2.36015, 2710: 0.00908, 2924: 0.20358, 3000: 0.71976, 3007: 2.78945,
        4020: 0.81323, 4380: 0.9554, 18383: 0.10008,
    },
    "": {1998: 1.04711, 2003: 1.5253, 2112: 0.08469, 2929: 0.76445, 2965: 1.23231, 3033: 0.27915},
    "cold weather gear for winter hiking": {
        2305: 0.49811, 3147: 1.96509, 3467: 2.26249, 4536: 0.71361, 4633: 1.46402, 4658: 1.46394,
        6718: 1.87342, 10945: 1.86294, 13039: 1.64127,
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def encoder(splade_path: Path) -> SparseEncoder:
    return sparse.load(splade_path)


def test_weights_equal_the_reference(encoder: SparseEncoder) -> None:
    for vector, expected in zip(encoder.encode(list(REFERENCE)), REFERENCE.values(), strict=True):
        assert vector.terms.tolist() == list(expected)
        np.testing.assert_allclose(vector.weights, list(expected.values()), atol=1e-5)


def test_company_and_length_change_nothing(encoder: SparseEncoder) -> None:
    texts = [*REFERENCE, "word " * 700, "a b c " * 90, "short"] * 3
    together = encoder.encode(texts)
    for text, vector in zip(texts, together, strict=True):
        (alone,) = encoder.encode([text])
        common = np.intersect1d(alone.terms, vector.terms)
        assert len(common) >= max(len(alone.terms), len(vector.terms)) - 1
        assert alone.dot(alone) == pytest.approx(alone.dot(vector), rel=1e-4)


def test_terms_by_name(encoder: SparseEncoder) -> None:
    (vector,) = encoder.encode(["What is the capital of France?"])
    assert [name for name, _ in encoder.explain(vector, 3)] == ["capital", "france", "french"]


def test_nothing_in_nothing_out(encoder: SparseEncoder) -> None:
    assert encoder.encode([]) == []


def test_a_model_without_the_head_is_refused(minilm_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match="head of a masked-language model"):
        sparse.load(minilm_path)
