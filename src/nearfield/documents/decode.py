r"""Bytes to text: what encoding a file is in, and the one form that text takes here.

The order of trust is: byte-order mark, strict UTF-8, what the document itself declares,
UTF-8 with a little damage, a confident guess. UTF-8 precedes the declaration because text
in another encoding is practically never valid UTF-8 by accident, while wrong declarations
are common. Bytes that are no text at all are refused with the reason.

Text everywhere in Nearfield has ``\n`` for line ends, no byte-order mark and no lone
surrogates. Offsets count in that form.
"""

from __future__ import annotations

import codecs
import io
import re
from dataclasses import dataclass
from typing import BinaryIO

from nearfield.errors import ReadError

__all__ = ["Decoded", "binary_reason", "bom_encoding", "clean", "decode", "recode"]

# Longest first: the UTF-32 mark begins with the UTF-16 one.
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What browsers read under these labels (WHATWG Encoding Standard, section 4.2).
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "tis-620": "cp874",
}
# The 8-bit and multi-byte encodings found in practice; a guess among all that exist would
# prefer exotic relatives on short texts.
_CANDIDATES_WORDS = (
    "cp1252 cp1250 cp1251 koi8_r cp1253 cp1254 cp1255 cp1256 cp1257 cp874 iso8859_2 cp932 euc_jp "
    "gb18030 big5 cp949"
)
_CANDIDATES = _CANDIDATES_WORDS.split()
_SEVEN_BIT = ("iso2022", "hz", "utf-7")
# Controls that text does not hold; tab, line ends, form feed, backspace and escape it does.
_CONTROLS = bytes(c for c in range(32) if c not in b"\t\n\r\f\v\b\x1b") + b"\x7f"
_SURROGATE = re.compile("[\ud800-\udfff]")
_SAMPLE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text with the story of how it was decoded.

    Attributes
    ----------
    text : str
        Clean text, see :func:`clean`.
    encoding : str
        Python's name of the encoding, such as ``utf-8``.
    damaged : int
        Byte sequences that were invalid and became U+FFFD.
    """

    text: str
    encoding: str = "utf-8"
    damaged: int = 0

    def metadata(self) -> dict[str, str | int]:
        """What a document notes: nothing for sound UTF-8."""
        noted: dict[str, str | int] = {}
        if self.encoding != "utf-8":
            noted["encoding"] = self.encoding
        if self.damaged:
            noted["decoding_errors"] = self.damaged
        return noted


def clean(text: str) -> str:
    r"""Normalise line ends to ``\n`` and replace lone surrogates by U+FFFD.

    Examples
    --------
    >>> clean("one\r\ntwo\rthree")
    'one\ntwo\nthree'
    >>> clean("a\ud800b") == "a\ufffdb"
    True
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii():
        return text
    return _SURROGATE.sub("\ufffd", text)


def bom_encoding(head: bytes) -> tuple[str, int] | None:
    r"""Encoding that a byte-order mark states, with the mark's length.

    Examples
    --------
    >>> bom_encoding(b"\xff\xfea\x00")
    ('utf-16-le', 2)
    """
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name, len(mark)
    return None


def binary_reason(data: bytes) -> str:
    r"""Why bytes in an 8-bit encoding are no text; empty when they may be some.

    Examples
    --------
    >>> binary_reason(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
    'binary: 4 of 16 bytes are control characters'
    >>> binary_reason(b"plain text\n")
    ''
    """
    controls = len(data) - len(data.translate(None, _CONTROLS))
    # A log may hold a stray control character; 2 % of them is no log.
    if controls * 50 > len(data):
        return f"binary: {controls:,} of {len(data):,} bytes are control characters"
    return ""


