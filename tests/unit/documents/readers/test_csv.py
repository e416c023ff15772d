"""CSV as people export it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearfield.documents.readers import read
from nearfield.documents.readers._csvrows import guess_delimiter
from nearfield.protocols import ReadLimits
from nearfield.types import Document


def rows(path: Path, data: bytes | str, limits: ReadLimits | None = None) -> list[tuple[str, str]]:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return [
        (item.id.removeprefix(f"{path}::"), item.text)
        if isinstance(item, Document)
        else (item.source.removeprefix(f"{path}::"), f"<{item.reason}>")
        for item in read(path, limits=limits)
    ]


def test_a_row_is_a_document_with_its_cells_as_metadata(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("sku,name,price,stock,sale\n007,Parka,120.50,3,TRUE\n")
    assert list(read(path)) == [
        Document(
            f"{path}::2",
            "sku: 007\nname: Parka\nprice: 120.50\nstock: 3\nsale: TRUE",
            str(path),
            "Parka",
            metadata={
                "format": "csv",
                "sku": "007",
                "name": "Parka",
                "price": 120.5,
                "stock": 3,
                "sale": True,
            },
        )
    ]


def test_a_column_of_texts_is_the_text(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("id\ttext\tlang\nq1\tcold, windy\ten\n")
    (found,) = read(path)
    assert isinstance(found, Document)
    assert (found.id, found.text) == (f"{path}::q1", "cold, windy")
    assert found.metadata == {"format": "csv", "lang": "en"}


def test_without_a_header_cells_stand_side_by_side(tmp_path: Path) -> None:
    assert rows(tmp_path / "a.csv", "parka,120\nglove,30\n") == [
        ("1", "parka | 120"),
        ("2", "glove | 30"),
    ]


@pytest.mark.parametrize(
    ("sample", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n", ";"),
        ("a\tb c\n1\t2, 3\n", "\t"),
        ("a|b|c\n1|2|3\n", "|"),
        ("single\nvalue\n", ","),
    ],
)
def test_delimiters(sample: str, delimiter: str) -> None:
    assert guess_delimiter(sample) == delimiter


def test_quoted_line_ends_stay_in_their_row(tmp_path: Path) -> None:
    found = rows(tmp_path / "a.csv", 'name,note\r\nparka,"warm\r\n""dry"""\r\nglove,wool\r\n')
    assert found == [("2", 'name: parka\nnote: warm\n"dry"'), ("4", "name: glove\nnote: wool")]


def test_a_quote_that_never_closes_costs_one_row(tmp_path: Path) -> None:
    found = rows(tmp_path / "a.csv", 'name,note\na,"open\nb,2\nc,3\n')
    assert found == [
        ("2", "<line 2: a quote is opened and never closed>"),
        ("3", "name: b\nnote: 2"),
        ("4", "name: c\nnote: 3"),
    ]


def test_a_stray_quote_in_a_tab_file_is_text(tmp_path: Path) -> None:
    data = (
        'text\tlang\n"Tis cold\ten\n"She" said "no"\ten\nplain\ten\n"Tis late\ten\n'
        '"quoted ""so"""\ten\n"two\nlines"\ten\nlast"\ten\n'
    )
    assert rows(tmp_path / "a.tsv", data) == [
        ("2", '"Tis cold'),
        ("3", '"She" said "no"'),
        ("4", "plain"),
        ("5", '"Tis late'),
        ("6", 'quoted "so"'),
        ("7", "two\nlines"),
        ("9", 'last"'),
    ]


def test_rows_beyond_the_limit(tmp_path: Path) -> None:
    data = "name,note\na," + "x" * 5_000_000 + '\nb,"' + "y\n" * 2000 + "c,3\n"
    found = rows(tmp_path / "a.csv", data, ReadLimits(record_bytes=1000))
    assert found[0] == ("2", "<line 2: too long: 5 MB, the limit is 1 kB>")
    assert found[1] == (
        "3",
        "<line 3: too long: 1 kB, the limit is 1 kB; perhaps a quote is opened and never closed>",
    )
    assert found[2] == ("4", "name: y")
    assert found[-1] == ("2003", "name: c\nnote: 3")


def test_cells_longer_than_the_csv_module_likes(tmp_path: Path) -> None:
    long = "word " * 60_000
    found = rows(tmp_path / "a.csv", f"name,text\na,{long}\n")
    assert found == [("2", long.strip())]


def test_another_encoding_is_found_wherever_it_shows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    plain = "".join(f"row{n},plain\n" for n in range(5_000))
    assert len(plain) > 65_536
    path.write_bytes(("name,note\n" + plain + "last,très café garçon\n").encode("cp1252"))
    last = list(read(path))[-1]
    assert isinstance(last, Document)
    assert last.text == "name: last\nnote: très café garçon"
    assert last.metadata["encoding"] == "cp1252"


def test_a_damaged_row_is_named(tmp_path: Path) -> None:
    data = "name,note\n" + "größe,wärme\n" * 20 + "x,\udcff\n" + "ende,schön\n"
    found = rows(tmp_path / "a.csv", data.encode("utf-8", "surrogateescape"))
    assert found[20] == ("22", "<line 22: not UTF-8 at byte 3>")
    assert found[21] == ("23", "name: ende\nnote: schön")


_PRINTED = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1)
_CELLS = st.tuples(_PRINTED, _PRINTED.filter(str.strip))


@given(st.lists(_CELLS, min_size=1, max_size=6))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_cell_survives(tmp_path: Path, cells: list[tuple[str, str]]) -> None:
    path = tmp_path / "a.tsv"
    out = io.StringIO()
    csv.writer(out, delimiter="\t").writerows([("key", "text"), *cells])
    path.write_bytes(out.getvalue().encode())
    found = [item.text for item in read(path) if isinstance(item, Document)]
    assert found == [text.strip() for _, text in cells]
