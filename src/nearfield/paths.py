"""Where Nearfield keeps files on this machine, each place movable by an environment variable.

======================  ==========================================================
``NEARFIELD_HOME``      everything below one folder: models, collections, cache
``NEARFIELD_MODELS``    only the installed models
======================  ==========================================================

Without them the platform's own folders serve (XDG on Linux).
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["cache_dir", "collections_dir", "evaluations_dir", "models_dir"]


def models_dir() -> Path:
    """Folder that holds one folder for each installed model."""
    chosen = os.environ.get("NEARFIELD_MODELS")
    return Path(chosen).expanduser() if chosen else _data_dir() / "models"


def collections_dir() -> Path:
    """Folder of the collections that were made without naming a place for them."""
    return _data_dir() / "collections"


def evaluations_dir() -> Path:
    """Folder of the figures that were recorded, one file each."""
    return _data_dir() / "evaluations"


def cache_dir() -> Path:
    """Folder whose content can be deleted at any time: it only costs time to make it again."""
    home = os.environ.get("NEARFIELD_HOME")
    if home:
        return Path(home).expanduser() / "cache"
    return Path(platformdirs.user_cache_dir("nearfield", appauthor=False))


def _data_dir() -> Path:
    home = os.environ.get("NEARFIELD_HOME")
    if home:
        return Path(home).expanduser()
    return Path(platformdirs.user_data_dir("nearfield", appauthor=False))
