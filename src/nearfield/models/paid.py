"""Encoders whose vectors are bought: what they offer beyond the role, so that none is bought twice.

The weights of such a model are out of reach, so no hash proves who it is. The vector of one fixed
text, the probe, stands in: it is kept beside what was bought and compared with a fresh one before
anything is added.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from nearfield.types import BatchReport, FloatArray, Role

__all__ = ["PROBE", "SAME_PROBE", "Bought", "PaidEncoder", "probe_distance"]

PROBE = (
    "Nearfield probe 1: a warm parka, 12 gloves and the river bank; Zwölf Boxkämpfer, "
    "съешь ещё булок, 北京的冬天很冷."
)
"""The fixed text. Never change it: stored probes are compared with what it gives."""

SAME_PROBE = 1e-3
"""Cosine distance up to which two probes are of one model.

Providers compute in low precision on changing machines; their vectors of one text differ by some
1e-4. Two models, even two versions of one, are farther apart by orders of magnitude.
"""


@dataclass(frozen=True, slots=True)
class Bought:
    """One request's part of a job.

    Attributes
    ----------
    positions : tuple of int
        Places of the rows in the job's texts.
    rows : ndarray of float32, shape (len(positions), dimension)
    report : BatchReport
    """

    positions: tuple[int, ...]
    rows: FloatArray
    report: BatchReport


@runtime_checkable
class PaidEncoder(Protocol):
    """An encoder that gives vectors request by request, each to be stored before the next."""

    @property
    def cache_name(self) -> str:
        """Like the card's fingerprint, and which server computed."""

    def batches(self, texts: Sequence[str], *, role: Role) -> Iterator[Bought]:
        """Buy vectors, a few requests at a time; no new one is sent before the last is taken.

        Everything that was bought is given before an error is raised.
        """

    def probe(self, role: Role) -> FloatArray:
        """The probe's vector, shape (dimension,); one small request at first use."""

    def variant(self, role: Role) -> str:
        """What the model is told of a text's role; equal words, equal vectors."""


def probe_distance(a: FloatArray, b: FloatArray) -> float:
    """Cosine distance of two probes, in [0, 2]; 2 where they cannot be compared.

    Examples
    --------
    >>> probe_distance(np.array([1, 0], "f4"), np.array([0, 1], "f4"))
    1.0
    """
    if a.shape != b.shape:
        return 2.0
    first, second = a.astype(np.float64), b.astype(np.float64)
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    return 1.0 - float(first @ second) / lengths if lengths > 0 else 2.0
