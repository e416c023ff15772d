"""An encoder's computation as an ONNX graph of standard operations, without its weights.

The graph follows the encoder of "Attention is all you need" (Vaswani et al. 2017,
https://arxiv.org/abs/1706.03762) in the post-norm form of BERT (Devlin et al. 2019). Weights are
declared but not stored: the runtime is handed the mapped tensors, so a graph takes a few
kilobytes. Built graphs are kept in the cache folder, which spares a warm start the import of
``onnx``.

Linear layers work on (batch·time, width) matrices, because a plain matrix product with a
transposed weight (Gemm) takes the weights just as they are stored.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from nearfield.models.transformer.config import Activation, EncoderShape
from nearfield.models.transformer.names import expected_shapes
from nearfield.paths import cache_dir
from nearfield.types import FloatArray, IntArray

if TYPE_CHECKING:
    import onnx

__all__ = ["GRAPH_VERSION", "build", "cached", "relative_buckets"]

GRAPH_VERSION = 1
"""Raised whenever `build` makes another graph of the same shape."""

# Operators of ONNX 1.15, which has Gelu; every supported ONNX Runtime knows them.
_OPSET = 20
_IR_VERSION = 9

# Element types by their numbers in the ONNX specification.
_FLOAT, _INT64 = 1, 7

# Masked keys get the lowest float32 added: finite, so that a row without any key is uniform
# rather than NaN.
_MASKED = float(np.finfo(np.float32).min)


def cached(shape: EncoderShape, *, weights_as_inputs: bool = False) -> bytes:
    """Return the graph of `shape`, built at most once for each graph version.

    An unreadable or damaged cache entry is built anew; an unwritable cache costs time only.
    """
    variant = " inputs" if weights_as_inputs else ""
    key = hashlib.sha256(f"{GRAPH_VERSION} {shape!r}{variant}".encode()).hexdigest()
    path = cache_dir() / "graphs" / f"{key}.onnx"
    try:
        digest, graph = _split(path.read_bytes())
    except OSError:
        digest, graph = b"", b""
    if graph and hashlib.sha256(graph).digest() == digest:
        return graph
    graph = build(shape, weights_as_inputs=weights_as_inputs)
    draft = path.with_name(f"{key}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(hashlib.sha256(graph).digest() + graph)
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return graph


def build(shape: EncoderShape, *, weights_as_inputs: bool = False) -> bytes:
    """Build the serialized ONNX model of `shape`.

    Parameters
    ----------
    shape : EncoderShape
    weights_as_inputs : bool
        Declare the weights as inputs instead, for a runtime that puts constants in their place.

    Returns
    -------
    bytes
        A model with the inputs ``input_ids`` and ``attention_mask``, int64 (batch, time), the
        output ``last_hidden_state``, float32 (batch, time, hidden), and one external
        initialiser for each name of :func:`~nearfield.models.transformer.names.expected_shapes`.
    """
    from onnx import TensorProto, helper

    writer = _Writer(shape)
    writer.encoder()
    batch_time = ["batch", "time"]
    weights = [] if weights_as_inputs else _declared_weights(shape)
    inputs = _weight_inputs(shape) if weights_as_inputs else []
    graph = helper.make_graph(
        writer.nodes,
        "encoder",
        inputs=[
            helper.make_tensor_value_info("input_ids", TensorProto.INT64, batch_time),
            helper.make_tensor_value_info("attention_mask", TensorProto.INT64, batch_time),
            *inputs,
        ],
        outputs=[
            helper.make_tensor_value_info(
                "last_hidden_state", TensorProto.FLOAT, [*batch_time, shape.hidden]
            )
        ],
        initializer=[*writer.constants.values(), *weights],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], producer_name="nearfield"
    )
    model.ir_version = _IR_VERSION
    serialized: bytes = model.SerializeToString()
    return serialized


def relative_buckets(positions: int) -> IntArray:
    """Return MPNet's bucket of each relative distance from -(positions - 1) to positions - 1.

    Half of the 32 buckets are for keys after the query; near distances have their own, far
    ones share one on a logarithmic scale up to 128 (Raffel et al. 2020, section 2.1, as used by
    Song et al. 2020, "MPNet").

    Examples
    --------
    >>> relative_buckets(4).tolist()
    [3, 2, 1, 0, 17, 18, 19]
    """
    half, exact, farthest = 16, 8, 128
    distance = np.arange(-(positions - 1), positions)
    length = np.abs(distance)
    # float32 like the reference: 16, 32 and 64 lie exactly on the border of two buckets.
    scaled = np.log(np.maximum(length, 1).astype(np.float32) / np.float32(exact))
    scaled = scaled / np.float32(math.log(farthest / exact)) * np.float32(half - exact)
    far = np.minimum(exact + scaled.astype(np.int64), half - 1)
    buckets: IntArray = np.where(length < exact, length, far) + np.where(distance > 0, half, 0)
    return buckets


class _Writer:
    """Appends nodes; each method takes and returns names of values."""

    def __init__(self, shape: EncoderShape) -> None:
        self.shape = shape
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.size = self.op("Shape", "input_ids")
        heads = self.integers([shape.heads, shape.head_size])
        self.by_head = self.op("Concat", self.size, heads, axis=0)

    def encoder(self) -> None:
        state = self.embeddings()
        bias = self.attention_bias()
        for i in range(self.shape.layers):
            state = self.layer(state, bias, f"layers.{i}.")
        width = self.integers([self.shape.hidden])
        whole = self.op("Concat", self.size, width, axis=0)
        self.op("Reshape", state, whole, output="last_hidden_state")

    def embeddings(self) -> str:
        """Sum of word, position and type vectors, normalised: (batch·time, hidden)."""
        shape = self.shape
        total = self.op("Gather", "words", "input_ids")
        if shape.token_types:
            # A single text is of type 0 throughout.
            total = self.op("Add", total, self.op("Gather", "token_types", self.integers(0)))
        total = self.op("Add", total, self.op("Gather", "positions", self.position_ids()))
        total = self.op("Reshape", total, self.integers([-1, shape.embedding]))
        state = self.norm(total, "embedding_norm")
        return state if shape.embedding == shape.hidden else self.linear(state, "project")

    def position_ids(self) -> str:
        padding = self.shape.padding_id
        if padding is None:
            return self.count_time()
        # Counted over the tokens that are not padding, also when a text spells the padding
        # token itself: position = padding + running count, or just padding.
        given = self.op("Not", self.op("Equal", "input_ids", self.integers(padding)))
        given = self.op("Cast", given, to=_INT64)
        count = self.op("CumSum", given, self.integers(1))
        return self.op("Add", self.op("Mul", count, given), self.integers(padding))

    def count_time(self) -> str:
        """0, 1 … time - 1."""
        time = self.op("Gather", self.size, self.integers(1))
        return self.op("Range", self.integers(0), time, self.integers(1))

    def attention_bias(self) -> str:
        """What is added to every layer's attention scores: (batch, heads or 1, 1 or time, time)."""
        mask = self.op("Cast", "attention_mask", to=_FLOAT)
        masked = self.op("Mul", self.op("Sub", self.floats(1.0), mask), self.floats(_MASKED))
        masked = self.op("Unsqueeze", masked, self.integers([1, 2]))
        if not self.shape.relative_buckets:
            return masked
        return self.op("Add", masked, self.relative_bias())

    def relative_bias(self) -> str:
        """MPNet's learned bias of each relative distance: (1, heads, time, time)."""
        reach = self.shape.positions
        by_distance = self.op(
            "Gather", "relative_bias", self.integers(relative_buckets(reach), "buckets")
        )
        index = self.count_time()
        key = self.op("Unsqueeze", index, self.integers([0]))
        query = self.op("Unsqueeze", index, self.integers([1]))
        distance = self.op("Add", self.op("Sub", key, query), self.integers(reach - 1))
        by_pair = self.op("Gather", by_distance, distance)
        by_head = self.op("Transpose", by_pair, perm=[2, 0, 1])
        return self.op("Unsqueeze", by_head, self.integers([0]))

    def layer(self, state: str, bias: str, prefix: str) -> str:
        attended = self.linear(self.attention(state, bias, prefix), f"{prefix}attended")
        state = self.norm(self.op("Add", attended, state), f"{prefix}attended_norm")
        wide = self.activation(self.linear(state, f"{prefix}widen"))
        narrow = self.linear(wide, f"{prefix}narrow")
        return self.norm(self.op("Add", narrow, state), f"{prefix}norm")

    def attention(self, state: str, bias: str, prefix: str) -> str:
        """softmax(Q Kᵀ / √d + bias) V, the heads side by side: (batch·time, hidden)."""
        query = self.linear(state, f"{prefix}query")
        # Scaling the queries costs time·width, scaling the scores would cost heads·time².
        query = self.op("Mul", query, self.floats(1.0 / math.sqrt(self.shape.head_size)))
        scores = self.op(
            "MatMul",
            self.split_heads(query, [0, 2, 1, 3]),
            self.split_heads(self.linear(state, f"{prefix}key"), [0, 2, 3, 1]),
        )
        shares = self.op("Softmax", self.op("Add", scores, bias), axis=-1)
        values = self.split_heads(self.linear(state, f"{prefix}value"), [0, 2, 1, 3])
        mixed = self.op("Transpose", self.op("MatMul", shares, values), perm=[0, 2, 1, 3])
        return self.op("Reshape", mixed, self.integers([-1, self.shape.hidden]))

    def split_heads(self, matrix: str, order: list[int]) -> str:
        return self.op("Transpose", self.op("Reshape", matrix, self.by_head), perm=order)

    def linear(self, matrix: str, name: str) -> str:
        return self.op("Gemm", matrix, f"{name}.weight", f"{name}.bias", transB=1)

    def norm(self, matrix: str, name: str) -> str:
        return self.op(
            "LayerNormalization",
            matrix,
            f"{name}.weight",
            f"{name}.bias",
            axis=-1,
            epsilon=self.shape.norm_epsilon,
        )

    def activation(self, value: str) -> str:
        match self.shape.activation:
            case Activation.GELU:
                return self.op("Gelu", value)
            case Activation.GELU_TANH:
                return self.op("Gelu", value, approximate="tanh")
            case Activation.RELU:
                return self.op("Relu", value)
            case Activation.TANH:
                return self.op("Tanh", value)
            case Activation.SILU:
                return self.op("Mul", value, self.op("Sigmoid", value))

    def op(
        self,
        kind: str,
        *inputs: str,
        output: str | None = None,
        **attributes: float | str | list[int],
    ) -> str:
        from onnx import helper

        name = output or f"{kind}_{len(self.nodes)}"
        node = helper.make_node(kind, list(inputs), [name], name=name)
        node.attribute.extend(helper.make_attribute(k, v) for k, v in attributes.items())
        self.nodes.append(node)
        return name

    def integers(self, value: int | list[int] | IntArray, name: str | None = None) -> str:
        return self._constant(np.asarray(value, dtype=np.int64), name or f"int_{value}")

    def floats(self, value: float) -> str:
        return self._constant(np.asarray(value, dtype=np.float32), f"float_{value}")

    def _constant(self, value: IntArray | FloatArray, name: str) -> str:
        from onnx import numpy_helper

        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(value, name)
        return name


def _declared_weights(shape: EncoderShape) -> list[onnx.TensorProto]:
    from onnx import TensorProto

    declared = []
    for name, size in expected_shapes(shape).items():
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=size)
        tensor.data_location = TensorProto.EXTERNAL
        # The place is never read: the runtime replaces the tensor before it looks.
        tensor.external_data.add(key="location", value="given-by-the-runtime")
        declared.append(tensor)
    return declared


def _weight_inputs(shape: EncoderShape) -> list[onnx.ValueInfoProto]:
    from onnx import TensorProto, helper

    return [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, size)
        for name, size in expected_shapes(shape).items()
    ]


def _split(entry: bytes) -> tuple[bytes, bytes]:
    return entry[:32], entry[32:]
