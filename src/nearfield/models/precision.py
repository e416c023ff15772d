"""Precision classes: how exactly a model is computed, and how one is asked for.

=========  ==================================================================================
``exact``  fp32 throughout
``fast``   bf16 products with fp32 sums; cosine to ``exact`` at least 0.9998 on average
``small``  int8, as some ONNX files hold it
``hosted`` whatever a provider computes; its company may move a vector by 1e-3
``auto``   no class but a request: ``fast`` where it is possible here and the model's
           calibration passes, else the class that the model has
=========  ==================================================================================

The class is part of a model's fingerprint.
"""

from __future__ import annotations

import os
from enum import StrEnum

from nearfield.errors import InputError

__all__ = ["AUTO", "COMPANY_BOUNDS", "PRECISION_VARIABLE", "Precision", "asked", "preferred"]

AUTO = "auto"
"""The request to choose a class."""

PRECISION_VARIABLE = "NEARFIELD_PRECISION"
"""Environment variable with what ``auto`` means for models that can be computed in two classes."""


class Precision(StrEnum):
    """How exactly a runtime computes; part of a model's fingerprint."""

    EXACT = "exact"
    FAST = "fast"
    SMALL = "small"
    HOSTED = "hosted"


COMPANY_BOUNDS = {
    Precision.EXACT: 1e-5,
    Precision.FAST: 1e-4,
    Precision.SMALL: 1e-5,
    Precision.HOSTED: 1e-3,
}
"""Largest cosine distance that batch size, order and company make between vectors of one text.

Measured on MiniLM: 0 for the native encoder in both classes, 1e-12 for fp32 and 7e-6 for bf16 of
OpenVINO, whose products depend on the batch's shape.
"""


def asked(request: str) -> Precision | None:
    """Read a request: a class, or None for ``auto``.

    Raises
    ------
    InputError
        It is neither.

    Examples
    --------
    >>> asked("fast"), asked("auto")
    (<Precision.FAST: 'fast'>, None)
    """
    if request == AUTO:
        return None
    try:
        return Precision(request)
    except ValueError:
        known = ", ".join(repr(str(word)) for word in (AUTO, *Precision))
        raise InputError(f"precision is {request!r}, expected one of {known}") from None


def preferred() -> Precision | None:
    """Return the class that the environment asks for, or None for the best one.

    Raises
    ------
    InputError
        It asks for none that there is.
    """
    word = os.environ.get(PRECISION_VARIABLE) or AUTO
    try:
        return asked(word)
    except InputError as error:
        raise InputError(f"{PRECISION_VARIABLE}: {error}") from None
