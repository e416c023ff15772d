"""From weights and a choice to a runtime."""

from __future__ import annotations

from collections.abc import Mapping

from nearfield.models.transformer import graph
from nearfield.models.transformer.choice import Choice, RuntimeName
from nearfield.models.transformer.config import EncoderShape
from nearfield.models.transformer.pooling import PoolingMode
from nearfield.models.transformer.runtimes.native import NativeEncoder, open_native
from nearfield.models.transformer.runtimes.onnxruntime import OnnxEncoder
from nearfield.models.transformer.runtimes.openvino import OpenVinoEncoder
from nearfield.types import FloatArray

__all__ = ["open_runtime"]


def open_runtime(
    shape: EncoderShape,
    weights: Mapping[str, FloatArray],
    choice: Choice,
    *,
    padding_id: int,
    modes: tuple[PoolingMode, ...] = (),
    identity: str = "",
) -> NativeEncoder | OpenVinoEncoder | OnnxEncoder:
    """Make the runtime that a choice stands for.

    Parameters
    ----------
    shape : EncoderShape
    weights : mapping of str to ndarray of float32
        By our names.
    choice : Choice
    padding_id : int
        Fills the rectangles of runtimes that work on these.
    modes : tuple of PoolingMode
        Poolings that the runtime may do by itself.
    identity : str
        Digest of the weights, under which the native encoder keeps them in its own order.
    """
    if choice.runtime is RuntimeName.NATIVE:
        return open_native(shape, weights, choice.precision, modes, identity=identity)
    if choice.runtime is RuntimeName.OPENVINO:
        return OpenVinoEncoder(shape, weights, padding_id, choice.precision)
    return OnnxEncoder(
        graph.cached(shape),
        weights,
        padding_id,
        longest=shape.max_tokens,
        runtime=choice.runtime,
    )
