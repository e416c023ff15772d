"""One small real file of every format, made on the fly."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path
from xml.sax.saxutils import escape

import docx
import pptx


def pdf(
    pages: Sequence[Sequence[str] | None],
    *,
    outline: Sequence[tuple[str, int]] = (),
    encrypted: bool = False,
    info: str = "",
) -> bytes:
    """A PDF with the lines of each page; None is a page that holds only an image."""
    objects = ["<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    image = "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 "
    objects.append(image + "/ColorSpace /DeviceGray /Length 1 >>\nstream\n0\nendstream")
    first = 5
    kids = [first + 2 * i for i in range(len(pages))]
    listed = " ".join(f"{kid} 0 R" for kid in kids)
    objects.append(f"<< /Type /Pages /Count {len(kids)} /Kids [{listed}] >>")
    after = first + 2 * len(pages)
    catalog = "<< /Type /Catalog /Pages 3 0 R"
    objects.append(catalog + (f" /Outlines {after} 0 R >>" if outline else " >>"))
    for index, lines in enumerate(pages):
        objects.append(
            "<< /Type /Page /Parent 3 0 R /MediaBox [0 0 600 800] /Resources << /Font << /F 1 0 R "
            f">> /XObject << /I 2 0 R >> >> /Contents {first + 2 * index + 1} 0 R >>"
        )
        shown = "100 0 0 100 50 50 cm /I Do"
        if lines is not None:
            body = " T* ".join(f"({line}) Tj" for line in lines)
            shown = f"BT /F 12 Tf 14 TL 50 750 Td {body} ET" if lines else ""
        objects.append(f"<< /Length {len(shown)} >>\nstream\n{shown}\nendstream")
    if outline:
        last = after + len(outline)
        objects.append(f"<< /Type /Outlines /First {after + 1} 0 R /Last {last} 0 R >>")
        for i, (title, page) in enumerate(outline, 1):
            following = f"/Next {after + i + 1} 0 R " if i < len(outline) else ""
            target = f"/Dest [{kids[page]} 0 R /Fit]"
            objects.append(f"<< /Title ({title}) /Parent {after} 0 R {following}{target} >>")
    extra = ""
    if info:
        objects.append(info)
        extra += f" /Info {len(objects)} 0 R"
    if encrypted:
        key = "00" * 32
        objects.append(f"<< /Filter /Standard /V 1 /R 2 /O <{key}> /U <{key}> /P -4 >>")
        extra += f" /Encrypt {len(objects)} 0 R /ID [<00><00>]"
    out = io.BytesIO()
    out.write(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1"))
    start = out.tell()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    out.write(f"xref\n0 {size}\n0000000000 65535 f \n{table}".encode())
    out.write(f"trailer << /Size {size} /Root 4 0 R{extra} >>\nstartxref\n{start}\n%%EOF".encode())
    return out.getvalue()


def archive(members: Mapping[str, str | bytes], *, compressed: bool = True) -> bytes:
    out = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", method) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return out.getvalue()


_SHEET_NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL_NS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE_NS = "http://schemas.openxmlformats.org/package/2006"


def xlsx(sheets: Mapping[str, Mapping[str, str | float]]) -> bytes:
    """A workbook of sheets of cells, such as ``{"A1": "name"}``."""
    members = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE_NS}/content-types"><Default '
        'Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE_NS}/relationships"><Relationship Id="r" '
        f'Type="{_REL_NS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    }
    listed, related = "", ""
    for number, (name, cells) in enumerate(sheets.items(), 1):
        listed += f'<sheet name="{escape(name)}" sheetId="{number}" r:id="r{number}"/>'
        related += (
            f'<Relationship Id="r{number}" Type="{_REL_NS}/worksheet" '
            f'Target="worksheets/sheet{number}.xml"/>'
        )
        rows: dict[str, str] = {}
        for place, value in cells.items():
            row = place.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
            cell = f'<c r="{place}"><v>{value}</v></c>'
            if isinstance(value, str):
                inline = f"<is><t>{escape(value)}</t></is>"
                cell = f'<c r="{place}" t="inlineStr">{inline}</c>'
            rows[row] = rows.get(row, "") + cell
        data = "".join(f'<row r="{row}">{cells_}</row>' for row, cells_ in rows.items())
        members[f"xl/worksheets/sheet{number}.xml"] = (
            f'<worksheet xmlns="{_SHEET_NS}"><sheetData>{data}</sheetData></worksheet>'
        )
    members["xl/workbook.xml"] = (
        f'<workbook xmlns="{_SHEET_NS}" xmlns:r="{_REL_NS}"><sheets>{listed}</sheets></workbook>'
    )
    members["xl/_rels/workbook.xml.rels"] = (
        f'<Relationships xmlns="{_PACKAGE_NS}/relationships">{related}</Relationships>'
    )
    return archive(members)


def epub(chapters: Mapping[str, str], *, extra: Mapping[str, str] | None = None) -> bytes:
    """A book of XHTML chapters by file name."""
    items = "".join(
        f'<item id="i{n}" href="{name}" media-type="application/xhtml+xml"/>'
        for n, name in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="i{n}"/>' for n in range(len(chapters)))
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Winter</dc:title>'
        "<dc:creator>Ada</dc:creator><dc:language>en</dc:language></metadata>"
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    )
    return archive(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": container,
            "OEBPS/book.opf": package,
            **{f"OEBPS/{name}": text for name, text in chapters.items()},
            **(extra or {}),
        }
    )


def chapter(body: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml">'
        f"<head><title/></head><body>{body}</body></html>"
    )


def word() -> bytes:
    made = docx.Document()
    made.core_properties.title = "Winter catalogue"
    made.core_properties.author = "Ada"
    made.add_heading("Parkas", 1)
    made.add_paragraph("Down keeps you warm.")
    made.add_paragraph("first", style="List Bullet")
    made.add_paragraph("second", style="List Bullet")
    table = made.add_table(2, 2)
    for place, text in zip(range(4), ("name", "price", "parka", "120"), strict=True):
        table.cell(place // 2, place % 2).text = text
    made.add_heading("Gloves", 2)
    made.add_paragraph("Wool.")
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def slides() -> bytes:
    made = pptx.Presentation()
    first = made.slides.add_slide(made.slide_layouts[1])
    first.shapes.title.text = "Layers"
    first.placeholders[1].text = "Base\nMiddle"
    second = made.slides.add_slide(made.slide_layouts[5])
    second.shapes.title.text = "Prices"
    table = second.shapes.add_table(1, 2, 0, 0, 9_000, 9_000).table
    table.cell(0, 0).text, table.cell(0, 1).text = "parka", "120"
    second.notes_slide.notes_text_frame.text = "Say it slowly"
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def mail() -> bytes:
    made = EmailMessage()
    made["Subject"] = "Wärme für den Winter"
    made["From"] = "Ada Lovelace <ada@example.org>"
    made["To"] = "bob@example.org, Carla <carla@example.org>"
    made["Date"] = "Thu, 29 Feb 2024 12:30:00 +0100"
    made["Message-ID"] = "<m1@example.org>"
    made.set_content("Grüße,\nAda\n")
    made.add_alternative("<p>Grüße, <b>Ada</b></p>", subtype="html")
    made.add_attachment(b"\x00\x01", maintype="application", subtype="pdf", filename="plan.pdf")
    return made.as_bytes()


NOTEBOOK = json.dumps(
    {
        "nbformat": 4,
        "metadata": {"language_info": {"name": "python"}},
        "cells": [
            {"cell_type": "markdown", "source": ["# Warmth\n", "Of coats."]},
            {"cell_type": "code", "source": "print('parka')", "outputs": []},
            {"cell_type": "markdown", "source": "## Gloves\n\nWool."},
        ],
    }
)
HTML = """<!DOCTYPE html><html lang="en"><head><title>Winter &amp; wool</title>
<meta name="author" content="Ada"><style>p {}</style></head><body><nav>Home</nav>
<h1>Parkas<a class="headerlink" href="#p">¶</a></h1><p>Down keeps you&nbsp;warm.</p>
<script>var hidden;</script><ul><li>first</li><li>second</li></ul>
<table><tr><th>name</th><th>price</th></tr><tr><td>parka</td><td>120</td></tr></table>
<h2>Gloves</h2><p hidden>not this</p><p>Wool.</p><footer>contact</footer></body></html>"""
MARKDOWN = """---
title: Winter catalogue
tags: [warm, dry]
---
# Parkas

