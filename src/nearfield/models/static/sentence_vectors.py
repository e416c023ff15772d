"""Static sentence models: an embedding matrix, a sub-word vocabulary and a little configuration.

====================  ==============================================  ===========================
layout                files                                           unit length
====================  ==============================================  ===========================
model2vec             model.safetensors (``embeddings``, perhaps      ``normalize`` of config.json
                      ``weights`` and ``mapping``), tokenizer.json
sentence-transformers 0_StaticEmbedding/ or the folder itself, key    if modules.json says so
                      ``embedding.weight``
WordLlama             model.safetensors (``embedding.weight``) and    yes: its own similarity and
                      tokenizer.json, nothing else                    ranking normalise always
====================  ==============================================  ===========================

A sentence's vector is the mean of its tokens' rows, without special tokens. model2vec passes
the unknown token over (https://github.com/MinishLab/model2vec); the other two give it its row.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nearfield.errors import UnsupportedModel
from nearfield.models.static.table import StaticTable
from nearfield.models.transformer.files import JsonObject, field, read_json, read_object
from nearfield.models.transformer.layout import read_prompts
from nearfield.models.transformer.weights import StoredTensor, read_header
from nearfield.tokenization import load as load_tokenizer
from nearfield.types import FloatArray

__all__ = ["find_weights", "read_sentence_vectors"]

_WEIGHTS = "model.safetensors"
_MODEL2VEC = "embeddings"
_PLAIN = "embedding.weight"
_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
    "I8": "|i1", "U16": "<u2", "U8": "|u1",
}  # fmt: skip


def find_weights(folder: Path) -> Path | None:
    """The safetensors file of a static sentence model, or None where the folder is none."""
    for place in (folder, folder / "0_StaticEmbedding"):
        file = place / _WEIGHTS
        if file.is_file() and (place / "tokenizer.json").is_file():
            names = read_header(file)
            if _MODEL2VEC in names or _PLAIN in names:
                return file
    return None


def read_sentence_vectors(folder: Path, weights: Path) -> StaticTable:
    """Read a static sentence model.

    Parameters
    ----------
    folder : Path
        The model's folder.
    weights : Path
        Its safetensors file, as :func:`find_weights` gives it.

    Raises
    ------
    UnsupportedModel
        The files contradict each other, or ask for a layer that is not understood.
    """
    stored = read_header(weights)
    rows = _rows(stored, weights)
    vocabulary = load_tokenizer(weights.parent)
    if vocabulary.vocabulary_size > len(rows):
        raise UnsupportedModel(
            f"{weights} has {len(rows):,} rows for the {vocabulary.vocabulary_size:,} tokens of "
            "the tokenizer.json beside it: the two files do not belong together"
        )
    config_path = folder / "config.json"
    config = read_object(config_path, optional=True)
    # A null limit is one that its author switched off.
    limit = field(config, "max_length", int, config_path, 0)
    return StaticTable(
        rows=rows,
        vocabulary=vocabulary,
        weights=weights,
        normalised=_normalised(folder, config),
        unknown_rows=_MODEL2VEC not in stored,
        max_tokens=limit or None,
        prompts=read_prompts(folder / "config_sentence_transformers.json"),
    )


def _rows(stored: Mapping[str, StoredTensor], path: Path) -> FloatArray:
    """One float32 row for each token id: weights and mapping are folded in."""
    table = _tensor(stored[_MODEL2VEC if _MODEL2VEC in stored else _PLAIN], 2)
    rows: FloatArray = np.ascontiguousarray(table, dtype=np.float32)
    if "mapping" in stored:
        mapping = _tensor(stored["mapping"], 1)
        if mapping.dtype.kind not in "iu" or (
            mapping.size and not 0 <= mapping.min() <= mapping.max() < len(rows)
        ):
            raise UnsupportedModel(f"{path}: the mapping does not name rows 0 to {len(rows) - 1}")
        rows = rows[mapping]
    if "weights" in stored:
        weights = _tensor(stored["weights"], 1)
        if len(weights) != len(rows):
            raise UnsupportedModel(f"{path}: {len(weights):,} weights for {len(rows):,} tokens")
        rows = rows * weights.astype(np.float32)[:, None]
    return rows


def _tensor(tensor: StoredTensor, axes: int) -> npt.NDArray[np.generic]:
    if tensor.dtype not in _DTYPES or len(tensor.shape) != axes:
        raise UnsupportedModel(
            f"{tensor.path}: a tensor of dtype {tensor.dtype} and shape {tensor.shape} is not "
            f"understood here; expected {axes} axes of one of {', '.join(_DTYPES)}"
        )
    dtype = np.dtype(_DTYPES[tensor.dtype])
    mapped = np.memmap(tensor.path, dtype=np.uint8, mode="r")[tensor.start : tensor.end]
    return np.asarray(mapped).view(dtype).reshape(tensor.shape)


def _normalised(folder: Path, config: JsonObject) -> bool:
    modules = folder / "modules.json"
    if "normalize" in config:
        return field(config, "normalize", bool, folder / "config.json")
    if not modules.is_file():
        # model2vec's own default where a configuration is silent; WordLlama has none.
        return not config
    listed = read_json(modules)
    kinds = (
        [str(m.get("type", "")).rpartition(".")[2] for m in listed if isinstance(m, dict)]
        if isinstance(listed, list)
        else []
    )
    unknown = [kind for kind in kinds if kind not in ("StaticEmbedding", "Normalize")]
    if unknown or "StaticEmbedding" not in kinds:
        raise UnsupportedModel(
            f"{modules} lists {', '.join(kinds) or 'nothing'}; a static model is StaticEmbedding, "
            "perhaps followed by Normalize"
        )
    return "Normalize" in kinds
