"""Weights out of safetensors files, mapped into memory rather than read.

A safetensors file is: 8 bytes with the header's length (little endian), the header (JSON:
name → dtype, shape, [begin, end)), then the tensors' bytes without gaps or overlaps
(https://github.com/huggingface/safetensors#format). Everything is checked before a single
number is used, because a wrong offset would silently give another model.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nearfield.errors import UnsupportedModel
from nearfield.models.transformer.config import EncoderShape
from nearfield.models.transformer.files import read_object
from nearfield.models.transformer.names import expected_shapes, names_in_files
from nearfield.types import FloatArray

__all__ = ["StoredTensor", "Tensors", "bind", "open_tensors", "read_header", "spelled"]

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"

_HEADER_LIMIT = 100_000_000  # the format's own limit
_ITEM_BYTES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1,
    "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1,
}  # fmt: skip
_READABLE = frozenset({"F64", "F32", "F16", "BF16"})

# What training heads and wrappers put before an encoder's own names.
_PREFIXES = (
    "", "bert.", "roberta.", "distilbert.", "mpnet.", "electra.", "camembert.", "model.",
    "0.auto_model.", "auto_model.", "0.model.", "encoder.model.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """Where a tensor lies in a file.

    Attributes
    ----------
    path : Path
    dtype : str
        The format's name, such as ``"F32"``.
    shape : tuple of int
    start, end : int
        Bytes of the file, half open.
    """

    path: Path
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class Tensors(Mapping[str, FloatArray]):
    """The float tensors of one or several files by name, each mapped on demand.

    float32 comes as a read-only view of the mapped file (nothing is copied); float16,
    bfloat16 and float64 are converted to float32.
    """

    def __init__(self, stored: Mapping[str, StoredTensor]) -> None:
        self.stored = dict(stored)
        self._maps: dict[Path, np.memmap[tuple[int], np.dtype[np.uint8]]] = {}

    def __getitem__(self, name: str) -> FloatArray:
        tensor = self.stored[name]
        if tensor.dtype not in _READABLE:
            raise UnsupportedModel(
                f"{tensor.path}: tensor {name!r} has dtype {tensor.dtype}; "
                f"readable are {', '.join(sorted(_READABLE))}"
            )
        if tensor.path not in self._maps:
            self._maps[tensor.path] = np.memmap(tensor.path, dtype=np.uint8, mode="r")
        data = self._maps[tensor.path][tensor.start : tensor.end]
        return _as_float32(data, tensor.dtype).reshape(tensor.shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self.stored)

    def __len__(self) -> int:
        return len(self.stored)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files behind the tensors, sorted."""
        return tuple(sorted({tensor.path for tensor in self.stored.values()}))

    @property
    def parameters(self) -> int:
        """How many float numbers the files hold."""
        return sum(math.prod(t.shape) for t in self.stored.values() if t.dtype in _READABLE)


def open_tensors(folder: Path) -> Tensors:
    """Open ``model.safetensors``, or the shards of ``model.safetensors.index.json``.

    Raises
    ------
    UnsupportedModel
        There is neither, or a file does not keep to the format. Pickled weights
        (``pytorch_model.bin``) are never read: loading them can run any code.
    """
    if (folder / SINGLE).is_file():
        return Tensors(read_header(folder / SINGLE))
    if (folder / INDEX).is_file():
        return Tensors(_read_shards(folder / INDEX))
    if (folder / "pytorch_model.bin").is_file():
        raise UnsupportedModel(
            f"{folder} holds its weights only as pytorch_model.bin, a pickle that can run any "
            "code when it is read; convert it to model.safetensors first"
        )
    raise UnsupportedModel(f"{folder} holds neither {SINGLE} nor {INDEX}")


