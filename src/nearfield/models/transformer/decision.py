"""Which class a model gets, and what computes it: requests, calibration and fallbacks."""

from __future__ import annotations

from typing import Protocol

from nearfield.errors import UnsupportedOperation
from nearfield.models.hashes import file_sha256
from nearfield.models.precision import Precision, preferred
from nearfield.models.transformer import calibration
from nearfield.models.transformer.choice import Choice, RuntimeName, choose
from nearfield.models.transformer.config import EncoderShape
from nearfield.models.transformer.encoder import TransformerEncoder

__all__ = ["Candidate", "decide"]

_ON_PROCESSOR = (RuntimeName.NATIVE, RuntimeName.OPENVINO, RuntimeName.ONNXRUNTIME)


class Candidate(Protocol):
    """A model that several runtimes can compute."""

    @property
    def shape(self) -> EncoderShape:
        """The encoder's shape."""

    @property
    def identity(self) -> str:
        """Identity without the precision class."""

    def open(self, choice: Choice) -> TransformerEncoder:
        """Make the encoder that a choice stands for."""


def decide(
    model: Candidate, wanted: Precision | None, runtime: RuntimeName | None
) -> TransformerEncoder:
    """Open a model in the class and on the runtime that are wanted, or on the best there is.

    Parameters
    ----------
    model : Candidate
    wanted : Precision or None
        None is ``auto``: what ``NEARFIELD_PRECISION`` names, else ``fast`` where it is possible
        and the calibration passes, else ``exact``.
    runtime : RuntimeName or None
        None takes the fastest.

    Raises
    ------
    UnsupportedOperation
        What is wanted is not possible here.
    """
    wanted = preferred() if wanted is None else wanted
    if wanted is not None:
        return _open(model, wanted, runtime)
    exact = choose(model.shape, Precision.EXACT, wanted=runtime)
    try:
        fast = choose(model.shape, Precision.FAST, wanted=runtime)
    except UnsupportedOperation:
        return _open(model, Precision.EXACT, runtime)
    if exact.runtime not in _ON_PROCESSOR:
        return _open(model, Precision.EXACT, runtime)
    return _calibrated(model, exact, fast)


def _open(
    model: Candidate, precision: Precision, runtime: RuntimeName | None
) -> TransformerEncoder:
    choice = choose(model.shape, precision, wanted=runtime)
    try:
        return model.open(choice)
    except UnsupportedOperation:
        # A card that was not asked for and does not start: the processor is there.
        if runtime is not None or choice.runtime in _ON_PROCESSOR:
            raise
    return model.open(choose(model.shape, precision, card=False))


def _calibrated(model: Candidate, exact: Choice, fast: Choice) -> TransformerEncoder:
    """Open `fast` if the model's calibration passes, which is measured if it is not known."""
    kernel = _kernel(fast)
    known = calibration.recall(model.identity, kernel)
    if known is not None:
        encoder = model.open(fast if known.passed else exact)
    else:
        both = {choice.precision: model.open(choice) for choice in (exact, fast)}
        known = calibration.calibrate(both[Precision.EXACT], both[Precision.FAST], kernel=kernel)
        calibration.remember(known)
        encoder = both[Precision.FAST if known.passed else Precision.EXACT]
    encoder.calibration = known
    return encoder


def _kernel(choice: Choice) -> str:
    """Name what computes, with everything that may change its numbers."""
    name = str(choice.runtime)
    if choice.runtime is RuntimeName.NATIVE:
        from nearfield.models.transformer.native import library

        kernel = library.choose(choice.precision)
        name = f"native-{kernel.name}" if kernel else name
        # The library's hash tells more than a version, and is read in a tenth of the time.
        return f"{name}, library {file_sha256(library.PLACE)[:12]}"
    import importlib.metadata

    versions = {package: importlib.metadata.version(package) for package in ("nearfield", name)}
    return f"{name}, " + ", ".join(f"{package} {found}" for package, found in versions.items())
