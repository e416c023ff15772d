"""The marked sentence is the one whose own vector is nearest to the query."""

from __future__ import annotations

from nearfield.protocols import Encoder
from nearfield.search.highlight import best_sentences
from nearfield.types import Chunk, Hit


def hit(text: str) -> Hit:
    return Hit(Chunk(f"d#0-{len(text)}", "d", text, 0, len(text)), 1.0, 1, "exact")


def test_the_nearest_sentence_of_each_hit(encoder: Encoder) -> None:
    texts = ["Cook bread. Snow and ice.", "Sand and sea. The winter frost. A knife."]
    marks = best_sentences(encoder, "parka", [hit(text) for text in texts])
    assert [text[a:b] for text, (a, b) in zip(texts, marks, strict=True)] == [
        "Snow and ice.",
        "The winter frost.",
    ]


def test_headings_are_not_answers(encoder: Encoder) -> None:
    text = "# Winter snow\n\nSand and sea. Frost comes late. A knife."
    chunk = Chunk("d#0-1", "d", text, 0, len(text), headings=("Winter snow",))
    ((a, b),) = best_sentences(encoder, "ice", [Hit(chunk, 1.0, 1, "exact")])
    assert text[a:b] == "Frost comes late."


def test_a_single_sentence_is_not_marked(encoder: Encoder) -> None:
    assert best_sentences(encoder, "ice", [hit("Only snow here.")]) == [None]
    assert best_sentences(encoder, "ice", []) == []
