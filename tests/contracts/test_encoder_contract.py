"""What every encoder promises, asserted on values."""

from __future__ import annotations

import importlib.util
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from nearfield.errors import InputError, TruncationWarning
from nearfield.models.precision import COMPANY_BOUNDS, Precision
from nearfield.protocols import Encoder, TokenEncoder, Tokenizer
from nearfield.types import BatchReport, FloatArray, Role


def _sibling(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


encoders = _sibling("encoders")
TEXTS = [
    "A warm parka!",
    "the bank of the river",
    "",
    "the bank gave the loan",
    "cold " * 60,
    "gloves",
    "a warm parka!",
    "the glove, the parka, a river",
    "zzqx 北京",
]


@pytest.fixture(scope="module", params=[*encoders.MADE, *encoders.INSTALLED])
def reload(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Encoder]:
    """Load the same model once more."""
    if request.param in encoders.MADE:
        folder = tmp_path_factory.mktemp("model")
        return lambda: encoders.MADE[request.param](folder)
    fixture, load = encoders.INSTALLED[request.param]
    path = request.getfixturevalue(fixture)
    return lambda: load(path)


@pytest.fixture(scope="module")
def encoder(reload: Callable[[], Encoder]) -> Encoder:
    return reload()


def _encode(encoder: Encoder, texts: list[str], role: Role = Role.DOCUMENT) -> FloatArray:
    return encoder.encode(texts, role=role, observe=lambda report: None)


def _cosine_distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """Of each pair of rows; two zero rows are at distance 0."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    zero = ~a.any(axis=1) & ~b.any(axis=1)
    cosines = np.einsum("ij,ij->i", a, b, dtype=np.float64) / np.where(lengths, lengths, 1.0)
    return np.where(zero, 0.0, 1.0 - cosines)


def _bound(encoder: Encoder) -> float:
    """How far company may move a vector in the encoder's class."""
    return COMPANY_BOUNDS[Precision(encoder.card.precision)]


def test_it_plays_the_role(encoder: Encoder) -> None:
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder.tokenizer, Tokenizer)


@pytest.mark.parametrize("texts", [[], [""], ["", ""], TEXTS])
def test_shape_and_type(encoder: Encoder, texts: list[str]) -> None:
    vectors = _encode(encoder, texts)
    assert vectors.shape == (len(texts), encoder.card.dimension)
    assert vectors.dtype == np.float32
    assert vectors.flags.c_contiguous
    assert np.isfinite(vectors).all()


