"""What an ONNX file is made of, without loading it: operators, sizes, files beside it.

ONNX files are protocol buffers (https://protobuf.dev/programming-guides/encoding): a sequence of
fields, each a number, a kind and a value whose length is known. So one can step over gigabytes of
weights and read only the few names that matter here, without importing ``onnx``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nearfield.errors import UnsupportedModel

__all__ = ["OnnxHeader", "read_onnx_header"]

# Field numbers of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
_MODEL_GRAPH, _MODEL_FUNCTIONS = 7, 25
_GRAPH_NODE, _GRAPH_INITIALIZER = 1, 5
_FUNCTION_NODE = 7
_NODE_OPERATOR = 4
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_EXTERNAL = 1, 2, 13
_ENTRY_KEY, _ENTRY_VALUE = 1, 2

_FLOAT32, _FLOAT16, _FLOAT64, _BFLOAT16 = 1, 10, 11, 16
_NUMBER, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class OnnxHeader:
    """What matters of an ONNX file.

    Attributes
    ----------
    operators : frozenset of str
        Such as ``"MatMul"``; those of the main graph and of the file's own functions.
    element_types : frozenset of int
        ONNX's numbers for the types of the weights.
    parameters : int
        Numbers in all weights of two or more dimensions and in float vectors.
    external : tuple of str
        Names of files that hold weights beside this one.
    """

    operators: frozenset[str]
    element_types: frozenset[int]
    parameters: int
    external: tuple[str, ...]

    @property
    def full_precision(self) -> bool:
        """Whether everything is computed in float32 or better."""
        reduced = {_FLOAT16, _BFLOAT16} & self.element_types
        return not reduced and not any(_is_quantised(name) for name in self.operators)

    @property
    def half_precision(self) -> bool:
        """Whether weights are 16-bit floats and nothing is rounded further."""
        return not self.full_precision and not any(_is_quantised(op) for op in self.operators)

    @property
    def scaled_by_batch(self) -> bool:
        """Whether activations are rounded on a scale that the whole batch decides."""
        return any(name.startswith("DynamicQuantize") for name in self.operators)


def read_onnx_header(path: Path) -> OnnxHeader:
    """Read the names and sizes in an ONNX file.

    Raises
    ------
    UnsupportedModel
        The file is not an ONNX model, or is truncated.
    """
    operators: set[str] = set()
    types: set[int] = set()
    external: set[str] = set()
    parameters = 0
    try:
        model = np.memmap(path, dtype=np.uint8, mode="r").data
        operators.update(_operators(model))
        for element_type, size, locations in _weights(model):
            types.add(element_type)
            external.update(locations)
            parameters += size
    except (ValueError, IndexError) as error:
        raise UnsupportedModel(f"{path} is not a whole ONNX model: fetch it again") from error
    if not operators:
        raise UnsupportedModel(f"{path} is not an ONNX model: it has no operators")
    return OnnxHeader(frozenset(operators), frozenset(types), parameters, tuple(sorted(external)))


def _is_quantised(operator: str) -> bool:
    return operator.startswith(("DynamicQuantize", "QLinear", "Dequantize", "QAttention")) or (
        operator in ("MatMulInteger", "MatMulNBits", "QGemm", "MatMulIntegerToFloat")
    )


def _operators(model: memoryview) -> Iterator[str]:
    for number, part in _fields(model):
        node_number = {_MODEL_GRAPH: _GRAPH_NODE, _MODEL_FUNCTIONS: _FUNCTION_NODE}.get(number)
        if node_number is None or isinstance(part, int):
            continue
        for field, node in _fields(part):
            if field == node_number and not isinstance(node, int):
                yield from _texts(node, _NODE_OPERATOR)


def _weights(model: memoryview) -> Iterator[tuple[int, int, list[str]]]:
    """Element type, count of numbers and external files of each initialiser."""
    for number, graph in _fields(model):
        if number != _MODEL_GRAPH or isinstance(graph, int):
            continue
        for field, tensor in _fields(graph):
            if field == _GRAPH_INITIALIZER and not isinstance(tensor, int):
                yield _weight(tensor)


def _weight(tensor: memoryview) -> tuple[int, int, list[str]]:
    sizes: list[int] = []
    element_type = 0
    files: list[str] = []
    for field, value in _fields(tensor):
        if field == _TENSOR_DIMS:
            sizes.extend([value] if isinstance(value, int) else _packed(value))
        elif field == _TENSOR_TYPE and isinstance(value, int):
            element_type = value
        elif field == _TENSOR_EXTERNAL and not isinstance(value, int):
            is_location = list(_texts(value, _ENTRY_KEY)) == ["location"]
            files.extend(_texts(value, _ENTRY_VALUE) if is_location else ())
    is_float = element_type in (_FLOAT32, _FLOAT16, _FLOAT64, _BFLOAT16)
    counted = len(sizes) > 1 or (is_float and len(sizes) == 1)
    return element_type, math.prod(sizes) if counted else 0, files


def _texts(message: memoryview, wanted: int) -> Iterator[str]:
    for number, value in _fields(message):
        if number == wanted and not isinstance(value, int):
            yield bytes(value).decode("utf-8")


def _packed(values: memoryview) -> Iterator[int]:
    position = 0
    while position < len(values):
        value, position = _varint(values, position)
        yield value


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Field numbers and values of a message; ValueError or IndexError when it is damaged."""
    position, end = 0, len(message)
    while position < end:
        tag, position = _varint(message, position)
        kind = tag & 7
        if kind == _NUMBER:
            value, position = _varint(message, position)
            yield tag >> 3, value
            continue
        if kind == _BYTES:
            length, position = _varint(message, position)
        elif kind in (_FOUR_BYTES, _EIGHT_BYTES):
            length = 4 if kind == _FOUR_BYTES else 8
        else:
            raise ValueError(f"no such kind of field: {kind}")
        if position + length > end:
            raise ValueError("a field is longer than what holds it")
        yield tag >> 3, message[position : position + length]
        position += length


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    """Read a number of 7 bits a byte, lowest first; returns it and the place behind it."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")
