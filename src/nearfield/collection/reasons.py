"""Why passages are listed with their files: said in one place, so that they can be counted."""

from __future__ import annotations

__all__ = ["TRUNCATED", "UNUSABLE"]

TRUNCATED = "longer than the model reads: its end does not count"
UNUSABLE = "left out, no usable vector: the model knows none of its words"
