"""What one try of a request comes to: an answer, or the reason why there is none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2

__all__ = ["MOST_BYTES", "Failure", "Json", "loads", "message_of", "read_all", "unanswered"]

Json = dict[str, object]

MOST_BYTES = 256 << 20
"""Longest answer that is read; 300,000 tokens of vectors are far less."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one try gave no answer; never holds the library's exception."""

    reason: str
    status: int = 0
    body: str = ""
    passing: bool = True
    uncertain: bool = False
    invalid: bool = False
    asked: float | None = None


def loads(text: str) -> Json | Failure:
    """Read the JSON object of an answer; one that is broken may come whole another time."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return Failure("an answer that is no JSON", uncertain=True)
    if not isinstance(found, dict):
        reason = f"the answer is a JSON {type(found).__name__}, not an object"
        return Failure(reason, passing=False, invalid=True, uncertain=True)
    return found


def read_all(response: httpx2.Response) -> bytes | None:
    """Read an answer whole; None where it is longer than any that can be meant."""
    parts, size = list[bytes](), 0
    for part in response.iter_bytes():
        size += len(part)
        if size > MOST_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def unanswered(error: Exception) -> Failure:
    """What an exception of the HTTP library means, without the exception itself."""
    import httpx2

    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
        return Failure("the URL or a header is unusable", passing=False)
    before = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
    reasons = {
        "ConnectTimeout": "it could not be reached in time",
        "ReadTimeout": "it did not answer in time",
        "WriteTimeout": "it did not take the request in time",
        "ConnectError": "it could not be reached",
    }
    kind = type(error).__name__
    reason = reasons.get(kind, f"the connection broke ({kind})")
    return Failure(reason, uncertain=not before)


def message_of(body: str) -> str:
    """What an error answer says, whatever its shape.

    Examples
    --------
    >>> message_of('{"error": {"message": "too long", "code": 400}}')
    'too long'
    """
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        return " ".join(body.split())
    for name in ("error", "message", "detail"):
        if isinstance(found, dict) and name in found:
            found = found[name]
            if isinstance(found, dict):
                found = found.get("message", found)
            break
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    return " ".join(text.split())
