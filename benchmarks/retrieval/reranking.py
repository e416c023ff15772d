"""A reranker that remembers: pairs that were scored once, in this run or in an earlier one."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nearfield.errors import TruncationWarning
from nearfield.protocols import Reranker
from nearfield.types import FloatArray

__all__ = ["Remembering"]


class Remembering:
    """Scores each pair once; scores are appended to a file, which the next run reads.

    Parameters
    ----------
    reranker : Reranker
    folder : Path
    """

    def __init__(self, reranker: Reranker, folder: Path) -> None:
        self._reranker = reranker
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"{reranker.name}.jsonl"
        self._known: dict[str, float] = {}
        if self._file.is_file():
            for line in self._file.read_text(encoding="utf-8").splitlines():
                self._known.update(json.loads(line))
        self.computed = 0

    @property
    def name(self) -> str:
        return self._reranker.name

    def score(self, query: str, texts: Sequence[str]) -> FloatArray:
        """Scores of the texts, in order."""
        keys = [hashlib.sha256(f"{query}\0{text}".encode()).hexdigest()[:24] for text in texts]
        missing = [place for place, key in enumerate(keys) if key not in self._known]
        if missing:
            with warnings.catch_warnings():
                # Long abstracts are judged by their beginnings, as everywhere.
                warnings.simplefilter("ignore", TruncationWarning)
                scores = self._reranker.score(query, [texts[place] for place in missing])
            found = {keys[place]: s for place, s in zip(missing, scores.tolist(), strict=True)}
            self._known |= found
            self.computed += len(found)
            with self._file.open("a", encoding="utf-8") as out:
                out.write(json.dumps(found) + "\n")
        return np.array([self._known[key] for key in keys], dtype=np.float32)
