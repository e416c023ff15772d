"""Which loader reads a model's files: one small table, decided by what lies in the folder.

======================================================================  =====================
what there is                                                           loader
======================================================================  =====================
``config.json`` with ``model_type`` and weights, or an ONNX file        ``models.transformer``
  … of an architecture that it refuses, with the extra ``torch``        ``transformer.torch``
model2vec, WordLlama, StaticEmbedding; GloVe and word2vec files         ``models.static``
======================================================================  =====================
"""

from __future__ import annotations

import importlib.util
from enum import StrEnum
from pathlib import Path

from nearfield.errors import UnsupportedModel, UnsupportedOperation
from nearfield.models.precision import AUTO, Precision, asked
from nearfield.protocols import Encoder

__all__ = ["Format", "detect", "holds_weights", "open_model"]


class Format(StrEnum):
    """Families of file layouts."""

    STATIC = "static"
    TRANSFORMER = "transformer"


def detect(path: Path) -> Format | None:
    """Decide by the names of files and at most a header; None for what is no model.

    Parameters
    ----------
    path : Path
        Folder or file.
    """
    if _states_transformer(path):
        return Format.TRANSFORMER
    from nearfield.models import static

    if static.recognises(path):
        return Format.STATIC
    return Format.TRANSFORMER if holds_weights(path) else None


def _states_transformer(path: Path) -> bool:
    """Whether modules.json says so; the common case, settled without the static loaders."""
    try:
        return ".Transformer" in (path / "modules.json").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def holds_weights(folder: Path) -> bool:
    """Whether a folder has a file that can only be a model's weights."""
    places = (folder, folder / "onnx", folder / "0_Transformer", folder / "0_StaticEmbedding")
    return any(
        next(place.glob(f"*{suffix}"), None) is not None
        for place in places
        for suffix in (".safetensors", ".onnx", ".npy")
    )


def open_model(
    path: Path, *, name: str, precision: str = AUTO, runtime: str | None = None
) -> Encoder:
    """Open a model's files with the loader for their layout.

    Parameters
    ----------
    path : Path
        Folder or file.
    name : str
        For the card.
    precision : {"auto", "exact", "fast", "small"}
        Precision class (:mod:`nearfield.models.precision`).
    runtime : str, optional
        What computes a transformer (:mod:`nearfield.models.transformer.choice`).

    Raises
    ------
    UnsupportedModel
        No loader reads them; the message says what was found and what is read.
    UnsupportedOperation
        The model has another precision class, or this machine cannot compute it.
    """
    wanted = asked(precision)
    found = detect(path)
    if found is Format.STATIC:
        from nearfield.models import static

        return _of_class(static.load(path, name=name), wanted)
    if found is Format.TRANSFORMER:
        return _open_transformer(path, name, precision, runtime)
    listed = sorted(p.name for p in path.iterdir())[:12] if path.is_dir() else [path.name]
    raise UnsupportedModel(
        f"{path} is not a model that is understood (found: {', '.join(listed) or 'nothing'}). Read "
        "are: sentence-transformers and Hugging Face folders with safetensors weights, folders "
        "with model.onnx, model2vec and WordLlama folders, GloVe and word2vec files. Pickled "
        "weights (.bin, .pt) are never loaded: convert them to safetensors"
    )


def _open_transformer(folder: Path, name: str, precision: str, runtime: str | None) -> Encoder:
    from nearfield.models import transformer

    try:
        return transformer.load(folder, name=name, precision=precision, runtime=runtime)
    except UnsupportedModel as refusal:
        if not _has_torch():
            raise UnsupportedModel(
                f'{refusal}. sentence-transformers may load it: pip install "nearfield[torch]"'
            ) from refusal
        from nearfield.models.transformer import torch

        try:
            return _of_class(torch.load(folder, name=name), asked(precision))
        except UnsupportedModel as second:
            raise UnsupportedModel(f"{refusal}; {second}") from second


def _of_class(encoder: Encoder, wanted: Precision | None) -> Encoder:
    """Refuse a model that has one class where another one is wanted."""
    has = encoder.card.precision
    if wanted not in (None, has):
        raise UnsupportedOperation(
            f"{encoder.card.name} has the one precision class '{has}' and cannot be computed as "
            f"'{wanted}': use precision='auto' or '{has}'"
        )
    return encoder


def _has_torch() -> bool:
    return importlib.util.find_spec("sentence_transformers") is not None
