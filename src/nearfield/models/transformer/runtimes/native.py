"""The native encoder as a runtime: packed batches in, no padding anywhere."""

from __future__ import annotations

from collections.abc import Mapping

from nearfield.cores import usable_cores
from nearfield.errors import UnsupportedOperation
from nearfield.models.transformer.config import EncoderShape
from nearfield.models.transformer.native.library import Kernel, available, choose, chosen_by_name
from nearfield.models.transformer.native.model import NativeModel, NativePooling, is_built_in
from nearfield.models.transformer.pooling import PoolingMode
from nearfield.models.transformer.runtime import Precision, TokenBatch
from nearfield.types import FloatArray

__all__ = ["NativeEncoder", "NativeSentences", "is_fastest", "open_native"]

# A batch is cut into blocks that fit the caches; it has to be large only to keep every core busy
# until its end.
_BATCH_TOKENS = 16_384

_POOLINGS = {
    (PoolingMode.MEAN,): NativePooling.MEAN,
    (PoolingMode.CLS,): NativePooling.CLS,
}


class NativeEncoder:
    """Token vectors from the native encoder.

    Parameters
    ----------
    model : NativeModel
    kernel : Kernel
        What it computes with.
    """

    max_batch_tokens = _BATCH_TOKENS

    def __init__(self, model: NativeModel, kernel: Kernel) -> None:
        self.name = f"native-{kernel.name}"
        self.precision = kernel.precision
        self._model = model

    def hidden_states(self, batch: TokenBatch) -> FloatArray:
        return self._model.encode(batch, NativePooling.TOKENS)


class NativeSentences(NativeEncoder):
    """Token vectors, and pooled ones: most models want the mean or the first token's vector.

    Pooling where the vectors are computed spares writing and reading all tokens' vectors.
    """

    def __init__(self, model: NativeModel, kernel: Kernel, pooling: NativePooling) -> None:
        super().__init__(model, kernel)
        self._pooling = pooling

    def sentences(self, batch: TokenBatch) -> FloatArray:
        return self._model.encode(batch, self._pooling)


def is_fastest(shape: EncoderShape) -> bool:
    """Whether the native encoder is the fastest runtime for exact vectors of this shape here.

    Measured on all-MiniLM-L6-v2: 2 times ONNX Runtime with AVX-512, even with it on AVX2, and
    behind its hand-written kernels where only plain C is left.
    """
    kernel = choose(Precision.EXACT)
    named = chosen_by_name()
    return (
        kernel is not None
        and (kernel.name != "plain" or kernel.name == named)
        and is_built_in(shape)
    )


def open_native(
    shape: EncoderShape,
    weights: Mapping[str, FloatArray],
    precision: Precision,
    modes: tuple[PoolingMode, ...] = (),
    *,
    identity: str = "",
) -> NativeEncoder:
    """Make the runtime of an encoder, pooling included where `modes` is built in.

    Parameters
    ----------
    shape : EncoderShape
    weights : mapping of str to ndarray of float32
        By our names; layers are asked for only where the cache does not hold them.
    precision : Precision
    modes : tuple of PoolingMode
    identity : str
        Digest of the weights' files, under which the cache keeps them in the kernel's order;
        without one nothing is kept.

    Raises
    ------
    UnsupportedOperation
        No kernel of this precision is usable here.
    UnsupportedModel
        The shape is not built in.
    ModelError
        A weight is NaN or infinite.
    """
    kernel = choose(precision)
    if kernel is None:
        raise UnsupportedOperation(
            f"precision {str(precision)!r} needs a processor with AVX512-BF16 or AMX and the "
            f"compiled part; here: {available().reason}. Use precision={str(Precision.EXACT)!r}"
        )
    model = NativeModel(shape, weights, kernel.name, usable_cores(), identity=identity)
    if modes in _POOLINGS:
        return NativeSentences(model, kernel, _POOLINGS[modes])
    return NativeEncoder(model, kernel)
