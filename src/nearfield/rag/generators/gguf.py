"""GGUF files: which tensors are in one, and the same file with its 4-bit weights in 8 bits.

llama.cpp multiplies 8-bit weights (Q8_0) by blocks of rows. For 4-bit weights with a minimum (Q4_1)
it has no such path and reads a prompt a third slower. Both store 32 weights together: Q4_1 as
``scale * q + minimum`` with q from 0 to 15, Q8_0 as ``scale * q`` with q from -127 to 127, so the
wider one holds the narrower one's values to half a step of 127.

https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from nearfield.errors import UnsupportedModel
from nearfield.types import FloatArray

__all__ = ["Q4_1", "Q8_0", "Header", "Tensor", "four_bits", "header", "to_eight_bits", "widened"]

Q4_1, Q8_0 = 3, 8
"""Numbers of the two types in the format."""

_BLOCK = 32
_BYTES = {Q4_1: 20, Q8_0: 34}
_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_LARGEST_HEADER = 1 << 30
_ALIGNMENT = 32
_PART = 1 << 16
"""Blocks that are converted at once: 2 million weights, 8 MB."""

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of a file.

    Attributes
    ----------
    name : bytes
    shape : tuple of int
        As the file has it: the fastest dimension first.
    type : int
        Number of the format's type.
    offset, size : int
        Bytes, counted from the beginning of the data. The size includes what fills the alignment.
    """

    name: bytes
    shape: tuple[int, ...]
    type: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Header:
    """Everything in front of the data.

    Attributes
    ----------
    facts : bytes
        Version, counts and metadata as they stand in the file.
    tensors : tuple of Tensor
        In the order of the file's data.
    data : int
        Where the data begin.
    """

    facts: bytes
    tensors: tuple[Tensor, ...]
    data: int


