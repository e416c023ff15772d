"""ONNX Runtime: serves every built-in family, and models that come as ONNX files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nearfield.cores import usable_cores
from nearfield.errors import UnsupportedModel, UnsupportedOperation
from nearfield.models.transformer.choice import RuntimeName
from nearfield.models.transformer.runtime import (
    Precision,
    TokenBatch,
    pack,
    pad,
    unpad,
)
from nearfield.models.transformer.runtimes.providers import providers
from nearfield.types import FloatArray, IntArray

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["OnnxEncoder", "OnnxSentences", "OnnxTokens", "SessionInputs", "open_session"]

# The runtime plans its memory anew for every width; multiples of 8 are few.
_WIDTH_MULTIPLE = 8

# Best of 1k to 16k on MiniLM: smaller batches pay for starting, larger ones leave the cache.
_BATCH_TOKENS = 4096


class OnnxEncoder:
    """A built-in encoder graph with mapped weights.

    Parameters
    ----------
    graph : bytes
        From :func:`nearfield.models.transformer.graph.cached`.
    weights : mapping of str to ndarray of float32
        Every external initialiser of the graph; kept alive here, as nothing is copied.
    padding_id : int
        Token id that fills rows; it is masked, so its value never matters.
    longest : int, optional
        Rows of the model's table of positions.
    runtime : RuntimeName
        The processor (``onnxruntime``), or a graphics card.

    Raises
    ------
    UnsupportedOperation
        The card cannot be used.
    """

    precision = Precision.EXACT
    max_batch_tokens = _BATCH_TOKENS

    def __init__(
        self,
        graph: bytes,
        weights: Mapping[str, FloatArray],
        padding_id: int,
        *,
        longest: int | None = None,
        runtime: RuntimeName = RuntimeName.ONNXRUNTIME,
    ) -> None:
        import onnxruntime

        options = _options()
        self._weights = dict(weights)
        self._values = [
            onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in self._weights.values()
        ]
        options.add_external_initializers(list(self._weights), self._values)
        chosen = providers(runtime, onnxruntime.get_available_providers())
        self._session = onnxruntime.InferenceSession(graph, options, providers=chosen)
        # ONNX Runtime falls back to the processor by itself where a card does not start.
        if self._session.get_providers()[0] != chosen[0][0]:
            raise UnsupportedOperation(
                f"{chosen[0][0]} does not start here; ONNX Runtime's own message says why. Choose "
                "another runtime"
            )
        self.name = _name(runtime)
        self._padding_id = padding_id
        self._longest = longest

    def hidden_states(self, batch: TokenBatch) -> FloatArray:
        ids, given = pad(batch, self._padding_id, multiple=_WIDTH_MULTIPLE, longest=self._longest)
        (states,) = self._session.run(
            ["last_hidden_state"], {"input_ids": ids, "attention_mask": given.astype(np.int64)}
        )
        return unpad(states, given)


@dataclass(frozen=True, slots=True)
class SessionInputs:
    """How the inputs of somebody else's ONNX file are filled.

    Attributes
    ----------
    types : mapping of str to str
        ONNX Runtime's name of each input's type, such as ``"tensor(int64)"``.
    padding_id : int
    first_position : int
        Number of a text's first token where positions are an input.
    longest : int or None
        Rows of the model's table of positions, where known.
    one_by_one : bool
        Each text is computed alone and unpadded, because the file rounds activations on a
        scale that the whole batch would decide.
    """

    types: Mapping[str, str]
    padding_id: int
    first_position: int
    longest: int | None
    one_by_one: bool

    def fill(self, batch: TokenBatch) -> tuple[dict[str, npt.NDArray[Any]], npt.NDArray[np.bool_]]:
        """Return the inputs by name, and which tokens are a text's own."""
        multiple = 1 if self.one_by_one else _WIDTH_MULTIPLE
        ids, given = pad(batch, self.padding_id, multiple=multiple, longest=self.longest)
        values: dict[str, IntArray] = {
            "input_ids": ids,
            "attention_mask": given.astype(np.int64),
            "token_type_ids": np.zeros_like(ids),
            "position_ids": np.broadcast_to(
                np.arange(self.first_position, self.first_position + ids.shape[1]), ids.shape
            ),
        }
        filled = {
            name: np.ascontiguousarray(values[name], np.int32 if "int32" in kind else np.int64)
            for name, kind in self.types.items()
        }
        return filled, given


class _OnnxFile:
    """Somebody else's ONNX file.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
    inputs : SessionInputs
    output : str
        Name of the output that is taken.
    precision : Precision
        What its operators and weights amount to.
    """

    name = str(RuntimeName.ONNXRUNTIME)

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        inputs: SessionInputs,
        output: str,
        precision: Precision,
    ) -> None:
        self.precision = precision
        self.max_batch_tokens = 1 if inputs.one_by_one else _BATCH_TOKENS
        self._session = session
        self._inputs = inputs
        self._output = output

    def width(self) -> int:
        """Length of its vectors, tried on one token because files may leave it open."""
        return int(self._run(pack([np.zeros(1, dtype=np.int64)]))[0].shape[-1])

    def _run(self, batch: TokenBatch) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        """Return the output, and which places of the rectangle are a text's own tokens."""
        filled, given = self._inputs.fill(batch)
        (values,) = self._session.run([self._output], filled)
        return np.ascontiguousarray(values, dtype=np.float32), given


class OnnxTokens(_OnnxFile):
    """An ONNX file that gives the vectors of tokens."""

    def hidden_states(self, batch: TokenBatch) -> FloatArray:
        return unpad(*self._run(batch))


class OnnxSentences(_OnnxFile):
    """An ONNX file that gives one vector a text."""

    def sentences(self, batch: TokenBatch) -> FloatArray:
        return self._run(batch)[0]


def open_session(path: Path, *, threads: int | None = None) -> onnxruntime.InferenceSession:
    """Open an ONNX file, to be computed by `threads` threads or by all cores.

    Raises
    ------
    UnsupportedModel
        The file is damaged, or needs operators that ONNX Runtime does not know.
    """
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    try:
        return onnxruntime.InferenceSession(
            path, _options(threads), providers=["CPUExecutionProvider"]
        )
    except (state.Fail, state.InvalidGraph, state.InvalidProtobuf, state.NotImplemented,
            state.InvalidArgument, state.RuntimeException) as error:  # fmt: skip
        raise UnsupportedModel(f"{path} cannot be opened by ONNX Runtime: {error}") from error


def _name(runtime: RuntimeName) -> str:
    own = str(RuntimeName.ONNXRUNTIME)
    return own if runtime is RuntimeName.ONNXRUNTIME else f"{own}-{runtime}"


def _options(threads: int | None = None) -> onnxruntime.SessionOptions:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or usable_cores()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only: warnings about shapes help no user
    return options
