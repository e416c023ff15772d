"""Fingerprints and cards."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.errors import FingerprintMismatch
from nearfield.models.card import describe, fingerprint, require_same, summary
from nearfield.types import ModelCard, Role

VALUES = (
    st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
)
CARD = ModelCard("toy", 2, None, "ab" * 32, normalised=True, prompts={Role.QUERY: "q: "})


def test_fingerprint_is_the_hash_of_canonical_json() -> None:
    text = b'{"a":1,"b":"\\u00e9"}'
    assert fingerprint({"b": "é", "a": 1}) == hashlib.sha256(text).hexdigest()


@settings(max_examples=50)
@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_order_of_parts_does_not_matter(parts: dict[str, str | int | float | bool]) -> None:
    assert fingerprint(dict(reversed(parts.items()))) == fingerprint(parts)


def test_kinds_of_values_differ() -> None:
    assert len({fingerprint({"a": v}) for v in (1, 1.0, True, "1", "True")}) == 5


def test_lone_surrogate_in_a_prompt_has_a_fingerprint() -> None:
    assert len(fingerprint({"prompt": "\ud800"})) == 64


def test_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        fingerprint({"scale": float("nan")})


def test_require_same() -> None:
    require_same("a", "a", what="x")
    with pytest.raises(FingerprintMismatch) as caught:
        require_same("aaa", "bbb", what="the collection notes.nf")
    for part in ("the collection notes.nf", "aaa", "bbb", "index again"):
        assert part in str(caught.value)


def test_describe_is_json_and_complete() -> None:
    described = describe(CARD)
    assert json.loads(json.dumps(described)) == described
    assert set(described) == set(ModelCard.__dataclass_fields__)
    assert described["prompts"] == {"query": "q: "}


def test_summary_of_an_unlimited_model() -> None:
    assert summary(CARD) == "toy: 2 dimensions, any length, fingerprint abababababab"
