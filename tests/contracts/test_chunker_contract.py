"""What every chunker in the registry promises, on texts of every kind."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearfield.documents.chunkers import graphemes, make
from nearfield.errors import InputError, UnknownName
from nearfield.protocols import Chunker, Observer
from nearfield.registry import CHUNKERS
from nearfield.types import Document, FloatArray, IntArray, ModelCard, Role, Section, SectionKind


class WordPieces:
    """A tokenizer whose tokens are stretches of up to three letters, or single marks.

    Like word pieces, a word cut elsewhere than at its pieces has other tokens than before.
    """

    fingerprint = "ab12cd34" * 8

    def spans(self, text: str) -> IntArray:
        found = [match.span() for match in re.finditer(r"\w{1,3}|[^\w\s]", text)]
        return np.array(found, dtype=np.int64).reshape(-1, 2)

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(self.spans(text)) for text in texts]


class LetterEncoder:
    """Encodes a text as the counts of its characters by code point modulo 16."""

    card = ModelCard("letters", 16, None, hashlib.sha256(b"letters").hexdigest(), False)
    tokenizer = WordPieces()

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        rows = np.zeros((len(inputs), 16), dtype=np.float32)
        for row, text in zip(rows, inputs, strict=True):
            for character in text:
                row[ord(character) % 16] += 1
        return rows


NAMES = CHUNKERS.names()
LATIN = st.sampled_from("aaabcdeXYZ.!? ,;\n\n\t'\"-19é")
SCRIPTS = st.sampled_from(
    "漢字。かな、！สวัสดีเพ ่ប្រ។ا؟ بनमस्ते।ק́한글ᄒ"
    "\u1161\u11ab\u0301\u200d\u200b\ufe0f\u00a0\u3000\u2028\u2029\x85\x0c\x1c\x00\r\n"
    "👩🏽💻🇩🇪🏴\U000e0067\udc80"
)
TEXTS = st.one_of(
    st.text(LATIN, max_size=200),
    st.text(SCRIPTS, max_size=120),
    st.text(st.one_of(LATIN, SCRIPTS), max_size=160),
    st.text(max_size=60),
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A text with any sections, also ones that no reader would make."""
    text = draw(TEXTS)
    places = st.integers(0, len(text))
    sections = draw(
        st.lists(
            st.builds(
                lambda a, b, kind, level, title: Section(min(a, b), max(a, b), kind, title, level),
                places,
                places,
                st.sampled_from(SectionKind),
                st.integers(1, 4),
                st.sampled_from(["", "One", "2"]),
            ),
            max_size=6,
        )
    )
    ordered = tuple(sorted(sections, key=lambda section: section.start))
    return Document("doc", text, sections=ordered, title=draw(st.sampled_from(["", "One"])))


@st.composite
def limits(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(st.integers(1, 40))
    return size, draw(st.integers(0, size - 1))


def build(name: str, size: int, overlap: int, *, tokens: bool) -> Chunker:
    encoder = LetterEncoder() if name == "semantic" else None
    tokenizer = WordPieces() if tokens or encoder else None
    return make(name, tokenizer=tokenizer, encoder=encoder, size=size, overlap=overlap)


def length(text: str, *, tokens: bool) -> int:
    return WordPieces().count([text])[0] if tokens else len(text)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=documents(), limit=limits(), tokens=st.booleans())
