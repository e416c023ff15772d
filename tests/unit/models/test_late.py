"""Late interaction by hand and with real token vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nearfield.errors import InputError, UnsupportedOperation
from nearfield.models import resolve
from nearfield.models.late import LateInteraction, max_similarity
from nearfield.types import Role


def test_max_similarity_by_hand() -> None:
    query = np.array([[1, 0, 0], [0, 3, 0]], dtype=np.float32)
    passage = np.array([[0, 0, 9], [3, 4, 0]], dtype=np.float32)
    # First token: 0.6 to the second one; second token: 0.8.
    assert max_similarity(query, passage) == pytest.approx(0.7)
    assert max_similarity(query, passage[:0]) == 0.0


@pytest.mark.parametrize("fixture", ["minilm_path", "colbert_path"])
def test_scores_are_those_of_the_token_vectors(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    encoder = resolve.load(request.getfixturevalue(fixture))
    late = LateInteraction(encoder)
    texts = ["Paris is the capital of France.", "Dogs bark at night.", ""]
    scores = late.score("Which city is the capital of France?", texts)
    query = encoder.encode_tokens(["Which city is the capital of France?"], role=Role.QUERY)[0]
    for text, score in zip(texts, scores.tolist(), strict=True):
        vectors = encoder.encode_tokens([text], role=Role.DOCUMENT)[0].vectors
        assert score == pytest.approx(max_similarity(query.vectors, vectors), abs=1e-5)
    assert scores.argmax() == 0
    assert scores[2] == 0.0


def test_a_model_without_token_vectors_in_context_is_refused(tmp_path: Path) -> None:
    class Pooled:
        card = type("Card", (), {"name": "pooled"})

    with pytest.raises(UnsupportedOperation, match="pooled gives one vector a text"):
        LateInteraction(Pooled())  # type: ignore[arg-type]


def test_a_blank_query_is_refused(minilm_path: Path) -> None:
    with pytest.raises(InputError, match="blank"):
        LateInteraction(resolve.load(minilm_path)).score("  ", ["text"])
