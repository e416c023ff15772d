"""Mail: headers as people wrote them, bodies as they can be read."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from nearfield.documents.readers import read
from nearfield.protocols import ReadLimits
from nearfield.types import Document, Problem

One = Callable[[str, bytes | str], Document]


def test_a_message(document: One, samples: ModuleType) -> None:
    found = document("a.eml", samples.mail())
    assert found.id == found.source
    assert (found.title, found.text) == ("Wärme für den Winter", "Grüße,\nAda")
    assert found.metadata == {
        "format": "email",
        "from": "Ada Lovelace <ada@example.org>",
        "to": ("bob@example.org", "Carla <carla@example.org>"),
        "date": "2024-02-29T12:30:00+01:00",
        "subject": "Wärme für den Winter",
        "attachments": ("plan.pdf",),
    }


def test_a_message_of_html_only(document: One) -> None:
    data = "Subject: s\nContent-Type: text/html; charset=koi8-r\n\n<p>это <b>текст</b></p>"
    assert document("a.eml", data.encode("koi8-r")).text == "это текст"


def test_html_only_without_its_parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lxml", None)
    monkeypatch.delitem(sys.modules, "nearfield.documents.readers._markup", raising=False)
    path = tmp_path / "a.eml"
    path.write_text("Content-Type: text/html\n\n<p>x</p>")
    (problem,) = read(path)
    assert problem == Problem(
        str(path),
        'a mail that is only HTML needs an optional part: pip install "nearfield[documents]"',
    )


@pytest.mark.parametrize(
    ("head", "field", "value"),
    [
        ("Subject: =?utf-8?q?caf=C3=A9?= =?utf-8?q?s?=", "subject", "cafés"),
        ("Subject: =?no-such-charset?q?x?=", "subject", "=?no-such-charset?q?x?="),
        ("Subject: folded\n over lines", "subject", "folded over lines"),
        ("To: undisclosed-recipients:;", "to", None),
        ("Date: not a date", "date", None),
        ("Date: Thu, 99 Feb 2024 99:99:99 +0000", "date", None),
        ("From: <>", "from", None),
    ],
)
def test_headers(document: One, head: str, field: str, value: str | None) -> None:
    found = document("a.eml", f"{head}\n\nbody\n")
    assert found.text == "body"
    assert found.metadata.get(field) == value


def test_a_mailbox(tmp_path: Path) -> None:
    path = tmp_path / "a.mbox"
    path.write_bytes(
        b"From a@b Thu Feb 29 12:30:00 2024\nMessage-ID: <one@x>\nSubject: s1\n\n"
        b"first\n>From here on\nFrom inside a paragraph\n\n"
        b"From c@d Fri\nSubject: s2\n\n" + b"x" * 5000 + b"\n\n"
        b"From e@f Sat\nMessage-ID: <one@x>\n\nthird\n\n"
        b"From g@h Sun\nSubject: only a subject\n\n"
    )
    items = list(read(path, limits=ReadLimits(record_bytes=1000)))
    shown = [(i.id, i.text) if isinstance(i, Document) else (i.source, i.reason) for i in items]
    assert [(where.removeprefix(f"{path}::"), what) for where, what in shown] == [
        ("one@x", "first\nFrom here on\nFrom inside a paragraph"),
        ("9", "message at line 9: too large: 5 kB, the limit is 1 kB"),
        (
            "one@x~2",
            "message at line 14: the id 'one@x' occurs again; this one is called 'one@x~2'",
        ),
        ("one@x~2", "third"),
        ("19", "only a subject"),
    ]


def test_what_is_no_mailbox(tmp_path: Path) -> None:
    path = tmp_path / "a.mbox"
    path.write_text("Subject: x\n\nbody")
    assert list(read(path)) == [
        Problem(str(path), 'no mailbox: it does not begin with a "From " line')
    ]
