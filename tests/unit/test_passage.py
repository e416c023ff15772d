"""What the encoder is given for a chunk."""

from __future__ import annotations

from nearfield.passage import CONTEXT_CHARACTERS, embedding_text
from nearfield.types import Chunk


def chunk(text: str, *headings: str) -> Chunk:
    return Chunk("d#0-1", "d", text, 0, len(text), headings=headings)


def test_without_headings_it_is_the_text_itself() -> None:
    assert embedding_text(chunk("Set it to 0.")) == "Set it to 0."
    assert embedding_text(chunk("Set it to 0.", "", "  ")) == "Set it to 0."


def test_the_path_of_headings_leads() -> None:
    assert (
        embedding_text(chunk("Set it to 0.", "Manual", "Timer")) == "Manual › Timer\nSet it to 0."
    )


def test_a_heading_that_the_text_begins_with_is_not_said_twice() -> None:
    assert (
        embedding_text(chunk("## Timer\nSet it.", "Manual", "Timer")) == "Manual\n## Timer\nSet it."
    )


def test_a_long_path_keeps_its_inner_end() -> None:
    path = [f"heading number {n} of a long path" for n in range(12)]
    context = embedding_text(chunk("text", *path)).removesuffix("\ntext")
    assert len(context) <= CONTEXT_CHARACTERS
    assert context.endswith(path[-1])
    assert path[0] not in context