def test_promises(name: str, document: Document, limit: tuple[int, int], tokens: bool) -> None:
    size, overlap = limit
    chunker = build(name, size, overlap, tokens=tokens)
    chunks = chunker.chunk(document)
    text = document.text

    for chunk in chunks:
        assert chunk.text == text[chunk.start : chunk.end]
        assert chunk.text == chunk.text.strip() != ""
        assert chunk.id == f"doc#{chunk.start}-{chunk.end}"
        tokens_counted = tokens or name == "semantic"
        if length(chunk.text, tokens=tokens_counted) > size:
            assert list(graphemes.starts(chunk.text, 0, len(chunk.text))) == [0]
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    for previous, chunk in pairwise(chunks):
        assert previous.start < chunk.start
        assert previous.end < chunk.end
        assert overlap or previous.end <= chunk.start

    covered = set()
    for chunk in chunks:
        covered.update(range(chunk.start, chunk.end))
    assert [p for p in range(len(text)) if p not in covered and not text[p].isspace()] == []
    assert chunker.chunk(document) == chunks
    assert build(name, size, overlap, tokens=tokens).spec == chunker.spec


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=80, deadline=None)
@given(text=TEXTS, size=st.integers(1, 20))
def test_graphemes_stay_whole(name: str, text: str, size: int) -> None:
    chunks = build(name, size, 0, tokens=False).chunk(Document("doc", text))
    edges = {*graphemes.starts(text, 0, len(text)), len(text)}
    for chunk in chunks:
        assert chunk.start in edges
        assert chunk.end in edges


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["", " ", "\n\r\n\t \u3000\x0c\u2029"])
def test_nothing_makes_no_chunks(name: str, text: str) -> None:
    section = Section(0, len(text), SectionKind.PAGE, "1")
    assert build(name, 10, 0, tokens=True).chunk(Document("doc", text, sections=(section,))) == []


@pytest.mark.parametrize("name", NAMES)
def test_short_document_is_one_chunk_with_its_place(name: str) -> None:
    document = Document(
        "doc",
        "  Alpha\nBeta gamma. ",
        source="/somewhere",
        title="Title",
        sections=(
            Section(0, 21, SectionKind.PAGE, "7"),
            Section(2, 21, SectionKind.HEADING, "Alpha"),
        ),
        metadata={"lang": "en"},
    )
    (chunk,) = build(name, 50, 0, tokens=True).chunk(document)
    assert (chunk.start, chunk.end, chunk.text) == (2, 19, "Alpha\nBeta gamma.")
    assert chunk.headings == ("Title", "Alpha")
    assert chunk.page == 7
    assert (chunk.source, chunk.metadata, chunk.document_id) == (
        "/somewhere",
        {"lang": "en"},
        "doc",
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "text",
    [
        "x" * 5000,
        "漢" * 5000,
        "e\u0301" * 2000,
        "\x00" * 5000,
        "a" + " " * 5000 + "b",
        "a.\r\n" * 900,
    ],
    ids=["word", "ideographs", "accents", "nul", "gap", "crlf"],
)
def test_no_chunk_grows_without_bound(name: str, text: str) -> None:
    for tokens in (False, True):
        for chunk in build(name, 20, 5, tokens=tokens).chunk(Document("doc", text)):
            assert length(chunk.text, tokens=tokens or name == "semantic") <= 20
            assert len(chunk.text) <= 20 * 49


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("size", "overlap", "message"),
    [
        (0, 0, "chunk size must be at least 1, not 0"),
        (5, -1, "chunk overlap must be at least 0, not -1"),
        (5, 5, "overlap 5 must be smaller than size 5: choose at most 4"),
    ],
)
def test_contradicting_limits(name: str, size: int, overlap: int, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        build(name, size, overlap, tokens=False)


@pytest.mark.parametrize("name", NAMES)
def test_spec_tells_all_settings(name: str) -> None:
    spec = build(name, 100, 10, tokens=True).spec
    assert spec.startswith(f"{name}(size=100, overlap=10, ")
    assert "unit=tokens, tokenizer=ab12cd34" in spec
    assert len(spec.splitlines()) == 1
    if name == "semantic":
        assert LetterEncoder.card.fingerprint[:8] in spec


def test_default_sizes() -> None:
    assert "size=1000, overlap=0, unit=characters" in make().spec
    assert "size=200, overlap=0, unit=tokens" in make(tokenizer=WordPieces()).spec
    assert make(encoder=LetterEncoder()).spec == make(tokenizer=WordPieces()).spec


def test_unknown_name_suggests() -> None:
    with pytest.raises(UnknownName, match="did you mean 'recursive'"):
        make("recursiv")


def test_semantic_needs_its_encoder() -> None:
    with pytest.raises(InputError, match="give it an encoder"):
        make("semantic")

    class Other(WordPieces):
        fingerprint = "ff" * 32

    with pytest.raises(InputError, match=r"tokenizer ab12cd34.*tokenizer ffffffff"):
        make("semantic", encoder=LetterEncoder(), tokenizer=Other())
