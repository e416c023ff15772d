"""The facade: adding, searching, filtering, deleting, and refusing another model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nearfield.collection import Collection, open_collection
from nearfield.collection.locate import collection_of, enclosing
from nearfield.errors import (
    DimensionMismatch,
    DuplicateId,
    FilterSyntaxError,
    FingerprintMismatch,
    InputError,
    StoreNotFound,
    VectorRejected,
)
from nearfield.models.resolve import load
from nearfield.protocols import Encoder


@pytest.fixture
def shop(tmp_path: Path, encoder: Encoder) -> Collection:
    with open_collection(tmp_path / "shop.nf", encoder=encoder) as collection:
        collection.add(
            ["parka for snow", "pan for steak", "umbrella for the beach"],
            ids=["p1", "p2", "p3"],
            metadata=[{"price": 249.0}, {"price": 42.0}, {"price": 45.0}],
        )
        yield collection


def test_search_by_words_by_vector_and_by_filter(shop: Collection, encoder: Encoder) -> None:
    assert [hit.chunk.id for hit in shop.search("winter frost", k=1)] == ["p1"]
    vector = encoder.encode(["kitchen knife"], role="query")[0]
    assert shop.search(vector=vector, k=1)[0].chunk.id == "p2"
    cheap = shop.search("winter frost", where="price < 100")
    assert {hit.chunk.id for hit in cheap} == {"p2", "p3"}
    assert shop.count(where="price < 100") == 2


def test_scores_are_the_cosines_of_the_model(shop: Collection, encoder: Encoder) -> None:
    query = encoder.encode(["frost"], role="query")[0]
    stored = shop.store.vectors(["p1"])[0]
    expected = query @ stored / np.linalg.norm(query) / np.linalg.norm(stored)
    assert shop.search("frost", k=1)[0].score == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("query", ["", "  \n"])
def test_a_blank_query_is_refused(shop: Collection, query: str) -> None:
    with pytest.raises(InputError, match="blank"):
        shop.search(query)


def test_bad_arguments_are_named(shop: Collection) -> None:
    with pytest.raises(InputError, match="either a query or a vector"):
        shop.search()
    with pytest.raises(FilterSyntaxError):
        shop.search("snow", where="price <")
    with pytest.raises(InputError, match="one string"):
        shop.add("snow")
    with pytest.raises(InputError, match="1 ids for 2 texts"):
        shop.add(["snow", "ice"], ids=["a"])
    with pytest.raises(InputError, match="positions \\[1\\] are blank"):
        shop.add(["snow", " "])
    assert shop.count() == 3


def test_adding_is_all_or_nothing(shop: Collection) -> None:
    with pytest.raises(DuplicateId):
        shop.add(["ice", "sand"], ids=["new", "p1"])
    with pytest.raises(DimensionMismatch):
        shop.add(["ice"], vectors=np.ones((1, 5)))
    with pytest.raises(VectorRejected):
        shop.add(["ice"], vectors=np.full((1, 16), np.nan))
    assert shop.count() == 3


def test_the_same_text_twice_is_one_passage(shop: Collection) -> None:
    first, second = shop.add(["ice", "ice"])
    assert first == second
    assert shop.count() == 4


def test_upsert_and_delete(shop: Collection) -> None:
    shop.upsert(["gloves for frost"], ids=["p2"], metadata=[{"price": 20.0}])
    assert shop.get(["p2"])[0].text == "gloves for frost"
    assert shop.delete(["p1", "unknown"]) == 1
    assert shop.delete(where="price > 40") == 1
    assert [chunk.id for chunk, _ in shop.store.scan()] == ["p2"]


def test_another_model_is_refused_with_both_fingerprints(
    shop: Collection, tmp_path: Path, words_file: Path
) -> None:
    other = tmp_path / "other.txt"
    other.write_text(words_file.read_text().replace("parka", "anorak"), encoding="utf-8")
    stranger = load(other)
    with pytest.raises(FingerprintMismatch) as refused:
        open_collection(shop.path, encoder=stranger)
    assert shop.fingerprint[:12] in str(refused.value)
    assert stranger.card.fingerprint[:12] in str(refused.value)


def test_other_dimensions_are_refused(shop: Collection) -> None:
    assert open_collection(shop.path, dimensions=16).count() == 3
    with pytest.raises(DimensionMismatch, match="16 components, not 8"):
        open_collection(shop.path, dimensions=8)


def test_a_truncated_model_makes_a_collection_of_its_own(tmp_path: Path, encoder: Encoder) -> None:
    with open_collection(tmp_path / "a.nf", encoder=encoder, dimensions=8) as small:
        small.add(["snow"])
        assert small.store.dimension == 8
        assert small.search("ice")[0].chunk.text == "snow"


def test_a_missing_collection_is_not_made_by_reading(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFound):
        open_collection(tmp_path / "none.nf", create=False)
    assert not (tmp_path / "none.nf").exists()


def test_a_collection_knows_its_model_by_name(tmp_path: Path, words_file: Path) -> None:
    with open_collection(tmp_path / "a.nf", encoder=str(words_file)) as made:
        made.add(["snow"])
    with open_collection(tmp_path / "a.nf") as opened:
        assert opened.search("ice")[0].chunk.text == "snow"


def test_a_reader_sees_what_a_writer_committed(shop: Collection, encoder: Encoder) -> None:
    with open_collection(shop.path, encoder=encoder) as reader:
        assert reader.search("surf", k=1)[0].chunk.id == "p3"
        shop.add(["surf and swim"], ids=["p4"])
        assert reader.search("surf", k=1)[0].chunk.id == "p4"
        shop.delete(["p4"])
        assert reader.search("surf", k=1)[0].chunk.id == "p3"


def test_folders_find_their_collection(tmp_path: Path, encoder: Encoder, folder: Path) -> None:
    assert enclosing(folder) is None
    inner = folder / "inner"
    inner.mkdir()
    with open_collection(collection_of(folder), encoder=encoder) as made:
        assert enclosing(inner) == made.path
        assert enclosing(made.path) == made.path
    assert not collection_of(folder).is_relative_to(folder)


def test_a_collection_looks_after_its_files(shop: Collection, tmp_path: Path) -> None:
    assert shop.verify().whole
    shop.snapshot(tmp_path / "copy.nf")
    assert shop.export(tmp_path / "out.jsonl") == 3
    shop.delete(["p1"])
    shop.compact()
    assert (shop.repair().kept, shop.count()) == (2, 2)
    with (
        Collection(tmp_path / "copy.nf") as copy,
        Collection.import_(tmp_path / "out.jsonl", tmp_path / "back.nf") as back,
    ):
        assert [chunk.id for chunk, _ in copy.store.scan()] == ["p1", "p2", "p3"]
        assert [chunk for chunk, _ in back.store.scan()] == copy.get(["p1", "p2", "p3"])
        assert back.fingerprint == shop.fingerprint
