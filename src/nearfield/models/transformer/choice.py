"""Which runtime computes a model on this machine, and why.

The rules are measured on all-MiniLM-L6-v2 with blocks of source code, at most 256 tokens each:
tokens a second relative to ONNX Runtime in fp32, medians of one interleaved run on two busy
cores with AVX512-BF16.

============  =====  ====
runtime       exact  fast
============  =====  ====
native        1.8    3.4
OpenVINO      1.3    2.2
ONNX Runtime  1      none
============  =====  ====

So the native encoder serves wherever it has a kernel for the processor and the shape, then
OpenVINO where it is installed, then ONNX Runtime, which is always there. A graphics card takes
over for models of more than 80 million weights only, a limit that is not measured: smaller ones
are done before a card is worth starting. The argument ``runtime`` and the environment variable
``NEARFIELD_RUNTIME`` name one instead.
"""

from __future__ import annotations

import importlib.util
import math
import os
from dataclasses import dataclass
from enum import StrEnum

from nearfield.errors import InputError, MissingExtra, UnsupportedOperation
from nearfield.models.precision import Precision
from nearfield.models.transformer.config import EncoderShape
from nearfield.models.transformer.names import expected_shapes

__all__ = ["RUNTIME_VARIABLE", "Choice", "RuntimeName", "choose", "fast_is_possible", "named"]

RUNTIME_VARIABLE = "NEARFIELD_RUNTIME"
"""Environment variable that names the runtime to use."""

_LARGE = 80_000_000


class RuntimeName(StrEnum):
    """What can compute a built-in family; the last four are ONNX Runtime on a graphics card."""

    NATIVE = "native"
    OPENVINO = "openvino"
    ONNXRUNTIME = "onnxruntime"
    CUDA = "cuda"
    ROCM = "rocm"
    DIRECTML = "directml"
    COREML = "coreml"


# CoreML is missing: it comes with every ONNX Runtime for macOS and may compute in fp16.
_GPU_PACKAGES = {
    "onnxruntime-gpu": RuntimeName.CUDA,
    "onnxruntime-rocm": RuntimeName.ROCM,
    "onnxruntime-directml": RuntimeName.DIRECTML,
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A runtime for a model.

    Attributes
    ----------
    runtime : RuntimeName
    precision : Precision
    why : str
        For people.
    """

    runtime: RuntimeName
    precision: Precision
    why: str


def named(runtime: str | None) -> RuntimeName | None:
    """Return the runtime that the argument or else the environment names, if any.

    Raises
    ------
    InputError
        There is none of that name.
    """
    word = runtime or os.environ.get(RUNTIME_VARIABLE)
    if not word:
        return None
    try:
        return RuntimeName(word)
    except ValueError:
        origin = "runtime" if runtime else RUNTIME_VARIABLE
        raise InputError(
            f"{origin} is {word!r}, expected one of {', '.join(RuntimeName)}"
        ) from None


def choose(
    shape: EncoderShape,
    precision: Precision,
    *,
    wanted: RuntimeName | None = None,
    card: bool = True,
) -> Choice:
    """Choose what computes an encoder of `shape` in a precision class.

    Parameters
    ----------
    shape : EncoderShape
    precision : Precision
    wanted : RuntimeName, optional
        Take this one.
    card : bool
        Whether a graphics card may be chosen.

    Raises
    ------
    UnsupportedOperation
        Nothing here (or not the one that is wanted) computes this class; the message says
        what would.
    MissingExtra
        The wanted runtime is not installed.
    """
    if precision is Precision.SMALL:
        raise UnsupportedOperation(
            "precision 'small' is for ONNX files that hold int8 weights, and this model has others:"
            " use 'exact', 'fast' or 'auto'"
        )
    if wanted is not None:
        return _named(shape, precision, wanted)
    found = _installed_card() if card and _parameters(shape) > _LARGE else None
    if found is not None and precision is Precision.EXACT:
        return Choice(found, precision, f"a large model, and ONNX Runtime for {found} is installed")
    lacking = _native_lacks(shape, precision)
    if lacking is None:
        return Choice(RuntimeName.NATIVE, precision, "the native encoder has a kernel for it")
    if _openvino_computes(precision):
        return Choice(RuntimeName.OPENVINO, precision, f"{lacking}; OpenVINO is the next fastest")
    if precision is Precision.FAST:
        raise _no_fast(lacking)
    return Choice(RuntimeName.ONNXRUNTIME, precision, f"{lacking}; ONNX Runtime is always there")


def fast_is_possible() -> bool:
    """Whether anything here computes the class ``fast`` for the common shapes."""
    from nearfield.models.transformer.native.library import choose as kernel

    return kernel(Precision.FAST) is not None or _openvino_computes(Precision.FAST)


def _named(shape: EncoderShape, precision: Precision, wanted: RuntimeName) -> Choice:
    by_name = "chosen by name"
    if wanted is RuntimeName.NATIVE:
        lacking = _native_lacks(shape, precision)
        if lacking is not None:
            raise UnsupportedOperation(f"the native encoder cannot serve: {lacking}")
        return Choice(wanted, precision, by_name)
    if wanted is RuntimeName.OPENVINO:
        if not _has_openvino():
            raise MissingExtra("the runtime openvino", "openvino")
        if not _openvino_computes(precision):
            raise _no_fast("OpenVINO computes bf16 on other processors only")
        return Choice(wanted, precision, by_name)
    if precision is Precision.FAST:
        raise _no_fast(f"the runtime {wanted} computes fp32 only")
    return Choice(wanted, precision, by_name)


def _no_fast(reason: str) -> UnsupportedOperation:
    return UnsupportedOperation(
        "precision 'fast' needs a processor with AVX512-BF16 or AMX, and the compiled part or the "
        f"extra 'openvino'; here: {reason}. Use precision='exact'"
    )


def _native_lacks(shape: EncoderShape, precision: Precision) -> str | None:
    """Why the native encoder does not serve, or None if it does."""
    from nearfield.models.transformer.native.library import available, choose, chosen_by_name
    from nearfield.models.transformer.native.model import is_built_in
    from nearfield.models.transformer.runtimes import native

    if not is_built_in(shape):
        return "its embeddings are narrower than its layers, which the native encoder lacks"
    if chosen_by_name() == "none":
        return "the native encoder is switched off"
    if choose(precision) is None:
        found = available()
        return f"no native kernel of the class '{precision}' ({found.reason})"
    if precision is Precision.EXACT and not native.is_fastest(shape):
        return "the native encoder has only its plain kernel for this processor"
    return None


def _openvino_computes(precision: Precision) -> bool:
    if not _has_openvino():
        return False
    if precision is Precision.EXACT:
        return True
    from nearfield.models.transformer.runtimes.openvino import has_bf16

    return has_bf16()


def _has_openvino() -> bool:
    return importlib.util.find_spec("openvino") is not None


def _installed_card() -> RuntimeName | None:
    """Graphics card that an installed build of ONNX Runtime is for; asked without importing it."""
    import importlib.metadata

    for package, runtime in _GPU_PACKAGES.items():
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
        return runtime
    return None


def _parameters(shape: EncoderShape) -> int:
    return sum(math.prod(size) for size in expected_shapes(shape).values())
