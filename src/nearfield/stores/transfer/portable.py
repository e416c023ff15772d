"""What travels: the collection's description as one JSON object, and each passage as another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nearfield.errors import InputError
from nearfield.metric import Metric
from nearfield.stores.local import SourceState
from nearfield.types import Chunk, Problem

__all__ = ["Manifest", "chunk_fields", "chunk_from", "json_line"]

_KIND, _VERSION = "nearfield collection", 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything of a collection but its passages and vectors."""

    dimension: int
    metric: Metric
    fingerprint: str
    properties: Mapping[str, str]
    sources: Sequence[SourceState]
    chunks: int

    def to_json(self) -> str:
        """One line of JSON."""
        fields = asdict(self) | {"kind": _KIND, "version": _VERSION}
        return json.dumps(fields)

    @classmethod
    def from_json(cls, text: str | bytes, path: Path) -> Manifest:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        InputError
            It is not an export of a collection, or of a later version.
        """
        try:
            fields = json.loads(text)
            if (fields["kind"], fields["version"]) != (_KIND, _VERSION):
                raise InputError(
                    f"{path} is {fields['kind']!r}, version {fields['version']}; expected "
                    f"{_KIND!r}, version {_VERSION}"
                )
            return cls(
                int(fields["dimension"]),
                Metric(fields["metric"]),
                str(fields["fingerprint"]),
                dict(fields["properties"]),
                [_source(state) for state in fields["sources"]],
                int(fields["chunks"]),
            )
        except (ValueError, LookupError, TypeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path} is no export of a collection: {error}") from error


def chunk_fields(chunk: Chunk) -> dict[str, Any]:
    """A passage as JSON holds it."""
    return {
        "id": chunk.id,
        "document_id": chunk.document_id,
        "text": chunk.text,
        "start": chunk.start,
        "end": chunk.end,
        "source": chunk.source,
        "headings": list(chunk.headings),
        "page": chunk.page,
        "metadata": dict(chunk.metadata),
    }


def chunk_from(fields: Mapping[str, Any]) -> Chunk:
    """The passage of :func:`chunk_fields`."""
    return Chunk(
        fields["id"],
        fields["document_id"],
        fields["text"],
        fields["start"],
        fields["end"],
        fields["source"],
        tuple(fields["headings"]),
        fields["page"],
        fields["metadata"],
    )


def json_line(value: object) -> bytes:
    """A line of JSON in UTF-8; escaped where a text is none (odd file names)."""
    try:
        return json.dumps(value, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(value).encode() + b"\n"


def _source(fields: Mapping[str, Any]) -> SourceState:
    problems = tuple(Problem(one["source"], one["reason"]) for one in fields["problems"])
    return SourceState(**{**fields, "problems": problems})
