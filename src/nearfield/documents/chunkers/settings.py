"""What every chunker is told: how long a passage may be, and how much of it is said twice."""

from __future__ import annotations

from dataclasses import dataclass

from nearfield.errors import InputError
from nearfield.protocols import Tokenizer

__all__ = ["DEFAULT_CHARACTERS", "DEFAULT_TOKENS", "ChunkSettings", "default_size", "describe"]

# Encoders of the MiniLM class read 256 tokens; 200 leave room for special tokens and for the
# headings that are put before a passage when it is embedded.
DEFAULT_TOKENS = 200
DEFAULT_CHARACTERS = 1000


def default_size(tokenizer: Tokenizer | None) -> int:
    """Size of a passage when none is asked for: 200 tokens, or 1,000 characters."""
    return DEFAULT_CHARACTERS if tokenizer is None else DEFAULT_TOKENS


@dataclass(frozen=True, slots=True)
class ChunkSettings:
    """Limits of a passage, in tokens of the chunker's tokenizer, or in characters without one.

    Attributes
    ----------
    size : int
        Longest passage, at least 1. Only a single grapheme may be longer.
    overlap : int
        Most that a passage repeats of the one before it, 0 ≤ overlap < size.

    Raises
    ------
    InputError
        The limits contradict each other.

    Examples
    --------
    >>> ChunkSettings(size=100, overlap=100)
    Traceback (most recent call last):
    ...
    nearfield.errors.InputError: overlap 100 must be smaller than size 100: choose at most 99
    """

    size: int = DEFAULT_TOKENS
    overlap: int = 0

    def __post_init__(self) -> None:
        if self.size < 1:
            raise InputError(f"chunk size must be at least 1, not {self.size}")
        if self.overlap < 0:
            raise InputError(f"chunk overlap must be at least 0, not {self.overlap}")
        if self.overlap >= self.size:
            raise InputError(
                f"overlap {self.overlap} must be smaller than size {self.size}: "
                f"choose at most {self.size - 1}"
            )


def describe(
    name: str, settings: ChunkSettings, tokenizer: Tokenizer | None, **more: str | float
) -> str:
    """Name and settings in one line: what a collection stores to know how it was cut.

    Examples
    --------
    >>> describe("recursive", ChunkSettings(300, 20), None)
    'recursive(size=300, overlap=20, unit=characters)'
    """
    parts = {"size": str(settings.size), "overlap": str(settings.overlap)}
    parts |= {key: str(value) for key, value in more.items()}
    if tokenizer is None:
        parts["unit"] = "characters"
    else:
        parts |= {"unit": "tokens", "tokenizer": tokenizer.fingerprint[:8]}
    return f"{name}({', '.join(f'{key}={value}' for key, value in parts.items())})"
