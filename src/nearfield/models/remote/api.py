"""What one provider's API is to the rest: how to ask for vectors, and how to read the answer."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from nearfield.errors import RemoteAnswerInvalid
from nearfield.models.remote.http import Endpoint, Json
from nearfield.models.remote.secrets import Secret
from nearfield.types import FloatArray, Role

__all__ = [
    "Answer",
    "Ask",
    "EmbeddingApi",
    "RerankApi",
    "Scores",
    "rows_of",
    "says_too_long",
    "tokens_of",
]

_TOO_LONG = re.compile(
    r"too (long|large|many tokens)|context (length|size)"
    r"|maximum (number of )?(input )?(tokens|length)"
    r"|max(imum)? (allowed )?(input )?(tokens|length|context)|exceed|longer than|larger than"
    r"|split into more batches|token limit|reduce (the length|your)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request for vectors is about.

    Attributes
    ----------
    model : str
    role : Role
    dimensions : int or None
        To be asked of the server; None takes the model's own.
    """

    model: str
    role: Role
    dimensions: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Vectors in the order of the texts, and what the server counted."""

    rows: FloatArray
    tokens: int | None


@dataclass(frozen=True, slots=True)
class Scores:
    """Relevance in the order of the texts, and what the server counted."""

    values: FloatArray
    tokens: int | None


class EmbeddingApi(Protocol):
    """One provider's way to give vectors."""

    key_variables: tuple[str, ...]
    refuses_long: bool
    """Whether a text over the limit is an error; else it has to be counted first."""

    def endpoint(self, secret: Secret | None, base_url: str) -> Endpoint:
        """Server and headers; an empty URL is the provider's own."""

    def path(self, ask: Ask) -> str: ...

    def body(self, texts: Sequence[str], ask: Ask) -> Json: ...

    def read(self, answer: Json, count: int) -> Answer:
        """Vectors of so many texts; RemoteAnswerInvalid where the answer holds no such."""

    def variant(self, ask: Ask) -> str:
        """What the request says of the texts' role; empty where both roles are one."""


class RerankApi(Protocol):
    """One provider's way to score passages."""

    key_variables: tuple[str, ...]

    def endpoint(self, secret: Secret | None, base_url: str) -> Endpoint: ...

    def path(self) -> str: ...

    def body(self, query: str, texts: Sequence[str], model: str) -> Json: ...

    def read(self, answer: Json, count: int) -> Scores: ...


def says_too_long(message: str) -> bool:
    """Whether a refusal is about the length of the texts.

    Examples
    --------
    >>> says_too_long("This model's maximum context length is 8192 tokens")
    True
    >>> says_too_long("'$.input' is invalid")
    False
    """
    return _TOO_LONG.search(message) is not None


def rows_of(found: object, count: int, *, key: str = "embedding") -> FloatArray:
    """Read vectors from ``[{"index": 0, "embedding": [...] or base64}, ...]`` or a list of lists.

    Parameters
    ----------
    found : object
        The answer's list, as JSON gave it.
    count : int
        Texts that were sent.
    key : str
        Name of the vector in each item.

    Returns
    -------
    ndarray of float32, shape (count, dimension)
        In the order of ``index`` where the items have one.

    Raises
    ------
    RemoteAnswerInvalid
        Another number of vectors, indices that are no permutation, lengths that differ, values
        that are no finite numbers.
    """
    if not isinstance(found, list) or len(found) != count:
        got = f"{len(found)} vectors" if isinstance(found, list) else "no list of vectors"
        raise RemoteAnswerInvalid(f"{count} texts were sent and {got} came back")
    rows: list[FloatArray | None] = [None] * count
    for place, item in enumerate(found):
        at = item.get("index", place) if isinstance(item, dict) else place
        value = item.get(key) if isinstance(item, dict) else item
        if not isinstance(at, int) or isinstance(at, bool) or not 0 <= at < count:
            raise RemoteAnswerInvalid(f"a vector has the index {at!r}, expected 0 to {count - 1}")
        if rows[at] is not None:
            raise RemoteAnswerInvalid(f"two vectors have the index {at}")
        rows[at] = _row(value)
    vectors = [row for row in rows if row is not None]
    lengths = {len(row) for row in vectors}
    if len(lengths) > 1 or 0 in lengths:
        raise RemoteAnswerInvalid(f"the vectors have the lengths {sorted(lengths)}")
    stacked = np.stack(vectors) if vectors else np.empty((0, 0), dtype=np.float32)
    if not np.isfinite(stacked).all():
        raise RemoteAnswerInvalid("a vector holds NaN or infinity")
    return np.ascontiguousarray(stacked, dtype=np.float32)


def _row(value: object) -> FloatArray:
    if isinstance(value, str):
        try:
            return np.frombuffer(base64.b64decode(value, validate=True), dtype="<f4").astype("f4")
        except (binascii.Error, ValueError):
            raise RemoteAnswerInvalid("a vector is no base64 of float32 numbers") from None
    try:
        found = np.array(value) if isinstance(value, list) and value else None
    except (ValueError, OverflowError):  # lists of lists of different lengths
        found = None
    if found is None or found.ndim != 1 or found.dtype.kind not in "fiu":
        raise RemoteAnswerInvalid("a vector is no list of numbers")
    with np.errstate(over="ignore"):  # infinity is refused where all values are seen
        return found.astype(np.float32)


def tokens_of(answer: Json, *path: str) -> int | None:
    """A count somewhere in an answer, or None.

    Examples
    --------
    >>> tokens_of({"usage": {"total_tokens": 7}}, "usage", "total_tokens")
    7
    """
    found: object = answer
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return int(found) if 0 <= found < 1 << 53 else None
