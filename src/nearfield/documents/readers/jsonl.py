"""JSON records: one document a line (``.jsonl``), or an element of an array (``.json``).

The layout of BEIR is understood (``_id``, ``title``, ``text``, ``metadata``) and so are the
usual other names of the same fields. Everything else in a record becomes metadata.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from nearfield.documents.decode import clean, decode
from nearfield.documents.readers._files import (
    Line,
    human_size,
    lines,
    open_stream,
    read_bytes,
)
from nearfield.documents.readers._metadata import flatten, scalar
from nearfield.documents.readers._records import RecordIds
from nearfield.documents.readers._suffixes import inner_suffix, suffixes_of
from nearfield.errors import ReadError
from nearfield.protocols import ReadLimits
from nearfield.types import Document, MetadataValue, Problem

__all__ = ["CARRIED_FIELDS", "ID_FIELDS", "TEXT_FIELDS", "TITLE_FIELDS", "JsonlReader"]

# In order of preference, compared in lower case.
ID_FIELDS = ("_id", "id", "doc_id", "docid", "uuid")
TITLE_FIELDS = ("title", "headline", "subject", "name")
CARRIED_FIELDS = ("_id", "id", "title")
TEXT_FIELDS = ("text", "content", "contents", "body", "passage", "page_content", "document")

_BAD_JSON = (ValueError, RecursionError)


class JsonlReader:
    """``.jsonl`` streams line by line; ``.json`` is read whole."""

    suffixes = suffixes_of("jsonl")

    def read(self, path: Path, limits: ReadLimits) -> Iterator[Document | Problem]:
        if inner_suffix(path) == ".json":
            yield from _whole(path, limits)
            return
        yield from _lines(path, limits)


def _lines(path: Path, limits: ReadLimits) -> Iterator[Document | Problem]:
    source = str(path)
    ids = RecordIds(source)
    with open_stream(path) as stream:
        for line in lines(stream, limits.record_bytes):
            if line.data is not None and line.data.isspace():
                continue
            try:
                record = _parse_line(line, limits)
                made = _document(record, source, str(line.number))
            except (ReadError, *_BAD_JSON) as error:
                yield Problem(f"{source}::{line.number}", f"line {line.number}: {_why(error)}")
                continue
            yield from ids.distinct(made, f"line {line.number}")


def _parse_line(line: Line, limits: ReadLimits) -> object:
    if line.data is None:
        found, allowed = human_size(line.size), human_size(limits.record_bytes)
        raise ReadError(f"too long: {found}, the limit is {allowed}")
    return json.loads(line.data.decode("utf-8"))


def _whole(path: Path, limits: ReadLimits) -> Iterator[Document | Problem]:
    source = str(path)
    decoded = decode(read_bytes(path, limits))
    try:
        value = json.loads(decoded.text)
    except _BAD_JSON as error:
        if _starts_with_record(decoded.text):
            yield from _lines(path, limits)
            return
        raise ReadError(_why(error)) from error
    ids = RecordIds(source)
    if isinstance(value, list) and value and all(isinstance(v, dict | str) for v in value):
        for index, record in enumerate(value, 1):
            made = _document(record, source, str(index))
            yield from ids.distinct(made, f"element {index}")
        return
    if isinstance(value, dict) and _first(value, TEXT_FIELDS)[1]:
        made = _document(value, source, "")
        yield Document(source, made.text, source, made.title, metadata=made.metadata)
        return
    # Settings, trees, tables of numbers: findable as the text that they are.
    yield Document(source, decoded.text, source, metadata={"format": "json"})


def _starts_with_record(text: str) -> bool:
    try:
        return isinstance(json.loads(text.lstrip().partition("\n")[0]), dict)
    except _BAD_JSON:
        return False


def _document(record: object, source: str, fallback_id: str) -> Document:
    """One record as a document; its id is made distinct by the caller."""
    if isinstance(record, str):
        return Document(fallback_id, clean(record), source, metadata={"format": "jsonl"})
    if not isinstance(record, dict):
        raise ReadError(f"expected an object with a text, found {_kind(record)}")
    _, identity = _first(record, ID_FIELDS)
    _, title = _first(record, TITLE_FIELDS)
    text_field, text = _first(record, TEXT_FIELDS)
    # The id and the title travel with the document; under other names they are fields too.
    told = {text_field, *CARRIED_FIELDS}
    rest = {k: v for k, v in record.items() if k not in told and v != ""}
    extra = rest.pop("metadata", None)
    metadata: dict[str, MetadataValue] = {"format": "jsonl", **flatten(rest)}
    metadata.update(flatten(extra if isinstance(extra, Mapping) else {"metadata": extra}))
    if not text:
        # A record that is all title, or all fields, is still worth finding.
        text = title or "\n".join(f"{k}: {v}" for k, v in flatten(rest).items())
    return Document(identity or fallback_id, text, source, title, metadata=metadata)


def _first(record: Mapping[str, object], names: tuple[str, ...]) -> tuple[str, str]:
    """Field and text of the first of `names` that the record states."""
    by_lower = {key.lower(): key for key in record}
    for name in names:
        key = by_lower.get(name)
        if key is None:
            continue
        value = scalar(record[key])
        if value is not None and not isinstance(value, bool) and str(value).strip():
            return key, str(value)
    return "", ""


def _kind(value: object) -> str:
    names = {list: "an array", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start + 1}"
    if isinstance(error, json.JSONDecodeError):
        return f"no valid JSON: {error.msg} at character {error.pos + 1}"
    return str(error) if isinstance(error, ReadError) else f"no valid JSON: {error}"
