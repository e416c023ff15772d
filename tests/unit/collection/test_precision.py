"""Precision classes in a collection: searched together, never stored together."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

from nearfield.cli.app import app
from nearfield.collection import open_collection
from nearfield.errors import (
    FingerprintMismatch,
    InputError,
    NearfieldWarning,
    UnsupportedOperation,
)
from nearfield.models.resolve import load
from nearfield.models.transformer.choice import fast_is_possible

GOLDEN = Path(__file__).parents[1] / "models" / "transformer" / "golden"
MODEL = str(GOLDEN / "bert")
OTHER = str(GOLDEN / "roberta")

needs_fast = pytest.mark.skipif(
    not fast_is_possible(), reason="nothing here computes the class fast"
)


@pytest.fixture
def made_fast(tmp_path: Path) -> Path:
    place = tmp_path / "fast.nf"
    with open_collection(place, encoder=MODEL, precision="fast") as collection:
        collection.add(["snow", "ice and frost"], ids=["1", "2"])
    return place


def only_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this a machine that computes fp32 alone."""
    monkeypatch.setenv("NEARFIELD_RUNTIME", "onnxruntime")


@needs_fast
def test_the_class_is_kept_with_the_collection(made_fast: Path) -> None:
    with open_collection(made_fast) as collection:
        assert collection.precision == "fast"
        assert collection.encoder.card.precision == "fast"
        assert collection.search("snow", k=1)[0].chunk.id == "1"
        collection.add(["hats"], ids=["3"])
        properties = collection.store.properties
        assert properties["precision"] == "fast"
        assert properties["identity"] == load(MODEL, precision="exact").card.identity


@needs_fast
def test_opening_measures_nothing(made_fast: Path, private_home: Path) -> None:
    with open_collection(made_fast) as collection:
        collection.search("snow")
    assert not (private_home / "cache" / "calibrations").exists()


@needs_fast
def test_where_fast_is_impossible_it_is_searched_exactly_and_told_once(
    made_fast: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_exact(monkeypatch)
    with open_collection(made_fast) as collection:
        with pytest.warns(NearfieldWarning, match=r"'fast' and is searched .* 'exact'") as told:
            hits = collection.search("snow", k=1)
            collection.search("ice", k=1)
        assert len(told) == 1
        assert hits[0].chunk.id == "1"
        assert hits[0].score == pytest.approx(1.0, abs=0.01)


@needs_fast
def test_another_class_is_not_stored(made_fast: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_exact(monkeypatch)
    with warnings.catch_warnings(), open_collection(made_fast) as collection:
        warnings.simplefilter("ignore")
        for write in (
            lambda: collection.add(["hats"]),
            lambda: collection.upsert(["hats"], ids=["1"]),
            lambda: collection.index(GOLDEN),
        ):
            with pytest.raises(
                FingerprintMismatch, match=r"'fast' .* computes 'exact' .* new coll"
            ):
                write()
        assert collection.count() == 2
        assert collection.delete(["1"]) == 1


@needs_fast
def test_the_other_class_may_be_asked_for(made_fast: Path) -> None:
    with open_collection(made_fast, precision="exact") as collection:
        with pytest.warns(NearfieldWarning):
            assert collection.search("snow", k=1)[0].chunk.id == "1"
        with pytest.raises(FingerprintMismatch):
            collection.add(["hats"])
    with pytest.warns(NearfieldWarning):
        named = open_collection(made_fast, encoder=MODEL, precision="exact")
    with named:
        assert named.search("snow", k=1)[0].chunk.id == "1"
    with open_collection(made_fast, encoder=MODEL) as same:
        same.add(["hats"])


@needs_fast
def test_cut_vectors_keep_the_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "cut.nf"
    with open_collection(place, encoder=MODEL, dimensions=8, precision="fast") as collection:
        collection.add(["snow"], ids=["1"])
    only_exact(monkeypatch)
    with open_collection(place) as collection, pytest.warns(NearfieldWarning):
        assert collection.search("snow")[0].chunk.id == "1"
    whole = load(MODEL, precision="exact")
    with pytest.raises(FingerprintMismatch):
        open_collection(place, encoder=whole)


@needs_fast
@pytest.mark.parametrize("precision", ["auto", "exact", "fast"])
def test_other_models_are_refused_in_every_class(made_fast: Path, precision: str) -> None:
    with pytest.raises(FingerprintMismatch):
        open_collection(made_fast, encoder=OTHER, precision=precision)


def test_exact_collections_stay_exact(tmp_path: Path) -> None:
    place = tmp_path / "exact.nf"
    with open_collection(place, encoder=MODEL, precision="exact") as collection:
        collection.add(["snow"])
    with open_collection(place) as collection:
        assert collection.encoder.card.precision == "exact"
        collection.add(["ice"])


def test_one_class_models_say_so(words_file: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedOperation, match="one precision class 'exact'"):
        open_collection(tmp_path / "a.nf", encoder=str(words_file), precision="fast")
    assert not (tmp_path / "a.nf").exists()
    with open_collection(tmp_path / "a.nf", encoder=str(words_file)) as collection:
        assert collection.precision == "exact"


def test_a_given_encoder_has_its_class(tmp_path: Path) -> None:
    encoder = load(MODEL, precision="exact")
    with pytest.raises(UnsupportedOperation, match=r"precision 'exact', and 'fast'"):
        open_collection(tmp_path / "a.nf", encoder=encoder, precision="fast")
    with pytest.raises(InputError, match="precision is 'swift'"):
        open_collection(tmp_path / "a.nf", encoder=MODEL, precision="swift")


@needs_fast
def test_the_command_line_names_both_classes(
    made_fast: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    only_exact(monkeypatch)
    with pytest.warns(NearfieldWarning):
        app.main(["search", str(made_fast), "snow", "--json"], standalone_mode=False)
    shown = json.loads(capsys.readouterr().out)
    assert (shown["precision"], shown["query_precision"]) == ("fast", "exact")
    assert shown["hits"][0]["id"] == "1"
    monkeypatch.setattr("nearfield.models.transformer.choice.fast_is_possible", lambda: False)
    app.main(["stats", str(made_fast), "--json"], standalone_mode=False)
    facts = json.loads(capsys.readouterr().out)
    assert (facts["precision"], facts["searched_in"]) == ("fast", "exact")
