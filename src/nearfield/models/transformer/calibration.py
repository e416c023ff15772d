"""Is ``fast`` good enough for this model? Measured once on packaged texts and remembered.

The texts are 73 short questions and as many passages that answer them: prose, code, data, and
thirteen languages. Both classes encode all of them. The class ``fast`` passes when

- the mean cosine between the two vectors of a text is at least 0.9998, and
- retrieval is unchanged: every question finds the same passage first, and at least 99% of all
  questions' ten nearest passages are the same. A passage whose exact score is within 0.001 of
  the one that it displaced counts as the same: that is less than bf16 rounding moves a score.

The result lies in the cache folder, one small file for each model, kernel and version of the
library. A file appears complete or not at all; a missing, damaged or unwritable one costs the
measurement again, about a second.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from nearfield.errors import ModelError
from nearfield.paths import cache_dir
from nearfield.protocols import Encoder
from nearfield.types import BatchReport, Role

__all__ = ["Calibration", "calibrate", "recall", "remember", "texts"]

_Doubles: TypeAlias = npt.NDArray[np.float64]

_LEAST_COSINE = 0.9998
_LEAST_OVERLAP = 0.99
_NEIGHBOURS = 10
_TIE = 1e-3


@dataclass(frozen=True, slots=True)
class Calibration:
    """How near ``fast`` came to ``exact`` for one model.

    Attributes
    ----------
    identity : str
        Of the model, without its class.
    kernel : str
        What computed ``fast``, with its version.
    exact, fast : str
        Fingerprints of the model in both classes.
    mean, worst : float
        Cosine between the two vectors of a text, in [-1, 1]; 0 where ``fast`` gave no number.
    first : float
        Share of questions that find the same passage first, in [0, 1].
    overlap : float
        Share of the ten nearest passages that are the same, in [0, 1].
    seconds : float
        What the measurement took.
    date : str
        ISO time.
    """

    identity: str
    kernel: str
    exact: str
    fast: str
    mean: float
    worst: float
    first: float
    overlap: float
    seconds: float
    date: str

    @property
    def passed(self) -> bool:
        """Whether ``fast`` may stand for ``exact``."""
        return self.mean >= _LEAST_COSINE and self.first >= 1.0 and self.overlap >= _LEAST_OVERLAP

    def __str__(self) -> str:
        verdict = "passed" if self.passed else "failed"
        return (
            f"calibration {verdict}: cosine to exact {self.mean:.6f} on average and "
            f"{self.worst:.6f} at worst, first hits {self.first:.1%} and ten nearest "
            f"{self.overlap:.1%} the same ({self.date[:10]})"
        )


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """The packaged questions, each with the passage that answers it.

    Examples
    --------
    >>> len(texts()), texts()[1][0]
    (73, 'capital of Mongolia')
    """
    content = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")
    pairs = (block.partition("\n") for block in content.split("\n\n"))
    return tuple((question, passage.strip()) for question, _, passage in pairs)


def calibrate(exact: Encoder, fast: Encoder, *, kernel: str) -> Calibration:
    """Compare two classes of one model.

    Parameters
    ----------
    exact, fast : Encoder
        The model in each class.
    kernel : str
        What computes `fast`.
    """
    begun = time.monotonic()
    questions, passages = (list(side) for side in zip(*texts(), strict=True))
    true = [_encode(exact, questions, Role.QUERY), _encode(exact, passages, Role.DOCUMENT)]
    try:
        near = [_encode(fast, questions, Role.QUERY), _encode(fast, passages, Role.DOCUMENT)]
        cosines = np.einsum("ij,ij->i", np.concatenate(true), np.concatenate(near))
        first, overlap = _retrieval(true[0] @ true[1].T, near[0] @ near[1].T)
    except ModelError:  # not finite: as far away as can be
        cosines, first, overlap = np.zeros(1), 0.0, 0.0
    return Calibration(
        identity=exact.card.identity,
        kernel=kernel,
        exact=exact.card.fingerprint,
        fast=fast.card.fingerprint,
        mean=float(cosines.mean()),
        worst=float(cosines.min()),
        first=first,
        overlap=overlap,
        seconds=time.monotonic() - begun,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def recall(identity: str, kernel: str) -> Calibration | None:
    """Return the remembered result, if there is a sound one."""
    try:
        entry = json.loads(_file(identity, kernel).read_text(encoding="utf-8"))
        found = Calibration(**{field.name: entry[field.name] for field in fields(Calibration)})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    sound = (found.identity, found.kernel) == (identity, kernel) and all(
        isinstance(share, int | float)
        for share in (found.mean, found.worst, found.first, found.overlap)
    )
    return found if sound else None


def remember(result: Calibration) -> None:
    """Write a result for later runs; a cache that cannot be written costs time only."""
    file = _file(result.identity, result.kernel)
    draft = file.with_name(f"{file.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(asdict(result), indent=1), encoding="utf-8")
        draft.replace(file)
    except OSError:
        pass
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _file(identity: str, kernel: str) -> Path:
    content = hashlib.sha256(repr(texts()).encode()).hexdigest()
    name = hashlib.sha256(f"{identity} {kernel} {content}".encode()).hexdigest()
    return cache_dir() / "calibrations" / f"{name[:32]}.json"


def _encode(encoder: Encoder, inputs: list[str], role: Role) -> _Doubles:
    """Unit vectors in float64, so that the comparison adds no rounding of its own."""
    vectors = encoder.encode(inputs, role=role, observe=_pass).astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: _Doubles = vectors / np.where(lengths, lengths, 1.0)
    return unit


def _retrieval(true: _Doubles, near: _Doubles) -> tuple[float, float]:
    """Share of first hits, and of the nearest hits, that are as good as the exact ones.

    Parameters
    ----------
    true, near : ndarray of float64, shape (questions, passages)
        Scores in either class.
    """
    found = np.argsort(-near, axis=1, kind="stable")[:, :_NEIGHBOURS]
    gained = np.take_along_axis(true, found, axis=1)
    best = -np.sort(-true, axis=1)
    first = gained[:, 0] >= best[:, 0] - _TIE
    nearest = gained >= best[:, found.shape[1] - 1 : found.shape[1]] - _TIE
    return float(first.mean()), float(nearest.mean())


def _pass(report: BatchReport) -> None:
    """Take reports: that a model with a low limit cuts some texts is no matter here."""
