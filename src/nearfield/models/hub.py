"""Models in the cache that Hugging Face's own libraries fill, and downloads into it.

The cache is read by its documented layout (``models--org--name/refs`` and ``snapshots``), so that
finding a model needs neither their library nor a network. A download happens only for a name that
the user wrote with ``hf:``, and takes data files alone: no pickle, no code.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
from pathlib import Path

from nearfield.errors import InputError, MissingExtra, ModelNotInstalled

__all__ = ["cached", "chosen_files", "download", "is_offline", "is_repository", "split_revision"]

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_DATA = (".json", ".txt", ".safetensors", ".md")
_WEIGHTS = (".safetensors", "model.onnx", "model.onnx_data")


def is_repository(name: str) -> bool:
    """Whether a name has the form ``org/name``.

    Examples
    --------
    >>> is_repository("org/name"), is_repository("name"), is_repository("../name")
    (True, False, False)
    """
    return _REPOSITORY.fullmatch(name) is not None and ".." not in name


def is_offline() -> bool:
    """Whether the user's environment forbids the hub."""
    on = {"1", "true", "yes", "on"}
    return any(
        os.environ.get(name, "").lower() in on
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    )


def cached(repository: str, revision: str = "main") -> Path | None:
    """Folder of a repository's snapshot with weights that are read here, or nothing.

    Parameters
    ----------
    repository : str
        ``org/name``.
    revision : str
        Branch, tag or commit.
    """
    home = _cache_folder() / f"models--{repository.replace('/', '--')}"
    commit = revision
    if not _COMMIT.fullmatch(revision):
        try:
            commit = (home / "refs" / revision).read_text(encoding="utf-8").strip()
        except OSError:
            return None
    snapshot = home / "snapshots" / commit
    # A snapshot may hold just the files that somebody once asked for.
    if not _COMMIT.fullmatch(commit) or not snapshot.is_dir():
        return None
    complete = any(p.name.endswith(_WEIGHTS) and p.exists() for p in snapshot.rglob("*"))
    return snapshot if complete else None


def download(repository: str, revision: str = "main") -> Path:
    """Fetch a repository's data files into the hub's cache.

    Returns
    -------
    Path
        The snapshot's folder.

    Raises
    ------
    MissingExtra
        huggingface-hub is not installed.
    ModelNotInstalled
        The environment says offline, the repository has nothing to load, or the hub's library
        failed; its reason is in the message.
    """
    if is_offline():
        raise ModelNotInstalled(
            f"{repository} is not in the hub's cache ({_cache_folder()}), and HF_HUB_OFFLINE "
            "forbids to fetch it: unset that variable, or copy the model's folder here and load "
            "it by its path"
        )
    try:
        from huggingface_hub import HfApi, snapshot_download
    except ImportError as error:
        raise MissingExtra(f"fetching {repository} from the hub", "hub") from error
    failures = _failures()
    try:
        siblings = HfApi().model_info(repository, revision=revision).siblings or []
        names = [sibling.rfilename for sibling in siblings]
        wanted = chosen_files(names)
        if not any(name.endswith(_WEIGHTS) for name in wanted):
            raise ModelNotInstalled(
                f"{repository} has neither safetensors nor ONNX weights (found: "
                f"{', '.join(sorted(names)) or 'no files'}); pickled weights are never loaded"
            )
        folder = snapshot_download(
            repository, revision=revision, allow_patterns=wanted, cache_dir=_cache_folder()
        )
    except failures as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelNotInstalled(
            f"{repository} could not be fetched from the hub: {reason[0]}. Check the name and the "
            "network, or copy the model's folder here and load it by its path"
        ) from error
    return Path(folder)


def chosen_files(names: list[str]) -> list[str]:
    """Choose what a model needs out of a repository's files: data, and one set of weights.

    Examples
    --------
    >>> chosen_files(["config.json", "model.safetensors", "onnx/model.onnx", "pytorch_model.bin"])
    ['config.json', 'model.safetensors']
    >>> chosen_files(["config.json", "onnx/model.onnx", "onnx/model_O4.onnx", "modeling.py"])
    ['config.json', 'onnx/model.onnx']
    """
    data = [name for name in names if name.endswith(_DATA)]
    at_root = [name for name in data if "/" not in name and name.endswith(".safetensors")]
    in_module = [name for name in data if name.endswith("/model.safetensors")]
    if at_root or in_module:
        return data
    onnx = ("model.onnx", "model.onnx_data", "onnx/model.onnx", "onnx/model.onnx_data")
    return data + [name for name in onnx if name in names]


def split_revision(name: str) -> tuple[str, str]:
    """Split ``org/name@revision``; the revision is ``main`` where none is given.

    Examples
    --------
    >>> split_revision("org/name@v1.0"), split_revision("org/name")
    (('org/name', 'v1.0'), ('org/name', 'main'))
    """
    repository, _, revision = name.partition("@")
    if not is_repository(repository) or ".." in revision or "\\" in revision:
        raise InputError(f"{name!r} is not of the form org/name or org/name@revision")
    return repository, revision or "main"


def _cache_folder() -> Path:
    # The order of huggingface_hub's own constants.
    if chosen := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(chosen).expanduser()
    if home := os.environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    base = os.environ.get("XDG_CACHE_HOME")
    folder = Path(base).expanduser() if base else Path.home() / ".cache"
    return folder / "huggingface" / "hub"


def _failures() -> tuple[type[Exception], ...]:
    """What a fetch can fail with: the hub's errors, the disk's, and those of the HTTP client.

    That client is requests before version 1 of huggingface-hub, then httpx.
    """
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    found: list[type[Exception]] = [HfHubHTTPError, HFValidationError, OSError]
    for module, name in (("httpx", "HTTPError"), ("requests", "RequestException")):
        if importlib.util.find_spec(module):
            found.append(getattr(importlib.import_module(module), name))
    return tuple(found)
