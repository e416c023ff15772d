"""A step that takes long for each question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from nearfield.selection.pipeline import Pipeline

__all__ = ["Extra"]


class Extra(Protocol):
    """Something to put behind a candidate, that is too slow to be combined with everything."""

    @property
    def name(self) -> str:
        """As records call it."""

    def behind(self, pipeline: Pipeline) -> Pipeline | None:
        """A candidate with the step; None where it makes no sense there."""

    def seconds(self, texts: Sequence[str]) -> float:
        """Seconds that it adds to a question, measured on some passages; not 0 where unknown.

        Raises
        ------
        NearfieldError, OSError, RuntimeError
            It cannot be used here, or would cost more than is allowed.
        """

    def money(self, questions: Sequence[str]) -> float:
        """US dollars that asking these questions costs at most; 0 for what runs here.

        Raises
        ------
        InputError
            It is more than is allowed, or not known.
        """