Down keeps you *warm*.

```
# no heading
```

Gloves
------

Wool.
"""
PYTHON = '''"""Coats."""


@staticmethod
def warm(coat):
    return coat


class Parka:
    def wear(self):
        pass
'''

# Registered name → files (name, bytes) that its reader must take.
FILES: dict[str, list[tuple[str, bytes]]] = {
    "text": [("a.txt", "Wärme\r\nund Wolle\n".encode()), ("a.log", "é".encode("utf-16"))],
    "markdown": [("a.md", MARKDOWN.encode()), ("b.markdown", b"no headings")],
    "html": [("a.html", HTML.encode())],
    "pdf": [
        (
            "a.pdf",
            pdf([["Parkas", "are warm."], ["Gloves"]], outline=[("Parkas", 0), ("Gloves", 1)]),
        )
    ],
    "docx": [("a.docx", word())],
    "pptx": [("a.pptx", slides())],
    "spreadsheet": [
        ("a.xlsx", xlsx({"Coats": {"A1": "name", "B1": "price", "A2": "parka", "B2": 120}}))
    ],
    "csv": [("a.csv", b"name,price\nparka,120\nglove,30\n"), ("b.tsv", b"a\tb\n1\t2\n")],
    "jsonl": [
        ("a.jsonl", b'{"_id": "1", "title": "T", "text": "one"}\n{"_id": "1", "text": "two"}\n'),
        ("b.json", b'[{"id": 7, "text": "one"}, "two"]'),
    ],
    "epub": [("a.epub", epub({"1.xhtml": chapter("<h1>Parkas</h1><p>Warm.</p>")}))],
    "email": [
        ("a.eml", mail()),
        ("b.mbox", b"From a@b Thu\n" + mail() + b"\n\nFrom c Fri\n" + mail()),
    ],
    "code": [("a.py", PYTHON.encode()), ("a.sh", b"echo warm\n")],
    "notebook": [("a.ipynb", NOTEBOOK.encode())],
}


def write(folder: Path) -> dict[str, list[Path]]:
    """Every sample as a file of `folder`, by reader."""
    written: dict[str, list[Path]] = {}
    for reader, files in FILES.items():
        for name, data in files:
            path = folder / name
            path.write_bytes(data)
            written.setdefault(reader, []).append(path)
    return written
