"""The scikit-learn transformer: its host's checks, and that it works in pipelines."""

from __future__ import annotations

import json
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is missing: make test-hosts")

from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import estimator_checks, get_tags

import nearfield as nf
from nearfield.errors import FingerprintMismatch, InputError
from nearfield.integrations.sklearn import TextEmbedder

pytestmark = pytest.mark.hosts

TEXTS = ["snow ice", "cold parka", "frost gloves", "knife pan", "steak oven", "cook bread"] * 2
THEMES = ["winter", "winter", "winter", "kitchen", "kitchen", "kitchen"] * 2

# What check_estimator does with transformers of texts is to skip every check that needs numbers,
# which is all of them. These need none, so they are called one by one.
_WITHOUT_NUMBERS = [
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
]


@pytest.fixture
def embedder(words_file: Path) -> TextEmbedder:
    return TextEmbedder(str(words_file))


def test_check_estimator(embedder: TextEmbedder) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        estimator_checks.check_estimator(embedder)


@pytest.mark.parametrize("name", _WITHOUT_NUMBERS)
def test_checks_that_need_no_numbers(name: str, embedder: TextEmbedder) -> None:
    getattr(estimator_checks, name)("TextEmbedder", embedder)


def test_tags(embedder: TextEmbedder) -> None:
    tags = get_tags(embedder).input_tags
    assert (tags.string, tags.one_d_array, tags.two_d_array) == (True, True, False)


def test_vectors_are_the_models_own(embedder: TextEmbedder, words_file: Path) -> None:
    model = nf.load(str(words_file))
    found = embedder.fit(TEXTS).transform(TEXTS)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, model.encode(TEXTS))
    assert embedder.fingerprint_ == model.card.fingerprint
    assert embedder.n_features_out_ == 16


def test_arrays_and_single_columns_are_texts_too(embedder: TextEmbedder) -> None:
    wanted = embedder.fit_transform(TEXTS)
    np.testing.assert_array_equal(embedder.fit_transform(np.array(TEXTS)), wanted)
    np.testing.assert_array_equal(embedder.fit_transform(np.array(TEXTS)[:, None]), wanted)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("a text", "one string"),
        ([], "no texts"),
        (["a", 3], "int at position 1"),
        (np.ones((3, 2)), r"shape \(3, 2\)"),
        (np.ones(3), "float at position 0"),
    ],
)
def test_what_is_no_text_is_refused(given: object, said: str, embedder: TextEmbedder) -> None:
    with pytest.raises(ValueError, match=said):
        embedder.fit(given)  # type: ignore[arg-type]


def test_unfitted(embedder: TextEmbedder) -> None:
    with pytest.raises(NotFittedError):
        embedder.transform(TEXTS)
    with pytest.raises(InputError, match="role"):
        embedder.set_params(role="nobody").fit(TEXTS)


def test_pipeline_and_grid_search(embedder: TextEmbedder) -> None:
    pipeline = Pipeline([("embed", embedder), ("classify", LogisticRegression())])
    grid = {"embed__dimensions": [2, None], "classify__C": [1.0, 10.0]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(TEXTS, THEMES)
    assert search.best_score_ == 1.0
    assert search.predict(["winter snow", "a kitchen"]).tolist() == ["winter", "kitchen"]
    widths = {
        p["embed__dimensions"]: clone(pipeline).set_params(**p).fit(TEXTS, THEMES)["embed"]
        for p in search.cv_results_["params"]
    }
    assert (widths[2].n_features_out_, widths[None].n_features_out_) == (2, 16)


def test_columns_by_name(embedder: TextEmbedder) -> None:
    table = np.array([[t, str(len(t))] for t in TEXTS], dtype=object)
    columns = ColumnTransformer([("text", embedder, 0)]).fit(table)
    names = columns.get_feature_names_out()
    assert (names[0], names[-1]) == ("text__textembedder0", "text__textembedder15")
    np.testing.assert_array_equal(columns.transform(table), embedder.fit_transform(TEXTS))


def test_set_output(embedder: TextEmbedder) -> None:
    polars = pytest.importorskip("polars", reason="polars is missing: make test-hosts")
    table = embedder.set_output(transform="polars").fit_transform(TEXTS)
    assert isinstance(table, polars.DataFrame)
    assert table.columns[:2] == ["textembedder0", "textembedder1"]
    assert table.shape == (12, 16)


def test_clone_and_parameters_as_json(embedder: TextEmbedder) -> None:
    embedder.fit(TEXTS)
    assert not hasattr(clone(embedder), "fingerprint_")
    again = TextEmbedder(**json.loads(json.dumps(embedder.get_params()))).fit(TEXTS)
    assert again.fingerprint_ == embedder.fingerprint_


def test_state_holds_no_weights_and_knows_its_model(
    embedder: TextEmbedder, words_file: Path, tmp_path: Path
) -> None:
    """Hosts store pipelines by pickle; ours are names and numbers, and code of no module."""
    fitted = make_pipeline(embedder, LogisticRegression()).fit(TEXTS, THEMES)
    found_out = {"fingerprint_", "model_name_", "n_features_out_"}
    assert vars(embedder).keys() == found_out | embedder.get_params().keys()
    kept = pickle.dumps(fitted)
    assert len(kept) < 10_000
    again = pickle.loads(kept)
    assert again.predict(["ice"]).tolist() == ["winter"]
    changed = tmp_path / "themes.txt"
    changed.write_text(words_file.read_text().replace("snow 1", "snow 2"))
    with pytest.raises(FingerprintMismatch, match="fit again"):
        again[0].set_params(model=str(changed)).transform(["snow"])
