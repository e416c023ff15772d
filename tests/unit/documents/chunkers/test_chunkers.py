"""Each chunker on texts small enough to cut by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from nearfield.documents.chunkers import make
from nearfield.documents.chunkers.ruler import ruler_for
from nearfield.documents.chunkers.semantic import SemanticChunker, window_similarities
from nearfield.documents.chunkers.settings import ChunkSettings
from nearfield.protocols import Observer
from nearfield.tokenization import load
from nearfield.types import Document, FloatArray, ModelCard, Role, Section, SectionKind

SYMBOL, HEADING, PAGE = SectionKind.SYMBOL, SectionKind.HEADING, SectionKind.PAGE


def cut(name: str, document: str | Document, size: int, overlap: int = 0) -> list[str]:
    given = Document("d", document) if isinstance(document, str) else document
    return [chunk.text for chunk in make(name, size=size, overlap=overlap).chunk(given)]


def sections(text: str, kind: SectionKind, *parts: tuple[str, str, int]) -> Document:
    """A document whose sections are the given stretches of it: (text, title, level)."""
    spans = [(text.index(part), len(part), title, level) for part, title, level in parts]
    return Document(
        "d", text, sections=tuple(Section(a, a + n, kind, t, v) for a, n, t, v in spans)
    )


class TestRecursive:
    def test_paragraphs_stay_whole(self) -> None:
        text = "One two three. Four five.\n\nSix seven eight. Nine ten.\n\nEleven twelve."
        assert cut("recursive", text, 30) == text.split("\n\n")

    def test_even_instead_of_a_scrap(self) -> None:
        text = " ".join(["Ten letters."] * 9)  # 12 characters each
        assert [len(part) for part in cut("recursive", text, 110)] in ([51, 64], [64, 51])

    def test_sentence_too_long(self) -> None:
        text = "one two three, four five six, seven eight nine"
        assert cut("recursive", text, 30) == ["one two three, four five six,", "seven eight nine"]

    def test_overlap_repeats_whole_sentences(self) -> None:
        text = "Aaa aaa. Bbb bbb. Ccc ccc. Ddd ddd."
        assert cut("recursive", text, 26, 9) == ["Aaa aaa. Bbb bbb.", "Bbb bbb. Ccc ccc. Ddd ddd."]

    def test_overlap_where_no_spaces_are_written(self) -> None:
        text = "一二三四五六七八九十"
        assert cut("recursive", text, 6, 1) == ["一二三四五", "五六七八九十"]

    def test_heading_stays_with_its_body(self) -> None:
        text = "Long text before it all.\n\nHeading\n\nBody of the text here."
        document = sections(text, HEADING, ("Heading\n\nBody of the text here.", "Heading", 1))
        assert cut("recursive", document, 34) == [
            "Long text before it all.",
            "Heading\n\nBody of the text here.",
        ]

    def test_families_and_flags_are_not_torn(self) -> None:
        family = "👩\u200d👩\u200d👧"
        assert cut("recursive", family * 4, 11) == [family * 2] * 2
        assert cut("recursive", "🇩🇪🇫🇷🇯🇵", 3) == ["🇩🇪", "🇫🇷", "🇯🇵"]
        assert cut("recursive", "e\u0301" * 3, 1) == ["e\u0301"] * 3

    def test_real_vocabulary_never_exceeds_the_size(self, minilm_path: Path) -> None:
        tokenizer = load(minilm_path)
        text = (
            "Unaffable antidisestablishmentarianism; naïveté! 漢字かな交じり文。"
            + "x" * 300
            + " https://example.com/a/very/long/path?with=queries&and=more "
        ) * 6
        for size in (1, 2, 7, 50):
            chunks = make(tokenizer=tokenizer, size=size).chunk(Document("d", text))
            counts = tokenizer.count([chunk.text for chunk in chunks])
            long = [c for c, n in zip(chunks, counts, strict=True) if n > size]
            assert all(len(chunk.text) == 1 for chunk in long)
            assert "".join("".join(c.text.split()) for c in chunks) == "".join(text.split())


class TestTokens:
    def test_windows(self) -> None:
        assert cut("tokens", "One two three four five six", 14) == [
            "One two three",
            "four five six",
        ]

    def test_overlap(self) -> None:
        expected = ["aa bb", "bb cc dd", "dd ee ff"]
        assert cut("tokens", "aa bb cc dd ee ff", 8, 3) == expected

    def test_token_boundaries_inside_a_long_word(self, minilm_path: Path) -> None:
        tokenizer = load(minilm_path)
        text = "unbelievabilities" * 3
        chunks = make("tokens", tokenizer=tokenizer, size=4).chunk(Document("d", text))
        edges = {int(edge) for edge in tokenizer.spans(text).ravel()}
        assert {chunks[0].start, chunks[0].end} <= edges


class TestSentences:
    def test_whole_sentences(self) -> None:
        assert cut("sentences", "One. Two. Three. Four.", 11) == ["One. Two.", "Three.", "Four."]

    def test_sections_are_kept_apart_only_as_sentences(self) -> None:
        document = sections("A b\nC d.", HEADING, ("C d.", "C", 1))
        assert cut("sentences", document, 3) == ["A b", "C", "d."]


class TestStructure:
    CODE = "import a\n\ndef one():\n    return 1\n\ndef two():\n    return 2\n"

    def test_functions_stay_whole(self) -> None:
        document = sections(
            self.CODE,
            SYMBOL,
            ("def one():\n    return 1\n", "one", 1),
            ("def two():\n    return 2\n", "two", 1),
        )
        assert cut("structure", document, 30) == [
            "import a",
            "def one():\n    return 1",
            "def two():\n    return 2",
        ]
        # A quarter of a passage is short: the import joins what follows it.
        assert cut("structure", document, 40) == [
            "import a\n\ndef one():\n    return 1",
            "def two():\n    return 2",
        ]

    def test_large_class_gives_way_to_its_methods(self) -> None:
        first = "    def first(self):\n        return 1\n"
        second = "    def second(self):\n        return 2\n"
        text = f"class Thing:\n{first}{second}"
        document = sections(
            text, SYMBOL, (text, "Thing", 1), (first, "first", 2), (second, "second", 2)
        )
        chunks = make("structure", size=52).chunk(document)
        assert [chunk.text for chunk in chunks] == [
            f"class Thing:\n{first}".strip(),
            second.strip(),
        ]
        assert [chunk.headings for chunk in chunks] == [("Thing",), ("Thing", "second")]

    def test_never_across_a_heading_of_a_higher_rank(self) -> None:
        text = "# A\n## a\nx\n# B\ny\n"
        document = sections(
            text, HEADING, ("# A\n## a\nx\n", "A", 1), ("## a\nx\n", "a", 2), ("# B\ny\n", "B", 1)
        )
        assert cut("structure", document, 10) == ["# A\n## a\nx", "# B\ny"]
        assert cut("structure", document, 5) == ["# A", "## a", "x", "# B\ny"]

    def test_large_section_is_cut_by_the_recursive_rule(self) -> None:
        body = "One two three. Four five six. Seven eight nine."
        document = sections(f"# A\n\n{body}", HEADING, (f"# A\n\n{body}", "A", 1))
        assert cut("structure", document, 35) == cut("recursive", document, 35)

    def test_pages_lead_only_where_nothing_else_does(self) -> None:
        text = "First page text.\fSecond page text."
        pages = (Section(0, 17, PAGE, "1"), Section(17, 34, PAGE, "2"))
        document = Document("d", text, sections=pages)
        assert cut("structure", document, 20) == ["First page text.", "Second page text."]
        chunks = make("structure", size=20).chunk(document)
        assert [chunk.page for chunk in chunks] == [1, 2]

    def test_without_sections_it_is_the_recursive_rule(self) -> None:
        text = "One two three. Four five.\n\nSix seven eight. Nine ten."
        assert cut("structure", text, 30) == cut("recursive", text, 30)


class TopicEncoder:
    """Vectors that tell sentences about cats from those about taxes."""

    card = ModelCard("topics", 2, None, "f0" * 32, True)

    class tokenizer:
        fingerprint = "0" * 64

        @staticmethod
        def spans(text: str) -> np.ndarray:
            places = np.arange(len(text), dtype=np.int64)
            return np.stack([places, places + 1], axis=1)

        @staticmethod
        def count(texts: Sequence[str]) -> list[int]:
            return [len(text) for text in texts]

    def __init__(self) -> None:
        self.calls = 0

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        self.calls += 1
        return np.array([[1, 0] if "cat" in t else [0, 1] for t in inputs], dtype=np.float32)


class TestSemantic:
    def test_cuts_where_the_subject_changes(self) -> None:
        cats = "The cat sleeps. A cat eats. One cat purrs. Some cat runs."
        taxes = "The tax rises. A tax is due. One tax falls."
        encoder = TopicEncoder()
        chunker = SemanticChunker(encoder, ChunkSettings(size=80))
        chunks = chunker.chunk(Document("d", f"{cats} {taxes}"))
        assert [chunk.text for chunk in chunks] == [cats, taxes]
        assert encoder.calls == 1

    def test_short_document_needs_no_vectors(self) -> None:
        encoder = TopicEncoder()
        document = Document("d", "The cat sleeps.")
        assert len(SemanticChunker(encoder).chunk(document)) == 1
        assert encoder.calls == 0

    def test_window_similarities(self) -> None:
        rows = np.array([[1, 0], [1, 0], [1, 0], [0, 1], [0, 1]], dtype=np.float32)
        # With a window of 2: (1,0)·(1,0), (2,0)·(1,1), (2,0)·(0,2), (1,1)·(0,1).
        expected = [1, np.sqrt(0.5), 0, np.sqrt(0.5)]
        np.testing.assert_allclose(window_similarities(rows, 2), expected, atol=1e-6)
        assert window_similarities(np.zeros((3, 2), np.float32), 1).tolist() == [0, 0]


@pytest.mark.parametrize("size", [50, 400])
def test_ruler_and_tokenizer_agree_on_a_real_text(minilm_path: Path, size: int) -> None:
    tokenizer = load(minilm_path)
    text = "Passages are measured once. They are cut afterwards, by offsets alone.\n\n" * 40
    ruler = ruler_for(text, tokenizer)
    chunks = make("sentences", tokenizer=tokenizer, size=size).chunk(Document("d", text))
    counts = tokenizer.count([chunk.text for chunk in chunks])
    assert counts == [ruler.length(chunk.start, chunk.end) for chunk in chunks]
