"""ONNX Runtime's execution providers: the processor, or a graphics card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from nearfield.errors import UnsupportedOperation
from nearfield.models.transformer.choice import RuntimeName

__all__ = ["Provider", "providers"]

Provider: TypeAlias = tuple[str, dict[str, str]]

_CPU: Provider = ("CPUExecutionProvider", {})

_CARDS: dict[RuntimeName, Provider] = {
    # TensorFloat-32 keeps 10 bits of each factor, which is not the class "exact".
    RuntimeName.CUDA: ("CUDAExecutionProvider", {"use_tf32": "0"}),
    RuntimeName.ROCM: ("ROCMExecutionProvider", {}),
    RuntimeName.DIRECTML: ("DmlExecutionProvider", {}),
    RuntimeName.COREML: (
        "CoreMLExecutionProvider",
        # The neural engine computes in fp16.
        {"ModelFormat": "MLProgram", "MLComputeUnits": "CPUAndGPU"},
    ),
}


def providers(runtime: RuntimeName, available: Sequence[str]) -> list[Provider]:
    """Return the providers of a runtime, the preferred one first; the processor does the rest.

    Parameters
    ----------
    runtime : RuntimeName
        ``onnxruntime`` is the processor alone.
    available : sequence of str
        ``onnxruntime.get_available_providers()``.

    Raises
    ------
    UnsupportedOperation
        The installed ONNX Runtime is not built for this card.

    Examples
    --------
    >>> providers(RuntimeName.ONNXRUNTIME, ["CPUExecutionProvider"])
    [('CPUExecutionProvider', {})]
    """
    if runtime is RuntimeName.ONNXRUNTIME:
        return [_CPU]
    wanted = _CARDS[runtime]
    if wanted[0] not in available:
        raise UnsupportedOperation(
            f"the runtime {runtime} needs {wanted[0]}, and this ONNX Runtime offers "
            f"{', '.join(available)}: install the build of onnxruntime for the card, or choose "
            "another runtime"
        )
    return [wanted, _CPU]