def read_header(path: Path) -> dict[str, StoredTensor]:
    """Read and check the header of a safetensors file.

    Raises
    ------
    UnsupportedModel
        The file is truncated, has gaps or overlaps, or its header is not valid.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(8)
        length = int.from_bytes(prefix, "little")
        if len(prefix) < 8 or length > min(_HEADER_LIMIT, size - 8):
            raise UnsupportedModel(
                f"{path} is not a whole safetensors file: it has {size:,} bytes and announces "
                f"a header of {length:,}; fetch it again"
            )
        raw = file.read(length)
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise UnsupportedModel(f"{path}: the header is not valid JSON: {error}") from error
    if not isinstance(header, dict):
        raise UnsupportedModel(f"{path}: the header is not an object")
    header.pop("__metadata__", None)
    tensors = {name: _entry(path, name, entry, 8 + length) for name, entry in header.items()}
    _require_gapless(path, tensors, 8 + length, size)
    return tensors


def bind(shape: EncoderShape, tensors: Tensors, where: Path) -> dict[str, FloatArray]:
    """Return the encoder's weights by our names, shapes checked.

    Parameters
    ----------
    shape : EncoderShape
    tensors : Tensors
        As stored, with or without a family prefix such as ``bert.``.
    where : Path
        The model's folder, for messages.

    Raises
    ------
    UnsupportedModel
        Tensors are missing or have another shape than the configuration says.
    """
    theirs = names_in_files(shape)
    prefix = _find_prefix(theirs["words"], tensors, where)
    bound, missing = {}, []
    for ours, expected in expected_shapes(shape).items():
        name = spelled(prefix + theirs[ours], tensors)
        if name is None:
            missing.append(prefix + theirs[ours])
        elif tensors.stored[name].shape != expected:
            raise UnsupportedModel(
                f"{where}: tensor {name!r} has shape {tensors.stored[name].shape}, "
                f"config.json implies {expected}"
            )
        else:
            bound[ours] = tensors[name]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise UnsupportedModel(f"{where}: missing weights {', '.join(missing[:3])}{more}")
    return bound


def _entry(path: Path, name: str, entry: Mapping[str, Any], data_start: int) -> StoredTensor:
    try:
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        numbers = [*shape, begin, end]
        valid = all(type(n) is int and n >= 0 for n in numbers)
        expected = math.prod(shape) * _ITEM_BYTES[dtype]
    except (TypeError, KeyError, ValueError) as error:
        raise UnsupportedModel(
            f"{path}: the header's entry {name!r} is not valid: {entry!r}"
        ) from error
    if not valid or end - begin != expected:
        raise UnsupportedModel(
            f"{path}: tensor {name!r} of type {dtype} and shape {shape} needs {expected} bytes, "
            f"its offsets {begin}..{end} give {end - begin}"
        )
    return StoredTensor(path, dtype, tuple(shape), data_start + begin, data_start + end)


def _require_gapless(
    path: Path, tensors: Mapping[str, StoredTensor], start: int, size: int
) -> None:
    position = start
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].end)):
        if tensor.start != position:
            kind = "overlaps another" if tensor.start < position else "leaves a gap before it"
            raise UnsupportedModel(f"{path}: tensor {name!r} {kind}: the file is damaged")
        position = tensor.end
    if position != size:
        raise UnsupportedModel(
            f"{path} has {size:,} bytes where its header describes {position:,}: "
            "the file is truncated or damaged; fetch it again"
        )


def _read_shards(index: Path) -> dict[str, StoredTensor]:
    listed = read_object(index).get("weight_map")
    if not isinstance(listed, dict):
        raise UnsupportedModel(f"{index} does not hold a weight_map")
    headers: dict[str, dict[str, StoredTensor]] = {}
    stored = {}
    for name, shard in listed.items():
        if not isinstance(shard, str) or Path(shard).name != shard:
            raise UnsupportedModel(f"{index}: tensor {name!r} names the file {shard!r}")
        if shard not in headers:
            if not (index.parent / shard).is_file():
                raise UnsupportedModel(f"{index} names {shard}, which is not in the folder")
            headers[shard] = read_header(index.parent / shard)
        if name not in headers[shard]:
            raise UnsupportedModel(f"{index}: tensor {name!r} is not in {shard}")
        stored[name] = headers[shard][name]
    return stored


def _find_prefix(words: str, tensors: Tensors, where: Path) -> str:
    for prefix in _PREFIXES:
        if prefix + words in tensors.stored:
            return prefix
    raise UnsupportedModel(
        f"{where}: no tensor is called {words!r}, with or without a family prefix; "
        f"the first ones are {', '.join(sorted(tensors.stored)[:3])}"
    )


def spelled(name: str, tensors: Tensors) -> str | None:
    """The name under which a tensor is stored, or None."""
    # Checkpoints converted from the first TensorFlow releases say gamma and beta.
    if name in tensors.stored:
        return name
    old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
        "LayerNorm.bias", "LayerNorm.beta"
    )
    return old if old in tensors.stored else None


def _as_float32(data: np.typing.NDArray[np.uint8], dtype: str) -> FloatArray:
    if dtype == "BF16":
        # bfloat16 is the upper half of a float32.
        widened = data.view("<u2").astype(np.uint32) << np.uint32(16)
        return widened.view(np.float32)
    if dtype == "F32":
        return np.asarray(data).view("<f4")
    return data.view({"F16": "<f2", "F64": "<f8"}[dtype]).astype(np.float32)
