"""The reference vectors of ``make_golden.py``, and folders that vary its tiny models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nearfield.models.transformer import TransformerEncoder, load

GOLDEN = Path(__file__).parent / "golden"

# A script for an environment with torch, not a module with examples.
collect_ignore = ["make_golden.py"]


@pytest.fixture(scope="session")
def golden() -> Path:
    return GOLDEN


@pytest.fixture(scope="session")
def texts() -> dict[str, list[str]]:
    return json.loads((GOLDEN / "texts.json").read_text())


@pytest.fixture(scope="session")
def references() -> dict[str, np.ndarray]:
    with np.load(GOLDEN / "tiny.npz", allow_pickle=False) as stored:
        return dict(stored)


@pytest.fixture(scope="session")
def real_references() -> dict[str, np.ndarray]:
    with np.load(GOLDEN / "real.npz", allow_pickle=False) as stored:
        return dict(stored)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the tiny BERT that a test may change."""
    return Path(shutil.copytree(GOLDEN / "bert", tmp_path / "bert"))


@pytest.fixture
def edit(folder: Path) -> Callable[..., Path]:
    """Change keys of one of the folder's JSON files; None removes one."""

    def change(name: str, **keys: object) -> Path:
        path = folder / name
        config = json.loads(path.read_text()) if path.exists() else {}
        config |= keys
        config = {key: value for key, value in config.items() if value is not None}
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(config))
        return folder

    return change


@pytest.fixture
def tiny(golden: Path) -> TransformerEncoder:
    return load(golden / "bert", name="tiny")
