"""An encoder inside the library: weights handed over once, then batch after batch."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Mapping
from enum import IntEnum

import numpy as np

from nearfield.errors import UnsupportedModel
from nearfield.models.transformer.config import Activation, EncoderShape
from nearfield.models.transformer.graph import relative_buckets
from nearfield.models.transformer.native import library as native
from nearfield.models.transformer.runtime import TokenBatch
from nearfield.types import FloatArray

__all__ = ["NativeModel", "NativePooling", "is_built_in"]

_ACTIVATIONS = (
    Activation.GELU,
    Activation.GELU_TANH,
    Activation.RELU,
    Activation.SILU,
    Activation.TANH,
)  # in the order of nf_activation


class NativePooling(IntEnum):
    """``nf_pooling``: what comes back for a batch."""

    TOKENS = 0
    MEAN = 1
    CLS = 2


class NativeModel:
    """One encoder on one kernel. Safe to use from several threads; calls release the GIL.

    Parameters
    ----------
    shape : EncoderShape
    weights : mapping of str to ndarray of float32
        By the names of :func:`~nearfield.models.transformer.names.expected_shapes`. The tables of
        words and positions are read where they lie and kept alive here.
    kernel : str
        Name of a usable kernel.
    threads : int
        Cores to use.

    Raises
    ------
    UnsupportedModel
        A small ELECTRA (its embeddings are narrower than its layers), or what the library
        refuses.
    """

    def __init__(
        self, shape: EncoderShape, weights: Mapping[str, FloatArray], kernel: str, threads: int
    ) -> None:
        if not is_built_in(shape):
            raise UnsupportedModel(
                f"embeddings of {shape.embedding} widened to {shape.hidden} dimensions are not "
                "built into the native encoder"
            )
        self.shape = shape
        self.kernel = kernel
        self.threads = threads
        self._tables = [_plain(weights["words"]), _plain(weights["positions"])]
        try:
            self._handle = _create(shape, weights, self._tables, kernel, threads)
        except ValueError as error:
            raise UnsupportedModel(f"the native encoder refuses the model: {error}") from error
        weakref.finalize(self, native.library().nf_model_free, self._handle)

    def encode(self, batch: TokenBatch, pooling: NativePooling) -> FloatArray:
        """Compute a batch.

        Returns
        -------
        ndarray of float32
            Shape (tokens, hidden), or (texts, hidden) where it pools.

        Raises
        ------
        ValueError
            A token id, border or length that the model has no room for.
        """
        ids = np.ascontiguousarray(batch.ids, dtype=np.int64)
        borders = np.ascontiguousarray(batch.borders, dtype=np.int64)
        texts = len(borders) - 1
        rows = len(ids) if pooling is NativePooling.TOKENS else texts
        out = np.empty((rows, self.shape.hidden), dtype=np.float32)
        message = ctypes.create_string_buffer(256)
        status = native.library().nf_encode(
            self._handle, ids.ctypes.data, len(ids), borders.ctypes.data, texts, pooling,
            out.ctypes.data, out.size, self.threads, message, len(message),
        )  # fmt: skip
        native.check(status, message)
        return out


def is_built_in(shape: EncoderShape) -> bool:
    """Whether the library has everything that this shape needs."""
    return shape.embedding == shape.hidden


def _create(
    shape: EncoderShape,
    weights: Mapping[str, FloatArray],
    tables: list[FloatArray],
    kernel: str,
    threads: int,
) -> ctypes.c_void_p:
    kept: list[FloatArray] = []  # alive until everything is copied

    def pointer(array: FloatArray | None) -> int | None:
        if array is None:
            return None
        kept.append(_plain(array))
        return kept[-1].ctypes.data

    layers = (native.LayerWeights * shape.layers)()
    for i in range(shape.layers):
        for part in native.LAYER_PARTS:
            setattr(layers[i], part.replace(".", "_"), pointer(weights[f"layers.{i}.{part}"]))
    given = native.Weights(
        words=tables[0].ctypes.data,
        positions=tables[1].ctypes.data,
        # A single text is of type 0 throughout.
        token_type=pointer(weights["token_types"][0] if shape.token_types else None),
        norm_weight=pointer(weights["embedding_norm.weight"]),
        norm_bias=pointer(weights["embedding_norm.bias"]),
        relative_bias=pointer(_bias_by_distance(shape, weights)),
        layers=layers,
    )
    return native.new_model(_shape(shape), given, kernel, threads)


def _shape(shape: EncoderShape) -> native.Shape:
    return native.Shape(
        layers=shape.layers,
        hidden=shape.hidden,
        heads=shape.heads,
        intermediate=shape.intermediate,
        vocabulary=shape.vocabulary,
        positions=shape.positions,
        padding_id=-1 if shape.padding_id is None else shape.padding_id,
        activation=_ACTIVATIONS.index(shape.activation),
        norm_epsilon=shape.norm_epsilon,
    )


def _bias_by_distance(shape: EncoderShape, weights: Mapping[str, FloatArray]) -> FloatArray | None:
    """MPNet's bias of each distance key - query + positions - 1: (heads, 2 positions - 1)."""
    if not shape.relative_buckets:
        return None
    by_bucket: FloatArray = weights["relative_bias"]
    return _plain(by_bucket[relative_buckets(shape.positions)].T)


def _plain(array: FloatArray) -> FloatArray:
    """Row after row, aligned: mapped files may begin their numbers anywhere."""
    return np.require(array, np.float32, ["C_CONTIGUOUS", "ALIGNED"])
