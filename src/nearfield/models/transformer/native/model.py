"""An encoder inside the library: weights handed over once, then batch after batch."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable, Mapping
from enum import IntEnum

import numpy as np

from nearfield.errors import ModelError, UnsupportedModel
from nearfield.models.transformer.config import Activation, EncoderShape
from nearfield.models.transformer.graph import relative_buckets
from nearfield.models.transformer.native import library as native
from nearfield.models.transformer.native.panels import PanelFile, address, empty
from nearfield.models.transformer.runtime import TokenBatch
from nearfield.types import FloatArray

__all__ = ["NativeModel", "NativePooling", "is_built_in", "is_finite"]

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
        words and positions are read where they lie and kept alive here; the rest is read only
        where it is not in the cache.
    kernel : str
        Name of a usable kernel.
    threads : int
        Cores to use.
    identity : str
        Digest of the weights, under which they are kept in the kernel's order; without one
        they are ordered again by every process.

    Raises
    ------
    UnsupportedModel
        A small ELECTRA (its embeddings are narrower than its layers), or what the library
        refuses.
    ModelError
        A weight is NaN or infinite.
    """

    def __init__(
        self,
        shape: EncoderShape,
        weights: Mapping[str, FloatArray],
        kernel: str,
        threads: int,
        *,
        identity: str = "",
    ) -> None:
        if not is_built_in(shape):
            raise UnsupportedModel(
                f"embeddings of {shape.embedding} widened to {shape.hidden} dimensions are not "
                "built into the native encoder"
            )
        self.shape = shape
        self.kernel = kernel
        self.threads = threads
        self._tables = {name: _plain(weights[name]) for name in ("words", "positions")}
        try:
            given = _shape(shape)
            panels = _panels(shape, given, weights, kernel, threads, identity)
            addresses = (self._tables["words"].ctypes.data, self._tables["positions"].ctypes.data)
            self._handle = native.new_model(given, kernel, addresses, address(panels), len(panels))
        except ValueError as error:
            raise UnsupportedModel(f"the native encoder refuses the model: {error}") from error
        # What the model reads goes after the model.
        free = native.library().nf_model_free
        weakref.finalize(self, _free, free, self._handle, panels, self._tables)

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
        ModelError
            A result is NaN or infinite.
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
        if not is_finite(out):
            raise self._not_finite(out, TokenBatch(ids, borders), pooling)
        return out

    def _not_finite(self, out: FloatArray, batch: TokenBatch, pooling: NativePooling) -> ModelError:
        """Say which text it was, and which row of the tables, as those are not checked before."""
        row = int(np.flatnonzero(~np.isfinite(out).all(axis=1))[0])
        text = row
        if pooling is NativePooling.TOKENS:
            text = int(np.searchsorted(batch.borders, row, side="right")) - 1
        ids = batch.ids[batch.borders[text] : batch.borders[text + 1]]
        words = [int(i) for i in ids if not is_finite(self._tables["words"][i])]
        cause = "numbers beyond what this precision holds"
        if words:
            cause = f"row {words[0]} of the word table holds NaN or infinite values"
        elif not is_finite(self._tables["positions"]):
            cause = "the position table holds NaN or infinite values"
        shown = " ".join(map(str, ids[:8])) + (" …" if len(ids) > 8 else "")
        return ModelError(
            f"text {text} of its batch (token ids {shown}) gives NaN or infinite vectors: {cause}. "
            "The model's files are damaged: fetch them again"
        )


def is_built_in(shape: EncoderShape) -> bool:
    """Whether the library has everything that this shape needs."""
    return shape.embedding == shape.hidden


def is_finite(array: FloatArray) -> bool:
    """Whether no element is NaN or infinite; the sum tells it quickly where none is."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(array.sum())) or bool(np.isfinite(array).all())


def _free(free: Callable[[ctypes.c_void_p], None], handle: ctypes.c_void_p, *_read: object) -> None:
    free(handle)


def _panels(
    shape: EncoderShape,
    given: native.Shape,
    weights: Mapping[str, FloatArray],
    kernel: str,
    threads: int,
    identity: str,
) -> memoryview:
    """Weights in the kernel's order: out of the cache, or made and put there."""
    size = native.panels_bytes(given, kernel)
    if not identity:
        return _ordered(shape, given, weights, kernel, threads, size)
    key = f"{identity}|{kernel}|{shape!r}"
    file = PanelFile(native.build(), key, native.library().nf_checksum)
    panels = file.load(size)
    if panels is None:
        panels = _ordered(shape, given, weights, kernel, threads, size)
        file.store(panels)
    return panels


def _ordered(
    shape: EncoderShape,
    given: native.Shape,
    weights: Mapping[str, FloatArray],
    kernel: str,
    threads: int,
    size: int,
) -> memoryview:
    kept: list[FloatArray] = []  # alive until everything is copied

    def pointer(name: str, array: FloatArray) -> int:
        if not is_finite(array):
            raise ModelError(
                f"the weight {name!r} holds NaN or infinite values: the model's files are "
                "damaged, fetch them again"
            )
        kept.append(_plain(array))
        return kept[-1].ctypes.data

    layers = (native.LayerWeights * shape.layers)()
    for i in range(shape.layers):
        for part in native.LAYER_PARTS:
            name = f"layers.{i}.{part}"
            setattr(layers[i], part.replace(".", "_"), pointer(name, weights[name]))
    values = native.Weights(
        norm_weight=pointer("embedding_norm.weight", weights["embedding_norm.weight"]),
        norm_bias=pointer("embedding_norm.bias", weights["embedding_norm.bias"]),
        layers=layers,
    )
    if shape.token_types:
        # A single text is of type 0 throughout.
        values.token_type = pointer("token_types", weights["token_types"][0])
    if shape.relative_buckets:
        by_distance = _bias_by_distance(shape, weights["relative_bias"])
        values.relative_bias = pointer("relative_bias", by_distance)
    panels = empty(size)
    native.fill_panels(given, values, kernel, threads, address(panels), size)
    return panels


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
        relative=int(bool(shape.relative_buckets)),
        norm_epsilon=shape.norm_epsilon,
    )


def _bias_by_distance(shape: EncoderShape, by_bucket: FloatArray) -> FloatArray:
    """MPNet's bias of each distance key - query + positions - 1: (heads, 2 positions - 1)."""
    return _plain(by_bucket[relative_buckets(shape.positions)].T)


def _plain(array: FloatArray) -> FloatArray:
    """Row after row, aligned: mapped files may begin their numbers anywhere."""
    return np.require(array, np.float32, ["C_CONTIGUOUS", "ALIGNED"])
