"""Bytes to text: encodings as they come, junk refused."""

from __future__ import annotations

import codecs
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.documents.decode import Decoded, bom_encoding, clean, decode, recode
from nearfield.errors import ReadError

TEXTS = {
    "cp1252": "Le café est très bon, n'est-ce pas ? Élève, garçon, où, naïve.",
    "cp1251": "Привет, как дела? Это обычный русский текст для проверки.",
    "koi8_r": "Привет, как дела? Это обычный русский текст для проверки.",
    "cp932": "これは日本語のテキストです。文字コードの判定を試します。",
    "euc_jp": "これは日本語のテキストです。文字コードの判定を試します。",
    "gb18030": "这是一个中文文本，用于测试编码检测。我们希望它能够正确工作。",
    "big5": "這是一個中文文本,用於測試編碼檢測。我們希望它能夠正確工作。",
    "cp949": "이것은 한국어 텍스트입니다. 인코딩 감지를 시험합니다.",
    "cp1253": "Αυτό είναι ένα ελληνικό κείμενο για δοκιμή.",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_guesses_the_encodings_of_the_world(encoding: str) -> None:
    decoded = decode(TEXTS[encoding].encode(encoding))
    assert decoded == Decoded(TEXTS[encoding], encoding)
    assert decoded.metadata() == {"encoding": encoding}


def test_guesses_western_text_among_much_english() -> None:
    text = "plain words in English\n" * 5000 + "a café in Zürich\n"
    assert decode(text.encode("latin-1")) == Decoded(text, "cp1252")


def test_short_western_text() -> None:
    assert decode(b"caf\xe9, tr\xe8s bon").text == "café, très bon"


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_marks_decide_and_disappear(mark: bytes, encoding: str) -> None:
    text = "Wärme 🧥"
    data = mark + text.encode(encoding)
    assert bom_encoding(data) == (encoding, len(mark))
    assert decode(data) == Decoded(text, encoding)
    # A mark outranks what the document says of itself.
    assert decode(data, declared="koi8-r").text == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark(encoding: str) -> None:
    assert decode("Windows wrote this".encode(encoding)) == Decoded("Windows wrote this", encoding)


def test_declarations_are_trusted_after_utf8() -> None:
    assert decode("это".encode("koi8-r"), declared="KOI8-R").text == "это"
    assert decode("é".encode(), declared="iso-8859-1") == Decoded("é", "utf-8")
    # Browsers read Latin-1 as Windows-1252, and so do the pages' authors.
    assert decode(b"\x93quoted\x94", declared="iso-8859-1").text == "“quoted”"
    assert decode("日本".encode("iso2022_jp"), declared="iso-2022-jp").text == "日本"
    assert decode("日本".encode(), declared="no-such-encoding").text == "日本"
    assert decode(b"text", declared="rot13").text == "text"


def test_damaged_utf8_stays_utf8_and_is_counted() -> None:
    sound = "Größe und Wärme für Äpfel, Öfen, Übung. " * 5
    decoded = decode(sound.encode() + b"\xff\xfe" + sound.encode()[:-1] + b"\xc3")
    assert decoded.encoding == "utf-8"
    assert decoded.text.startswith(sound + "\ufffd\ufffd")
    assert decoded.metadata() == {"decoding_errors": 3}


def test_line_ends_and_surrogates_are_normalised() -> None:
    assert clean("a\r\nb\rc\nd") == "a\nb\nc\nd"
    assert clean("\ud83e\udde5") == "\ufffd\ufffd"
    assert decode(b"\xff\xfe\x00\xd8a\x00").text == "\ufffda"


@pytest.mark.parametrize(
    "junk",
    [
        bytes(range(256)) * 10,
        b"\x7fELF\x02\x01\x01" + b"\0" * 200,
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00",
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01",
    ],
)
def test_binary_junk_is_refused_with_the_reason(junk: bytes) -> None:
    with pytest.raises(ReadError, match=r"binary: .* control characters"):
        decode(junk)


def test_a_stray_control_character_is_no_junk() -> None:
    text = "2024-02-29 12:30 \x1b[31mfailed\x1b[0m \x00 after that " * 1 + "and so on " * 20
    assert decode(text.encode()).text == text


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))))
@settings(max_examples=100, deadline=None)
def test_every_text_survives_with_a_mark(text: str) -> None:
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        assert decode(text.encode(encoding)).text == clean(text)


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_clean_text_or_a_reason(data: bytes) -> None:
    try:
        text = decode(data).text
    except ReadError as error:
        assert str(error)
    else:
        text.encode()
        assert "\r" not in text


def test_recoding_streams_in_bounded_pieces() -> None:
    text = "Wärme\r\n🧥\n" * 60_000
    stream = recode(io.BytesIO(text.encode("utf-16-le")), "utf-16-le")
    assert stream.read() == text.replace("\r\n", "\n").encode()