def header(path: Path) -> Header:
    """Read what a file holds.

    Raises
    ------
    UnsupportedModel
        It is no GGUF file of version 2 or 3, or ends too early.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        try:
            return _header(file, size)
        except (struct.error, OverflowError, KeyError) as error:
            raise UnsupportedModel(f"{path} is a damaged GGUF file: {error!r}") from error
        except ValueError as error:
            raise UnsupportedModel(f"{path} cannot be read as GGUF: {error}") from error


def _header(file: BinaryIO, size: int) -> Header:
    magic, version, tensors, facts = struct.unpack("<4sIQQ", file.read(24))
    if magic != b"GGUF" or version not in _VERSIONS:
        raise ValueError(f"it begins with {magic!r}, version {version}")
    alignment = _ALIGNMENT
    for _ in range(facts):
        name = _string(file)
        (kind,) = struct.unpack("<I", file.read(4))
        if name == b"general.alignment":
            (alignment,) = struct.unpack("<I", file.read(4))
        else:
            _skip(file, kind)
    if alignment != _ALIGNMENT:
        raise ValueError(f"its data are aligned to {alignment} bytes, expected {_ALIGNMENT}")
    known = file.tell()
    found: list[tuple[int, bytes, tuple[int, ...], int]] = []
    for _ in range(tensors):
        name = _string(file)
        (dimensions,) = struct.unpack("<I", file.read(4))
        if dimensions > 4:
            raise ValueError(f"a tensor has {dimensions} dimensions, expected at most 4")
        shape = struct.unpack(f"<{dimensions}Q", file.read(8 * dimensions))
        kind, offset = struct.unpack("<IQ", file.read(12))
        found.append((offset, name, shape, kind))
    data = _aligned(file.tell())
    file.seek(0)
    begin = file.read(known)
    found.sort()
    ends = [*(offset for offset, *_ in found[1:]), size - data]
    placed = tuple(
        Tensor(name, shape, kind, offset, end - offset)
        for (offset, name, shape, kind), end in zip(found, ends, strict=True)
    )
    for each in placed:
        least = prod(each.shape) // _BLOCK * _BYTES.get(each.type, 0)
        if each.size < least or each.offset % _ALIGNMENT:
            raise ValueError(f"{each.name.decode(errors='replace')} is not where it should be")
    return Header(begin, placed, data)


def _string(file: BinaryIO) -> bytes:
    (length,) = struct.unpack("<Q", file.read(8))
    if length > _LARGEST_HEADER:
        raise ValueError(f"a name has {length:,} bytes")
    return file.read(length)


def _skip(file: BinaryIO, kind: int) -> None:
    if kind == _STRING:
        _string(file)
    elif kind == _ARRAY:
        inner, count = struct.unpack("<IQ", file.read(12))
        if inner in (_STRING, _ARRAY):
            for _ in range(count):
                _skip(file, inner)
        else:
            file.seek(_SIZES[inner] * count, 1)
    else:
        file.seek(_SIZES[kind], 1)


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def widened(path: Path) -> Iterator[bytes]:
    """A file with every Q4_1 tensor as Q8_0, piece by piece; all else as it is.

    Raises
    ------
    UnsupportedModel
        As :func:`header`.
    """
    found = header(path)
    offset, placed = 0, []
    for tensor in found.tensors:
        size = tensor.size
        if tensor.type == Q4_1:
            size = _aligned(prod(tensor.shape) // _BLOCK * _BYTES[Q8_0])
        new = Q8_0 if tensor.type == Q4_1 else tensor.type
        placed.append(replace(tensor, type=new, offset=offset, size=size))
        offset += _aligned(size)
    begin = found.facts + b"".join(map(_entry, placed))
    yield begin + bytes(_aligned(len(begin)) - len(begin))
    data = np.memmap(path, np.uint8, "r", offset=found.data)
    for old, new_one in zip(found.tensors, placed, strict=True):
        part = data[old.offset : old.offset + old.size]
        if old.type == Q4_1:
            blocks = part[: prod(old.shape) // _BLOCK * _BYTES[Q4_1]].reshape(-1, _BYTES[Q4_1])
            for start in range(0, len(blocks), _PART):
                yield to_eight_bits(four_bits(blocks[start : start + _PART])).tobytes()
            written = len(blocks) * _BYTES[Q8_0]
        else:
            yield part.tobytes()
            written = old.size
        yield bytes(_aligned(new_one.size) - written)


def _entry(tensor: Tensor) -> bytes:
    shape = struct.pack(f"<I{len(tensor.shape)}Q", len(tensor.shape), *tensor.shape)
    name = struct.pack("<Q", len(tensor.name)) + tensor.name
    return name + shape + struct.pack("<IQ", tensor.type, tensor.offset)


def four_bits(blocks: Bytes) -> FloatArray:
    """Weights of Q4_1 blocks: scale and minimum in float16, then 32 halves of bytes.

    Parameters
    ----------
    blocks : ndarray of uint8, shape (n, 20)

    Returns
    -------
    ndarray of float32, shape (n, 32)
        The low halves are the first sixteen.
    """
    facts = np.ascontiguousarray(blocks[:, :4]).view("<f2").astype(np.float32)
    halves = np.concatenate([blocks[:, 4:] & 15, blocks[:, 4:] >> 4], axis=1)
    return halves.astype(np.float32) * facts[:, :1] + facts[:, 1:]


def to_eight_bits(weights: FloatArray) -> Bytes:
    """Q8_0 blocks of weights: a float16 scale and 32 whole numbers from -127 to 127.

    Parameters
    ----------
    weights : ndarray of float32, shape (n, 32)

    Returns
    -------
    ndarray of uint8, shape (n, 34)
    """
    scale = (np.abs(weights).max(axis=1, keepdims=True) / 127).astype(np.float32)
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    blocks = np.empty((len(weights), _BYTES[Q8_0]), np.uint8)
    blocks[:, :2] = scale.astype("<f2").view(np.uint8)
    steps = weights * inverse
    # Halves go away from zero, as C's roundf has it: the bytes are those of llama.cpp's own tool.
    blocks[:, 2:] = np.trunc(steps + np.copysign(np.float32(0.5), steps)).astype(np.int8).view("u1")
    return blocks
