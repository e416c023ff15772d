from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.collection.options import Chunking
from nearfield.errors import FormatVersionError, InputError
from nearfield.metric import Metric
from nearfield.search.options import Fusion, Mode
from nearfield.selection import toml
from nearfield.selection.pipeline import ModelChoice, Pipeline, SearchChoice, Storage
from nearfield.stores.local import SearchPath

_NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
_SHARES = st.floats(0, 1, allow_nan=False)
_PIPELINES = st.builds(
    Pipeline,
    model=st.builds(
        ModelChoice,
        _NAMES,
        st.none() | st.integers(1, 4096),
        st.sampled_from(["auto", "exact", "fast"]),
        st.none() | _NAMES | st.just(""),
        st.none() | _NAMES | st.just(""),
        st.just("") | st.text("0123456789abcdef", min_size=64, max_size=64),
    ),
    chunking=st.builds(Chunking, _NAMES, st.integers(1, 10**6), st.integers(0, 10**6)),
    storage=st.builds(
        Storage,
        st.sampled_from(Metric),
        st.sampled_from(SearchPath),
        st.floats(0.01, 1, allow_nan=False),
        st.integers(2, 128),
        st.integers(1, 1000),
    ),
    search=st.builds(
        SearchChoice,
        st.integers(1, 1000),
        st.sampled_from(Mode),
        st.sampled_from(Fusion),
        _SHARES,
        st.integers(1, 1000),
        st.just("") | _NAMES,
        _SHARES,
    ),
)


@given(_PIPELINES)
def test_what_was_written_is_read(pipeline: Pipeline) -> None:
    assert toml.loads(toml.dumps(pipeline)) == pipeline


def test_a_file_comes_back(tmp_path: Path) -> None:
    pipeline = Pipeline(ModelChoice("all-MiniLM-L6-v2", query_prompt=""), Chunking("tokens", 64, 8))
    toml.write(pipeline, tmp_path / "pipeline.toml")
    assert toml.read(tmp_path / "pipeline.toml") == pipeline
    assert [path.name for path in tmp_path.iterdir()] == ["pipeline.toml"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version = 1\n[modle]\nname = 'x'", "unknown key 'modle'; did you mean 'model'"),
        ("version = 1\n[model]\nname = 'x'\ndimension = 8", "did you mean 'dimensions'"),
        ("version = 1\n[model]\ndimensions = 8", r"\[model\] of the pipeline lacks name"),
        ("version = 1\n[chunking]\nsize = 8", r"no table \[model\]"),
        ("[model]\nname = 'x'", "states no version"),
        ("version = 1\n[model]\nname = 'x'\n[chunking]\nsize = '8'", "expected a whole number"),
        ("version = 1\n[model]\nname = 'x'\n[chunking]\nsize = true", "expected a whole number"),
        ("version = 1\n[model]\nname = 3", "expected a text in quotes"),
        ("version = 1\n[model]\nname = 'x'\n[storage]\nrecall = 2.0", "recall is 2.0"),
        ("version = 1\n[model]\nname = 'x'\n[storage]\npath = 'fast'", "exact, quantised, graph"),
        ("version = 1\n[model]\nname = 'x'\n[search]\nmode = 'both'", "dense, lexical, hybrid"),
        ("version = 1\nmodel = 'x'", r"expected a table \[model\]"),
        ("version = ", "is no TOML"),
    ],
)
def test_what_is_wrong_is_told(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        toml.loads(text)


def test_a_later_version_is_refused() -> None:
    with pytest.raises(FormatVersionError, match="version 2 and this Nearfield reads 1"):
        toml.loads("version = 2\n[model]\nname = 'x'")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no pipeline at"):
        toml.read(tmp_path / "none.toml")


def test_the_key_names_the_choice_and_not_the_measurement() -> None:
    plain = Pipeline(ModelChoice("x"))
    assert plain.key == Pipeline(ModelChoice("x", fingerprint="ab")).key
    assert plain.key != Pipeline(ModelChoice("x", dimensions=8)).key
