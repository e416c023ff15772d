"""The native encoder as a runtime: packed batches in, no padding anywhere."""

from __future__ import annotations

import os
from collections.abc import Mapping

from nearfield.errors import UnsupportedOperation
from nearfield.models.transformer.config import EncoderShape
from nearfield.models.transformer.native.library import Kernel, available, choose, kernels
from nearfield.models.transformer.native.model import NativeModel, NativePooling
from nearfield.models.transformer.pooling import PoolingMode
from nearfield.models.transformer.runtime import Precision, TokenBatch
from nearfield.types import FloatArray

__all__ = ["KERNEL_VARIABLE", "NativeEncoder", "NativeSentences", "find_kernel", "open_native"]

KERNEL_VARIABLE = "NEARFIELD_NATIVE_KERNEL"
"""Environment variable that names a kernel, to measure or to test one."""

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


def find_kernel(precision: Precision) -> Kernel:
    """Return the kernel to compute with.

    Raises
    ------
    UnsupportedOperation
        There is none of this precision here; the message says why and what serves instead.
    """
    named = os.environ.get(KERNEL_VARIABLE)
    found = available()
    if named and found.usable:
        by_name = {kernel.name: kernel for kernel in kernels() if kernel.usable}
        if named in by_name and by_name[named].precision is precision:
            return by_name[named]
    kernel = choose(precision)
    if kernel is None:
        raise UnsupportedOperation(
            f"precision {str(precision)!r} cannot be computed here: {found.reason}. "
            f"Use precision={str(Precision.EXACT)!r}"
        )
    return kernel


def open_native(
    shape: EncoderShape,
    weights: Mapping[str, FloatArray],
    precision: Precision,
    modes: tuple[PoolingMode, ...] = (),
) -> NativeEncoder:
    """Make the runtime of an encoder, pooling included where `modes` is built in.

    Raises
    ------
    UnsupportedOperation
        No kernel of this precision is usable here.
    UnsupportedModel
        The shape is not built in.
    """
    kernel = find_kernel(precision)
    model = NativeModel(shape, weights, kernel.name, _cores())
    if modes in _POOLINGS:
        return NativeSentences(model, kernel, _POOLINGS[modes])
    return NativeEncoder(model, kernel)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
