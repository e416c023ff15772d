"""A tiny real model: word vectors of 16 dimensions whose nearest neighbours are known by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nearfield.ann import library
from nearfield.models.resolve import load
from nearfield.protocols import Encoder

THEMES = {
    "winter": ["snow", "ice", "parka", "gloves", "frost", "cold", "winter"],
    "kitchen": ["knife", "pan", "oven", "cook", "kitchen", "steak", "bread"],
    "sea": ["beach", "sun", "swim", "umbrella", "sand", "sea", "surf"],
}


@pytest.fixture(scope="session")
def words_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GloVe text format: words of a theme lie around the theme's own axis."""
    generator = np.random.default_rng(7)
    lines = []
    for axis, words in enumerate(THEMES.values()):
        for word in words:
            vector = 0.1 * generator.standard_normal(16)
            vector[axis] += 1.0
            lines.append(" ".join([word, *(f"{value:.5f}" for value in vector)]))
    path = tmp_path_factory.mktemp("model") / "themes.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def encoder(words_file: Path) -> Encoder:
    return load(words_file)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three short files, one a theme."""
    root = tmp_path / "files"
    root.mkdir()
    (root / "winter.txt").write_text("Snow and frost: take a parka and gloves.", encoding="utf-8")
    (root / "kitchen.txt").write_text("Cook the steak in a pan, then bread.", encoding="utf-8")
    (root / "sea.txt").write_text("Sun and sand on the beach; swim and surf.", encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def compiled_search() -> None:
    """For what only the compiled library does: build graphs, and take codes by itself."""
    if library.choose() is None:
        pytest.skip("the compiled library of vector search is missing, or switched off")
