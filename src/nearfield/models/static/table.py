"""What every static model is once it is read: a row for each token, and how rows become one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nearfield.tokenization import Vocabulary
from nearfield.types import FloatArray, Problem, Role

__all__ = ["StaticTable", "WordList", "finite_rows"]


@dataclass(frozen=True, slots=True)
class WordList:
    """Word vectors as they stand in a file.

    Attributes
    ----------
    words : sequence of str
        One word a row.
    rows : ndarray of float32, shape (words, dim)
        May be mapped from the file.
    weights : Path
        The file that holds the numbers.
    problems : tuple of Problem
        Lines that could not be used, and other oddities, for the user to see.
    """

    words: Sequence[str]
    rows: FloatArray
    weights: Path
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class StaticTable:
    """A static model, read.

    Attributes
    ----------
    rows : ndarray of float32, shape (vocabulary, dim)
        One row for each token id, already weighted where the model weights its tokens.
    vocabulary : Vocabulary
        Cuts texts into ids.
    weights : Path
        The file that holds the numbers.
    normalised : bool
        Whether sentence vectors are scaled to unit length.
    unknown_rows : bool
        Whether the unknown token's own row counts; otherwise unknown tokens are passed over.
    max_tokens : int or None
        Tokens of a text that are read; None reads all.
    prompts : mapping of Role to str
        Text put before an input of that role.
    problems : tuple of Problem
        What could not be used while reading.
    """

    rows: FloatArray
    vocabulary: Vocabulary
    weights: Path
    normalised: bool
    unknown_rows: bool = False
    max_tokens: int | None = None
    prompts: Mapping[Role, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def finite_rows(rows: FloatArray) -> npt.NDArray[np.bool_]:
    """Which rows hold neither NaN nor infinities, shape (n,)."""
    return np.asarray(np.isfinite(rows).all(axis=1), dtype=np.bool_)
