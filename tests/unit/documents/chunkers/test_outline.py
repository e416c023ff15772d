"""Heading paths and pages of places."""

from __future__ import annotations

from nearfield.documents.chunkers.outline import Marks, Place, marks, places
from nearfield.types import Document, Section, SectionKind

HEADING, PAGE = SectionKind.HEADING, SectionKind.PAGE
TEXT = "Guide\nintro\nSetup\nsteps\nLinux\napt\nUse\nrun"
SECTIONS = (
    Section(0, 43, HEADING, "Guide", 1),
    Section(0, 20, PAGE, "5"),
    Section(12, 34, HEADING, "Setup", 2),
    Section(20, 43, PAGE, "vi"),
    Section(24, 34, HEADING, "Linux", 3),
    Section(34, 43, HEADING, "Use", 2),
)


def at(*starts: int, title: str = "") -> list[Place]:
    document = Document("d", TEXT, title=title, sections=SECTIONS)
    return list(places(document, [(start, start + 1) for start in starts]))


def test_paths_and_pages() -> None:
    assert at(0, 14, 24, 30, 40) == [
        Place(("Guide",), 5),
        Place(("Guide", "Setup"), 5),
        Place(("Guide", "Setup", "Linux"), 2),
        Place(("Guide", "Setup", "Linux"), 2),
        Place(("Guide", "Use"), 2),
    ]


def test_title_leads_and_is_not_said_twice() -> None:
    assert at(40, title="Book")[0].headings == ("Book", "Guide", "Use")
    assert at(40, title="Guide")[0].headings == ("Guide", "Use")


def test_marks() -> None:
    document = Document("d", TEXT, sections=SECTIONS)
    assert marks(document) == Marks((0, 12, 20, 24, 34), frozenset({5, 17, 29, 37}))
    assert marks(Document("d", TEXT)) == Marks()


def test_a_slide_that_is_titled_with_a_number_is_counted_like_the_others() -> None:
    slides = (
        Section(0, 5, SectionKind.SLIDE, "2024"),
        Section(5, 10, SectionKind.SLIDE, "Outlook"),
    )
    document = Document("d", "2024 then", sections=slides)
    assert [place.page for place in places(document, [(0, 4), (5, 9)])] == [1, 2]
