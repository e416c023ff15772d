"""Mail: one document a message, headers as metadata, attachments by name.

The plain-text part is the text; a message that has only HTML is rendered as a page.
"""

from __future__ import annotations

import email
import email.errors
import email.header
import email.utils
import re
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from pathlib import Path

from nearfield.documents.decode import clean, decode
from nearfield.documents.readers._files import human_size, lines, open_stream, read_bytes
from nearfield.documents.readers._metadata import stated
from nearfield.documents.readers._records import RecordIds
from nearfield.documents.readers._suffixes import inner_suffix, suffixes_of
from nearfield.errors import MissingExtra, ReadError
from nearfield.protocols import ReadLimits
from nearfield.types import Document, Problem

__all__ = ["EmailReader"]

_FROM = b"From "
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)


class EmailReader:
    """``.eml`` (one message) and ``.mbox`` (many, read as a stream)."""

    suffixes = suffixes_of("email")

    def read(self, path: Path, limits: ReadLimits) -> Iterator[Document | Problem]:
        if inner_suffix(path) == ".mbox":
            yield from _mailbox(path, limits)
            return
        source = str(path)
        data = read_bytes(path, limits)
        if not data.strip():
            raise ReadError("the file is empty")
        yield replace(_document(data, source), id=source)


def _mailbox(path: Path, limits: ReadLimits) -> Iterator[Document | Problem]:
    source = str(path)
    ids = RecordIds(source)
    for number, data, size in _messages(path, limits.record_bytes):
        place = f"message at line {number}"
        if data is None:
            found, allowed = human_size(size), human_size(limits.record_bytes)
            reason = f"{place}: too large: {found}, the limit is {allowed}"
            yield Problem(f"{source}::{number}", reason)
            continue
        try:
            made = _document(_QUOTED_FROM.sub(rb"\1", data), source)
        except (ReadError, MissingExtra) as error:
            yield Problem(f"{source}::{number}", f"{place}: {error}")
            continue
        yield from ids.distinct(replace(made, id=made.id or str(number)), place)


def _messages(path: Path, limit: int) -> Iterator[tuple[int, bytes | None, int]]:
    """First line, bytes (None when too large) and size of each message."""
    parts: list[bytes] = []
    begun, size, blank = 0, 0, True
    with open_stream(path) as stream:
        for line in lines(stream, limit):
            data = line.data
            if data is not None and blank and data.startswith(_FROM):
                if begun:
                    yield begun, (b"".join(parts) if size <= limit else None), size
                parts, begun, size = [], line.number, 0
            elif not begun and data is not None and data.strip():
                raise ReadError('no mailbox: it does not begin with a "From " line')
            else:
                size += line.size
                if size > limit:
                    parts.clear()
                elif data is not None:
                    parts.append(data)
            blank = data is not None and not data.strip()
    if begun:
        yield begun, (b"".join(parts) if size <= limit else None), size


def _document(data: bytes, source: str) -> Document:
    """One message; its id is the Message-ID, or empty."""
    message = email.message_from_bytes(data)
    subject = " ".join(_header(message, "Subject").split())
    text, attachments = _body(message)
    metadata = stated(
        format="email",
        to=_addresses(message, "To"),
        cc=_addresses(message, "Cc"),
        date=_date(message),
        subject=subject,
        attachments=attachments,
        # "from" is what mail calls it, and what people will type.
        **{"from": ", ".join(_addresses(message, "From"))},
    )
    identity = _header(message, "Message-ID").strip().strip("<>")
    return Document(identity, text or subject, source, subject, metadata=metadata)


def _body(message: Message) -> tuple[str, list[str]]:
    plain: list[str] = []
    pages: list[str] = []
    attachments: list[str] = []
    for part in message.walk():
        if part.is_multipart():
            continue
        name = _filename(part)
        kind = part.get_content_type()
        if name or part.get_content_disposition() == "attachment":
            attachments.append(name or kind)
        elif kind == "text/plain":
            plain.append(_payload(part))
        elif kind == "text/html":
            pages.append(_payload(part))
    text = "\n\n".join(t for t in (p.strip("\n") for p in plain) if t.strip())
    if not text.strip() and pages:
        text = "\n\n".join(_rendered(page) for page in pages)
    return text.strip("\n"), attachments


def _payload(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        declared = part.get_content_charset() or ""
    except (LookupError, ValueError):
        declared = ""
    return decode(payload, declared=declared).text


def _rendered(page: str) -> str:
    try:
        from nearfield.documents.readers._markup import parse_html, render
    except ImportError as error:
        raise MissingExtra("a mail that is only HTML", "documents") from error
    from nearfield.documents.readers._builder import TextBuilder

    tree = parse_html(page)
    builder = TextBuilder()
    if tree is not None:
        render(tree, builder, whole=True)
    return builder.finish()[0]


def _header(message: Message, name: str) -> str:
    """A header, decoded (RFC 2047) as far as it can be."""
    raw = message.get(name)
    if raw is None:
        return ""
    try:
        text = str(email.header.make_header(email.header.decode_header(raw)))
    except (email.errors.HeaderParseError, LookupError, ValueError):
        text = str(raw)
    return clean(text)


def _addresses(message: Message, name: str) -> list[str]:
    found = email.utils.getaddresses([_header(message, name)])
    return [f"{who} <{where}>" if who else where for who, where in found if where or who]


def _date(message: Message) -> str:
    try:
        return email.utils.parsedate_to_datetime(_header(message, "Date")).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def _filename(part: Message) -> str:
    try:
        name = part.get_filename() or ""
        return clean(str(email.header.make_header(email.header.decode_header(name))))
    except (email.errors.HeaderParseError, LookupError, ValueError):
        return "unnamed"
