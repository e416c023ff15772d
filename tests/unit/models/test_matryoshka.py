"""Shorter vectors from the same model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from nearfield.errors import InputError
from nearfield.models.matryoshka import truncate
from nearfield.protocols import Encoder, Observer, TokenEncoder
from nearfield.types import BatchReport, FloatArray, ModelCard, Role, TokenVectors


class Toy:
    """Four components, made of the text's length; unit length when asked for."""

    tokenizer = None

    def __init__(self, *, normalised: bool = True) -> None:
        self.card = ModelCard("toy", 4, 8, "f" * 64, normalised=normalised)

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        rows = np.array([[3.0, 4.0, len(t), 12.0] for t in inputs], dtype=np.float32)
        rows = rows.reshape(-1, 4)
        if observe:
            observe(BatchReport(tuple(range(len(inputs))), 5))
        if self.card.normalised:
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


class TokenToy(Toy):
    def encode_tokens(
        self, inputs: Sequence[str], *, role: Role | str = Role.DOCUMENT
    ) -> list[TokenVectors]:
        spans = np.zeros((1, 2), dtype=np.int64)
        return [TokenVectors((t,), spans, np.ones((1, 4), dtype=np.float32)) for t in inputs]


def test_first_components_at_unit_length() -> None:
    vectors = truncate(Toy(), 2).encode(["a", "bb"])
    np.testing.assert_allclose(vectors, [[0.6, 0.8], [0.6, 0.8]], rtol=1e-6)
    assert vectors.dtype == np.float32
    assert vectors.flags.c_contiguous


def test_model_that_does_not_normalise_is_only_cut() -> None:
    cut = truncate(Toy(normalised=False), 3)
    assert cut.encode(["ab"]).tolist() == [[3.0, 4.0, 2.0]]
    assert cut.encode([]).shape == (0, 3)


def test_card_tells_and_the_space_is_another_one() -> None:
    cut = truncate(Toy(), 2)
    assert (cut.card.name, cut.card.dimension, cut.card.max_tokens) == ("toy@2", 2, 8)
    prints = {Toy().card.fingerprint, *(truncate(Toy(), d).card.fingerprint for d in (1, 2, 3))}
    assert len(prints) == 4


def test_nothing_to_cut_gives_the_encoder_itself() -> None:
    toy = Toy()
    assert truncate(toy, 4) is toy


def test_cut_twice_is_cut_once() -> None:
    once, twice = truncate(Toy(), 2), truncate(truncate(Toy(), 3), 2)
    assert twice.card == once.card
    assert twice.encode(["abc"]).tolist() == once.encode(["abc"]).tolist()
    assert truncate(truncate(Toy(), 3), 4).card.name == "toy"


@pytest.mark.parametrize("dimensions", [0, -1, 5])
def test_out_of_range_says_both_values(dimensions: int) -> None:
    with pytest.raises(InputError, match=rf"to {dimensions} dimensions: it has 4"):
        truncate(Toy(), dimensions)


@pytest.mark.parametrize("dimensions", [2.0, "2", True, None])
def test_not_a_whole_number(dimensions: object) -> None:
    with pytest.raises(InputError, match="whole number"):
        truncate(Toy(), dimensions)  # type: ignore[arg-type]


def test_roles_of_the_protocols() -> None:
    assert isinstance(truncate(Toy(), 2), Encoder)
    assert not isinstance(truncate(Toy(), 2), TokenEncoder)
    cut = truncate(TokenToy(), np.int64(2))
    assert isinstance(cut, TokenEncoder)
    assert cut.encode_tokens(["a"])[0].vectors.shape == (1, 4)


def test_observer_is_passed_on() -> None:
    seen: list[BatchReport] = []
    truncate(Toy(), 2).encode(["a", "b"], observe=seen.append)
    assert seen == [BatchReport((0, 1), 5)]
