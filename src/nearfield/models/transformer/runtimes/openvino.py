"""OpenVINO (extra ``openvino``): fp32, and bf16 where the processor multiplies it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from nearfield.cores import usable_cores
from nearfield.models.transformer import graph
from nearfield.models.transformer.config import EncoderShape
from nearfield.models.transformer.runtime import Precision, TokenBatch, pad, unpad
from nearfield.types import FloatArray

if TYPE_CHECKING:
    import openvino

__all__ = ["OpenVinoEncoder", "has_bf16"]

# Rows of a multiple of 8 tokens are 8% faster, and few widths mean few shapes to prepare.
_WIDTH_MULTIPLE = 8

# Best of 1k to 16k on MiniLM, as far as differences show: 34, 36, 38, 35, 30 thousand tokens/s.
_BATCH_TOKENS = 4096

_HINTS = {Precision.EXACT: "f32", Precision.FAST: "bf16"}


class OpenVinoEncoder:
    """A built-in encoder graph.

    Safe to use from several threads; they take turns.

    Parameters
    ----------
    shape : EncoderShape
    weights : mapping of str to ndarray of float32
        By the names of :func:`~nearfield.models.transformer.names.expected_shapes`.
    padding_id : int
        Token id that fills rows; it is masked, so its value never matters.
    precision : Precision
        EXACT or FAST.
    """

    name = "openvino"
    max_batch_tokens = _BATCH_TOKENS

    def __init__(
        self,
        shape: EncoderShape,
        weights: Mapping[str, FloatArray],
        padding_id: int,
        precision: Precision,
    ) -> None:
        self.precision = precision
        self._padding_id = padding_id
        self._longest = shape.max_tokens
        compiled = _core().compile_model(
            _model(shape, weights),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": _HINTS[precision],
                "INFERENCE_NUM_THREADS": usable_cores(),
                "NUM_STREAMS": 1,
            },
        )
        self._request = compiled.create_infer_request()
        self._turn = threading.Lock()

    def hidden_states(self, batch: TokenBatch) -> FloatArray:
        ids, given = pad(batch, self._padding_id, multiple=_WIDTH_MULTIPLE, longest=self._longest)
        inputs = {"input_ids": ids, "attention_mask": given.astype(np.int64)}
        with self._turn:
            (states,) = self._request.infer(inputs, share_inputs=True, share_outputs=True).values()
            # The output's memory is used again by the next call.
            return np.array(unpad(states, given), dtype=np.float32)


@cache
def has_bf16() -> bool:
    """Whether OpenVINO computes bf16 on this processor without emulating it."""
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@cache
def _core() -> openvino.Core:
    import openvino

    return openvino.Core()


def _model(shape: EncoderShape, weights: Mapping[str, FloatArray]) -> openvino.Model:
    """Read the ONNX graph and put the weights where it asks for them."""
    from openvino import opset13

    model = _core().read_model(graph.cached(shape, weights_as_inputs=True))
    for parameter in model.get_parameters():
        name = parameter.get_friendly_name()
        if name in weights:
            # Copied, because OpenVINO shares only memory that it could write to. The copy goes
            # as soon as the model is compiled.
            constant = opset13.constant(weights[name])
            parameter.output(0).replace(constant.output(0))
            model.remove_parameter(parameter)
    model.validate_nodes_and_infer_types()
    return model
