"""Arrays and metadata: what the fields of everything else are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["FILE_FIELD", "FloatArray", "IntArray", "Metadata", "MetadataValue", "Scalar"]

FloatArray: TypeAlias = npt.NDArray[np.float32]
IntArray: TypeAlias = npt.NDArray[np.int64]
Scalar: TypeAlias = str | int | float | bool
MetadataValue: TypeAlias = Scalar | Sequence[Scalar] | None
Metadata: TypeAlias = Mapping[str, MetadataValue]


FILE_FIELD = "_source"
"""Name under which filters see a chunk's source whatever its metadata calls ``source``."""
