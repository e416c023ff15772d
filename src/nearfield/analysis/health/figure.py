"""One figure of a report: a number that explains itself."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Figure"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its meaning and what is usual.

    Attributes
    ----------
    name : str
    value : float
    meaning : str
        In plain words, one sentence.
    low, high : float
        Ends of the usual range; infinite where one side is open.
    source : str
        Where definition and range come from.

    Examples
    --------
    >>> Figure("dead dimensions", 3, "never move", 0, 0, "counting").is_usual
    False
    """

    name: str
    value: float
    meaning: str
    low: float
    high: float
    source: str

    @property
    def is_usual(self) -> bool:
        """Whether the value lies in its range; what is no number does not."""
        return self.low <= self.value <= self.high

    @property
    def range(self) -> str:
        """The range for a person.

        Examples
        --------
        >>> Figure("a", 0, "", float("-inf"), 1.4, "").range, Figure("b", 0, "", 0, 0, "").range
        ('≤ 1.4', '0')
        """
        if self.low == self.high:
            return f"{self.low:g}"
        if self.low == float("-inf"):
            return f"≤ {self.high:g}"
        if self.high == float("inf"):
            return f"≥ {self.low:g}"
        return f"{self.low:g} to {self.high:g}"
