"""PDF: the text of each page through pdfium, and the outline as headings.

Only text that the file holds is read; scanned pages need OCR and are named as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pypdfium2 as pdfium

from nearfield.documents.decode import clean
from nearfield.documents.readers._builder import Heading, heading_sections
from nearfield.documents.readers._files import human_size, open_stream
from nearfield.documents.readers._metadata import stated
from nearfield.documents.readers._suffixes import suffixes_of
from nearfield.errors import ReadError
from nearfield.protocols import ReadLimits
from nearfield.types import Document, Problem, Section, SectionKind

__all__ = ["PdfReader", "unhyphenate"]

_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
)
# pdfium writes U+0002 or U+FFFE where it takes a hyphen at a line's end for a soft one.
_SOFT_BREAK = re.compile("[\x02\ufffe\u00ad]\n?")
_HARD_BREAK = re.compile(r"(?<=[^\W\d_])-\n(?=[^\W\d_])")
_WORD = re.compile(r"[^\W\d_]+")
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?")
# What producing programs put where a title belongs.
_NO_TITLE = re.compile(r"untitled|microsoft \w+ - |.*\.(docx?|pptx?|tex|dvi|indd|pdf)\Z", re.I)
_PAGE_GAP = "\n\n"


class PdfReader:
    """PDF files with a text layer."""

    suffixes = suffixes_of("pdf")

    def read(self, path: Path, limits: ReadLimits) -> Iterator[Document | Problem]:
        source = str(path)
        with closing(_open(path, limits)) as pdf:
            texts, scanned, problems = _pages(pdf, source, limits)
            yield from problems
            count = len(texts)
            if not any(texts):
                pages = "1 page" if count == 1 else f"{count} pages"
                raise ReadError(f"no text: {pages}, perhaps scanned images; run OCR first")
            if scanned:
                shown = ", ".join(map(str, scanned[:10])) + (" …" if len(scanned) > 10 else "")
                reason = (
                    f"{len(scanned)} of {count} pages are images without text ({shown}); run OCR"
                )
                yield Problem(source, reason)
            text, pages_ = _join(texts)
            outline = _outline(pdf, text, pages_)
            properties = pdf.get_metadata_dict()
        sections = sorted([*pages_, *outline], key=lambda s: (s.start, -s.end, s.level))
        title = clean(properties.get("Title", "")).strip()
        metadata = stated(
            format="pdf",
            author=properties.get("Author"),
            date=_iso(properties.get("CreationDate", "")),
            pages=count,
        )
        if _NO_TITLE.match(title):
            title = ""
        yield Document(source, text, source, title, tuple(sections), metadata)


def unhyphenate(text: str) -> str:
    r"""Join words that a line's end parts, unless the hyphen is the word's own.

    A hyphen is the word's own when the text writes the word so within a line.

    Examples
    --------
    >>> unhyphenate("an exam-\nple of a well-\nknown rule, well-known indeed")
    'an example of a well-known rule, well-known indeed'
    """
    text = _SOFT_BREAK.sub("", text)

    def joined(match: re.Match[str]) -> str:
        before = _WORD.findall(text, max(match.start() - 40, 0), match.start())[-1]
        after = _WORD.match(text, match.end())
        word = f"{before}-{after[0] if after else ''}"
        # A capital after the hyphen is a name or a title: "Jean-\nPaul".
        keeps = word in text or text[match.end()].isupper()
        return "-" if keeps else ""

    return _HARD_BREAK.sub(joined, text)


def _open(path: Path, limits: ReadLimits) -> pdfium.PdfDocument:
    with open_stream(path):
        size = path.stat().st_size
    if size > limits.file_bytes:
        allowed = human_size(limits.file_bytes)
        raise ReadError(f"too large: {human_size(size)}, the limit is {allowed}")
    if not size:
        raise ReadError("the file is empty")
    try:
        return pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower():
            raise ReadError("protected by a password; save a copy without one") from error
        raise ReadError(f"damaged, cut short, or no PDF: {error}") from error


def _pages(
    pdf: pdfium.PdfDocument, source: str, limits: ReadLimits
) -> tuple[list[str], list[int], list[Problem]]:
    """Text of each page, numbers of the pages that only hold images, pages that failed."""
    texts: list[str] = []
    scanned: list[int] = []
    problems: list[Problem] = []
    total = 0
    for number in range(1, len(pdf) + 1):
        try:
            text, images = _page(pdf, number - 1)
        except pdfium.PdfiumError as error:
            problems.append(Problem(f"{source}::{number}", f"page {number}: {error}"))
            text, images = "", False
        texts.append(text)
        total += len(text)
        if not text and images:
            scanned.append(number)
        if total > limits.file_bytes:
            raise ReadError(f"too large: more than {human_size(limits.file_bytes)} of text")
    return texts, scanned, problems


def _page(pdf: pdfium.PdfDocument, index: int) -> tuple[str, bool]:
    with closing(pdf[index]) as page, closing(page.get_textpage()) as layer:
        text = clean(layer.get_text_bounded()).translate(_LIGATURES).replace("\0", "")
        lines = (line.rstrip() for line in text.split("\n"))
        text = unhyphenate("\n".join(lines)).strip()
        if text:
            return text, False
        images = page.get_objects(filter=[pdfium.raw.FPDF_PAGEOBJ_IMAGE])
        return "", next(iter(images), None) is not None


def _join(texts: Sequence[str]) -> tuple[str, list[Section]]:
    parts: list[str] = []
    sections: list[Section] = []
    position = 0
    for number, text in enumerate(texts, 1):
        if text and position:
            parts.append(_PAGE_GAP)
            position += len(_PAGE_GAP)
        parts.append(text)
        end = position + len(text)
        sections.append(Section(position, end, SectionKind.PAGE, str(number)))
        position = end
    return "".join(parts), sections


def _outline(pdf: pdfium.PdfDocument, text: str, pages: Sequence[Section]) -> list[Section]:
    """Headings of the outline whose words stand on the page that they point to."""
    found: list[Heading] = []
    position = 0
    for mark in pdf.get_toc():
        title = " ".join(clean(mark.get_title()).split())
        target = mark.get_dest()
        index = target.get_index() if target else None
        if not title or index is None or not 0 <= index < len(pages):
            continue
        page = pages[index]
        words = r"\s+".join(re.escape(word) for word in title.translate(_LIGATURES).split())
        at_line = re.compile(rf"^(?:[\dA-Z.]+[ \t]+)?{words}", re.IGNORECASE | re.MULTILINE)
        match = at_line.search(text, max(position, page.start), page.end)
        if match:
            position = match.end()
            # As printed, with its number: offsets and title then agree.
            found.append(Heading(match.start(), mark.level + 1, " ".join(match[0].split())))
    return heading_sections(found, len(text))


def _iso(date: str) -> str:
    """A PDF date (ISO 32000-1, 7.9.4) as ISO 8601, without its time zone."""
    match = _DATE.match(date)
    if not match:
        return ""
    year, month, day, hour, minute, second = match.groups()
    if not (month and day):
        return "-".join(part for part in (year, month) if part)
    clock = f"T{hour}:{minute}:{second or '00'}" if hour and minute else ""
    return f"{year}-{month}-{day}{clock}"