def test_the_result_is_the_callers_own(encoder: Encoder) -> None:
    before = _encode(encoder, TEXTS[:2])
    expected = before.copy()
    before[:] = 7.0
    assert _encode(encoder, TEXTS[:2]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("role", list(Role))
def test_company_order_and_batch_never_matter(encoder: Encoder, role: Role) -> None:
    together = _encode(encoder, TEXTS, role)
    alone = np.concatenate([_encode(encoder, [text], role) for text in TEXTS])
    order = np.random.default_rng(3).permutation(len(TEXTS))
    shuffled = _encode(encoder, [TEXTS[i] for i in order], role)
    many = _encode(encoder, TEXTS * 20, role)[-len(TEXTS) :]
    assert _cosine_distances(together, alone).max() <= _bound(encoder)
    assert _cosine_distances(together[order], shuffled).max() <= _bound(encoder)
    assert _cosine_distances(together, many).max() <= _bound(encoder)


def test_different_texts_differ(encoder: Encoder) -> None:
    # Together with the test above: row i belongs to input i.
    river, loan = _encode(encoder, [TEXTS[1], TEXTS[3]])
    assert _cosine_distances(river[None], loan[None])[0] > 1e-4


def test_roles_apply_the_cards_prompts(encoder: Encoder) -> None:
    prompts = encoder.card.prompts
    for role in Role:
        by_hand = [prompts.get(role, "") + TEXTS[1]]
        unprompted = next((r for r in Role if not prompts.get(r)), None)
        if unprompted is not None:
            expected = _encode(encoder, by_hand, unprompted)
            assert _cosine_distances(_encode(encoder, TEXTS[1:2], role), expected).max() <= _bound(
                encoder
            )


def test_roles_are_also_taken_by_name(encoder: Encoder) -> None:
    for role in Role:
        named = encoder.encode(TEXTS[:2], role=role.value)
        assert named == pytest.approx(_encode(encoder, TEXTS[:2], role), abs=1e-5)


@pytest.mark.parametrize("inputs", ["one text", b"bytes", [None], ["fine", 3], [["nested"]]])
def test_what_is_not_texts_is_refused(encoder: Encoder, inputs: list[str]) -> None:
    with pytest.raises(InputError):
        encoder.encode(inputs)


@pytest.mark.parametrize("texts", [[], ["a text"]])
def test_an_unknown_role_is_refused(encoder: Encoder, texts: list[str]) -> None:
    with pytest.raises(InputError, match="'passage', expected one of query, document"):
        encoder.encode(texts, role="passage")


def test_tuples_and_arrays_of_texts_are_taken(encoder: Encoder) -> None:
    expected = _encode(encoder, ["warm", "cold"])
    for inputs in (("warm", "cold"), np.array(["warm", "cold"])):
        assert encoder.encode(inputs) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("texts", [[], TEXTS, TEXTS * 150])
def test_reports_partition_the_inputs(encoder: Encoder, texts: list[str]) -> None:
    if (
        len(texts) > 1000
        and encoder.card.parameters > 10_000_000
        and encoder.card.runtime != "numpy"
    ):
        texts = texts[:100]
    reports: list[BatchReport] = []
    encoder.encode(texts, observe=reports.append)
    seen = [position for report in reports for position in report.indices]
    assert sorted(seen) == list(range(len(texts)))
    for report in reports:
        assert set(report.truncated) | set(report.empty) <= set(report.indices)
    empty = {position for report in reports for position in report.empty}
    assert {position for position, text in enumerate(texts) if not text} <= empty
    assert not empty & {position for position, text in enumerate(texts) if "bank" in text}
    if texts:
        assert sum(report.tokens for report in reports) > 0


def test_truncation_is_reported_or_warned(encoder: Encoder) -> None:
    long, limit = "warm parka " * 1000, encoder.card.max_tokens
    reports: list[BatchReport] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        observed = encoder.encode(["cold", long, "the"], observe=reports.append)
    truncated = [position for report in reports for position in report.truncated]
    if limit is None:
        assert truncated == []
        assert encoder.encode([long]) == pytest.approx(observed[1:2], abs=1e-5)
        return
    assert truncated == [1]
    with pytest.warns(TruncationWarning, match="1 of 3") as caught:
        encoder.encode(["cold", long, "the"])
    assert len(caught) == 1
    if "@" not in encoder.card.name:  # wrappers stand between the model and its caller
        assert Path(caught[0].filename) == Path(__file__)
    # Nothing after the limit has any part in the vector.
    longer = _encode(encoder, [long + "bank river loan"])
    assert _cosine_distances(observed[1:2], longer).max() <= _bound(encoder)


def test_the_card_tells_the_truth(encoder: Encoder) -> None:
    card = encoder.card
    vectors = _encode(encoder, TEXTS)
    lengths = np.linalg.norm(vectors[vectors.any(axis=1)], axis=1)
    assert vectors.shape[1] == card.dimension
    assert bool(np.allclose(lengths, 1.0, atol=1e-5)) == card.normalised
    assert re.fullmatch("[0-9a-f]{64}", card.fingerprint)
    assert re.fullmatch("[0-9a-f]{64}", encoder.tokenizer.fingerprint)
    if card.precision != Precision.HOSTED:  # a provider's files are out of sight
        assert card.parameters > 0
        assert card.size_bytes > 0
    assert card.runtime
    assert card.name


def test_loading_again_gives_the_same_space(
    encoder: Encoder, reload: Callable[[], Encoder]
) -> None:
    again = reload()
    assert again.card == encoder.card
    assert again.tokenizer.fingerprint == encoder.tokenizer.fingerprint
    assert np.array_equal(_encode(again, TEXTS[:4]), _encode(encoder, TEXTS[:4]))


@pytest.mark.parametrize(
    "text",
    [
        "warm \ud800 parka",
        "\udfff",
        "warm\0parka",
        "\0",
        " \t\n ",
        "\U0010ffff",
        "e\u0301" * 50,
        "👩‍👩‍👧‍👦 parka",
        "parka" * 200_000,
        "warm parka " * 91_000,
    ],
    ids=lambda text: f"{text[:12]!a} x {len(text)}",
)
def test_no_text_is_too_strange(encoder: Encoder, text: str) -> None:
    vectors = _encode(encoder, ["the bank", text])
    assert np.isfinite(vectors).all()
    plain = _encode(encoder, ["the bank"])
    assert _cosine_distances(vectors[:1], plain).max() <= _bound(encoder)


def test_token_vectors(encoder: Encoder) -> None:
    if not isinstance(encoder, TokenEncoder):
        pytest.skip(f"{encoder.card.name} does not promise token vectors")
    texts = ["the bank of the river", "", "a warm parka"]
    shown = encoder.encode_tokens(texts)
    assert len(shown) == len(texts)
    for text, one in zip(texts, shown, strict=True):
        assert one.vectors.shape[0] == len(one.tokens) == len(one.spans)
        assert one.spans.shape == (len(one.tokens), 2)
        assert one.vectors.dtype == np.float32
        assert ((one.spans >= 0) & (one.spans <= len(text))).all()
    assert shown[1].tokens == ()
    assert shown[0].vectors.shape[1] == shown[1].vectors.shape[1]
    covered = {position for a, b in shown[0].spans for position in range(a, b)}
    assert covered >= {4, 5, 6, 7}, "the tokens of 'bank' are missing"
    with pytest.raises(InputError):
        encoder.encode_tokens("one text")
    with pytest.raises(InputError):
        encoder.encode_tokens(texts, role="passage")
