"""When ``auto`` becomes ``fast``: the measurement, its memory, and what follows from it."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nearfield.errors import InputError, ModelError, UnsupportedOperation
from nearfield.models.precision import Precision
from nearfield.models.transformer import calibration, decision, load
from nearfield.models.transformer.choice import choose, fast_is_possible
from nearfield.models.transformer.config import read_shape
from nearfield.protocols import Observer
from nearfield.types import FloatArray, ModelCard, Role

GOLDEN = Path(__file__).parent / "golden"
QUESTIONS = [question for question, _ in calibration.texts()]


class Table:
    """An encoder with a vector for each text: random, then turned by `angle` or replaced."""

    card = ModelCard("table", 64, None, "f" * 64, True, identity="1" * 64)

    def __init__(self, noise: float = 0.0, *, swap: bool = False, broken: bool = False) -> None:
        self.noise, self.swap, self.broken = noise, swap, broken

    @property
    def tokenizer(self):
        raise NotImplementedError

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        if self.broken:
            raise ModelError("gave NaN")
        rows = np.stack([self._row(text) for text in inputs])
        if self.swap and role == Role.QUERY:
            rows = rows[::-1]
        return rows

    def _row(self, text: str) -> FloatArray:
        pairs = dict(calibration.texts())
        seed = len(pairs.get(text, text)) * 1000 + sum(pairs.get(text, text).encode())
        random = np.random.default_rng(seed)
        row = random.standard_normal(64)
        row += self.noise * np.random.default_rng(len(text)).standard_normal(64)
        return row.astype(np.float32)


def test_the_texts_are_short_varied_and_different():
    pairs = calibration.texts()
    assert len(pairs) == 73
    assert all(question and passage for question, passage in pairs)
    assert len(set(QUESTIONS)) == len(QUESTIONS)
    lengths = [len(text) for pair in pairs for text in pair]
    assert min(lengths) == 1
    assert max(lengths) < 700
    assert sum(not text.isascii() for pair in pairs for text in pair) > 20
    packaged = Path(calibration.__file__).with_suffix(".txt")
    assert packaged.stat().st_size < 40_000


def test_equal_vectors_pass():
    found = calibration.calibrate(Table(), Table(), kernel="k")
    assert (found.mean, found.worst) == pytest.approx((1.0, 1.0))
    assert (found.first, found.overlap) == (1.0, 1.0)
    assert found.passed
    assert (found.identity, found.kernel) == ("1" * 64, "k")
    assert "passed" in str(found)


def test_a_cosine_below_the_bound_fails():
    near = calibration.calibrate(Table(), Table(0.01), kernel="k")
    far = calibration.calibrate(Table(), Table(0.1), kernel="k")
    # The cosine of a unit vector with itself plus noise of relative size s is 1 - s²/2.
    assert near.mean == pytest.approx(1 - 0.01**2 / 2, abs=2e-5)
    assert near.passed
    assert far.mean == pytest.approx(1 - 0.1**2 / 2, abs=2e-3)
    assert not far.passed


def test_another_first_hit_fails():
    found = calibration.calibrate(Table(), Table(swap=True), kernel="k")
    assert found.first < 0.1
    assert not found.passed


def test_retrieval_by_hand():
    true = np.array([[0.9, 0.5, 0.4], [0.2, 0.8, 0.7995]])
    # The second question's first two are within a tie, the first question's are not.
    near = np.array([[0.5, 0.9, 0.4], [0.2, 0.7, 0.8]])
    assert calibration._retrieval(true, true) == (1.0, 1.0)
    assert calibration._retrieval(true, near) == (0.5, 1.0)


def test_vectors_that_are_not_finite_fail():
    found = calibration.calibrate(Table(), Table(broken=True), kernel="k")
    assert (found.mean, found.first, found.passed) == (0.0, 0.0, False)


def test_a_result_is_remembered_for_its_model_and_kernel(private_home):
    found = calibration.calibrate(Table(), Table(), kernel="k")
    calibration.remember(found)
    assert calibration.recall("1" * 64, "k") == found
    assert calibration.recall("1" * 64, "other") is None
    assert calibration.recall("2" * 64, "k") is None
    (file,) = (private_home / "cache" / "calibrations").iterdir()
    assert json.loads(file.read_text())["mean"] == pytest.approx(1.0)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff", b'{"mean": 1}', b"null"], ids=repr)
def test_a_damaged_memory_is_measured_again(damage, private_home):
    found = calibration.calibrate(Table(), Table(), kernel="k")
    calibration.remember(found)
    (file,) = (private_home / "cache" / "calibrations").iterdir()
    file.write_bytes(damage)
    assert calibration.recall("1" * 64, "k") is None
    calibration.remember(found)
    assert calibration.recall("1" * 64, "k") == found


def test_a_memory_of_wrong_types_is_not_believed(private_home):
    found = calibration.calibrate(Table(), Table(), kernel="k")
    calibration.remember(replace(found, mean="1.0"))
    assert calibration.recall("1" * 64, "k") is None


def test_a_cache_that_cannot_be_written_costs_only_time(private_home):
    (private_home / "cache").write_text("a file where the folder should be")
    calibration.remember(calibration.calibrate(Table(), Table(), kernel="k"))
    assert calibration.recall("1" * 64, "k") is None
    assert load(GOLDEN / "bert", name="x", precision="auto").encode(["snow"]).shape == (1, 16)


def test_many_at_once_leave_one_sound_file(private_home):
    found = calibration.calibrate(Table(), Table(), kernel="k")
    threads = [threading.Thread(target=calibration.remember, args=[found]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calibration.recall("1" * 64, "k") == found
    assert len(list((private_home / "cache" / "calibrations").iterdir())) == 1


def test_an_interrupt_while_measuring_leaves_nothing(private_home, monkeypatch):
    if not fast_is_possible():
        pytest.skip("nothing here computes the class fast")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(calibration, "_encode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load(GOLDEN / "bert", name="x", precision="auto")
    assert not (private_home / "cache" / "calibrations").exists()
    monkeypatch.undo()
    monkeypatch.setenv("NEARFIELD_HOME", str(private_home))
    assert load(GOLDEN / "bert", name="x", precision="auto").calibration is not None


@pytest.mark.parametrize("passed", [True, False])
def test_auto_follows_the_calibration_and_measures_once(passed, monkeypatch):
    if not fast_is_possible():
        pytest.skip("nothing here computes the class fast")
    measured = []
    real = calibration.calibrate

    def measure(exact, fast, *, kernel):
        measured.append(kernel)
        found = real(exact, exact, kernel=kernel)
        return found if passed else replace(found, mean=0.9997)

    monkeypatch.setattr(decision.calibration, "calibrate", measure)
    first, second = (load(GOLDEN / "bert", name="x", precision="auto") for _ in range(2))
    expected = "fast" if passed else "exact"
    assert (first.card.precision, second.card.precision) == (expected, expected)
    assert len(measured) == 1
    assert "library" in measured[0] or "nearfield" in measured[0]
    assert first.calibration == second.calibration
    by_name = load(GOLDEN / "bert", name="x", precision=expected)
    assert by_name.card.fingerprint == first.card.fingerprint
    assert by_name.calibration is None


def test_the_environment_says_what_auto_means(bge_path, monkeypatch):
    monkeypatch.setenv("NEARFIELD_PRECISION", "exact")
    encoder = load(GOLDEN / "bert", name="x", precision="auto")
    assert (encoder.card.precision, encoder.calibration) == ("exact", None)
    # A file has the class that it has.
    assert load(bge_path, name="bge", precision="auto").card.precision == "small"
    monkeypatch.setenv("NEARFIELD_PRECISION", "slow")
    with pytest.raises(InputError, match=r"NEARFIELD_PRECISION: .*'slow'"):
        load(GOLDEN / "bert", name="x", precision="auto")


def test_an_explicit_class_that_a_file_lacks_is_an_error(bge_path):
    with pytest.raises(UnsupportedOperation, match=r"precision 'small' .* as 'exact'"):
        load(bge_path, name="bge", precision="exact")


def test_classes_share_an_identity_and_nothing_else():
    try:
        choose(read_shape(GOLDEN / "bert" / "config.json"), Precision.FAST)
    except UnsupportedOperation as error:
        pytest.skip(str(error))
    exact = load(GOLDEN / "bert", name="x", precision="exact").card
    fast = load(GOLDEN / "bert", name="x", precision="fast").card
    other = load(GOLDEN / "roberta", name="x", precision="exact").card
    assert exact.identity == fast.identity != other.identity
    assert len({exact.fingerprint, fast.fingerprint, exact.identity}) == 3


def test_a_trained_model_passes(minilm_path):
    if not fast_is_possible():
        pytest.skip("nothing here computes the class fast")
    encoder = load(minilm_path, name="minilm", precision="auto")
    found = encoder.calibration
    assert encoder.card.precision == "fast"
    assert found.mean > 0.9999
    assert found.worst > 0.9995
    assert (found.first, found.passed) == (1.0, True)
    assert {found.exact, found.fast} > {encoder.card.fingerprint}