def decode(data: bytes, *, declared: str = "") -> Decoded:
    r"""Decode a whole file.

    Parameters
    ----------
    data : bytes
        The file, or one record of it.
    declared : str
        Encoding that the document itself names (an HTML meta tag, a mail header).

    Raises
    ------
    ReadError
        The bytes are binary, or no encoding fits them.

    Examples
    --------
    >>> decode(b"caf\xc3\xa9").text
    'café'
    >>> decode("naïve café, garçon".encode("cp1252"), declared="latin-1").encoding
    'cp1252'
    """
    marked = bom_encoding(data)
    if marked:
        name, skip = marked
        return _replacing(data[skip:], name)
    stated = _known(declared)
    if stated.startswith(_SEVEN_BIT):
        return _replacing(data, stated)
    wide = _unmarked_utf16(data)
    if wide:
        return _replacing(data, wide)
    if reason := binary_reason(data):
        raise ReadError(reason)
    for name in ("utf-8", stated):
        if name and (text := _strict(data, name)) is not None:
            return Decoded(clean(text), name)
    repaired = _replacing(data, "utf-8")
    # Real UTF-8 with a few broken places still holds far more sound sequences.
    sound = sum(not c.isascii() for c in repaired.text) - repaired.damaged
    if sound > 4 * repaired.damaged:
        return repaired
    if b"\0" in data:
        raise ReadError("binary: NUL bytes in what is not UTF-8")
    return _replacing(data, _guess(data))


def recode(stream: BinaryIO, encoding: str) -> BinaryIO:
    """Return a stream of UTF-8 bytes over a stream in another encoding.

    Invalid sequences become U+FFFD; memory stays bounded.
    """
    return io.BufferedReader(_Recoder(stream, encoding), 1 << 20)


class _Recoder(io.RawIOBase):
    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        # Keeps a "\r" at a block's end until it is known whether "\n" follows.
        self._decoder = io.IncrementalNewlineDecoder(decoder, translate=True)
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            block = self._stream.read(1 << 18)
            self._ready = clean(self._decoder.decode(block, final=not block)).encode()
            if not block:
                break
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


def _known(label: str) -> str:
    """Python's name for a declared label; empty when it names no text encoding."""
    try:
        # "rot13" and "base64" are codecs too, but not from bytes to text.
        codec = codecs.lookup(label.strip().strip("\"'"))
    except (LookupError, ValueError):
        return ""
    if not getattr(codec, "_is_text_encoding", True):
        return ""
    return _SUPERSETS.get(codec.name, codec.name)


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeError:
        return None


def _replacing(data: bytes, encoding: str) -> Decoded:
    text = _strict(data, encoding)
    if text is not None:
        return Decoded(clean(text), encoding)
    text = data.decode(encoding, errors="replace")
    own = data.count("\ufffd".encode(encoding, errors="ignore") or b"\0\0\0\0")
    return Decoded(clean(text), encoding, max(text.count("\ufffd") - own, 1))


def _unmarked_utf16(data: bytes) -> str:
    """UTF-16 without a mark: NULs in nearly every other byte, as Windows tools write it."""
    sample = data[:_SAMPLE_BYTES]
    half = len(sample) // 2
    if half < 4 or len(data) % 2:
        return ""
    low, high = sample[::2].count(0), sample[1::2].count(0)
    if high > 0.7 * half and not low:
        return "utf-16-le"
    if low > 0.7 * half and not high:
        return "utf-16-be"
    return ""


def _guess(data: bytes) -> str:
    from charset_normalizer import from_bytes

    # Only lines with something to decide by: one accent in a megabyte would be outvoted.
    telling = b"\n".join(line for line in data.split(b"\n") if not line.isascii())
    sample = telling[:_SAMPLE_BYTES]
    found = list(from_bytes(sample, cp_isolation=_CANDIDATES))
    if found and found[0].chaos < 0.15 and found[0].coherence > 0:
        best = found[0]
        level = [m for m in found if m.chaos <= best.chaos and m.coherence > best.coherence - 0.05]
        # Western European is by far the most common among equals.
        western = any("cp1252" in m.could_be_from_charset for m in level)
        return "cp1252" if western else str(best.encoding)
    high = sum(byte > 127 for byte in sample)
    if high * 3 < len(sample) and _strict(data, "cp1252") is not None:
        return "cp1252"
    if found and found[0].chaos < 0.05 and len(sample) >= 32:
        return str(found[0].encoding)
    raise ReadError("not UTF-8, and no other encoding fits; convert the file to UTF-8")
