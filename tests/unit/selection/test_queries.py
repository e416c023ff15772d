"""Questions without labels: what is asked, what is taken out, what is left out and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from nearfield.errors import InputError
from nearfield.selection.queries import Kind, Questions, Reject, generate
from nearfield.types import Document, Message, Piece, Section, SectionKind

SUBJECTS = [
    "violin", "glacier", "tomato", "bicycle", "beehive", "volcano", "passport", "telescope",
    "cheese", "marathon", "lighthouse", "penguin",
]  # fmt: skip
WORDS = [
    "amber", "basalt", "cedar", "delta", "ember", "fjord", "garnet", "harbour", "island",
    "jasper", "kelp", "lagoon", "meadow", "nectar", "orchard", "pebble", "quarry", "ravine",
    "summit", "tundra", "umber", "valley", "willow", "yarrow", "zenith", "bronze", "copper",
    "linen", "marble", "saddle", "timber", "velvet", "anchor", "barley", "candle", "dragon",
    "engine", "falcon", "goblet", "hammer",
]  # fmt: skip


def prose(seed: int, sentences: int = 6) -> str:
    """Sentences of words that hardly two documents share."""
    chance = np.random.default_rng(seed)
    made = []
    for number in range(sentences):
        places = chance.choice(len(WORDS), 8, replace=False)
        words = [f"{WORDS[at]}{seed}x{number if at % 2 else 0}" for at in places]
        made.append(f"Number{seed}x{number} {' '.join(words)}.")
    return " ".join(made)


def library(count: int = 12) -> dict[str, Document]:
    return {
        f"d{seed}": Document(
            f"d{seed}", prose(seed), title=f"Why {SUBJECTS[seed]} needs {WORDS[seed]}"
        )
        for seed in range(count)
    }


def answer(questions: Questions, id_: str) -> str:
    span = questions.spans[id_]
    return questions.task.documents[span.document].text[span.start : span.end]


def test_a_sentence_is_taken_out_and_its_neighbours_are_the_answer() -> None:
    documents = library()
    made = generate(documents, count=8, kinds=["sentence"])
    assert len(made.task.queries) == 8
    for id_, question in made.task.queries.items():
        (document,) = made.task.qrels[id_]
        text, before = made.task.documents[document].text, documents[document].text
        assert question in before
        assert question not in text
        assert len(text) < len(before)
        # What stands around the cut is still there, in one piece.
        left, _, right = before.partition(question)
        around = answer(made, id_)
        assert around in text
        if left.strip():
            assert left.rstrip().rsplit(". ", 1)[-1] in around
        if right.strip():
            assert right.strip().split(". ", 1)[0] in around


def test_a_title_is_nowhere_in_what_is_searched() -> None:
    title = "Growing barley in a cold valley"
    text = f"# {title}\n\n{prose(1)}\n"
    head = Section(0, len(text), SectionKind.HEADING, title, 1)
    documents = {
        **library(),
        "t": Document("t", text, title=title, sections=(head,)),
        "plain": Document(
            "plain", f"Keeping bees above water\n{prose(2)}", title="Keeping bees above water"
        ),
    }
    made = generate(documents, count=20, kinds=["title"])
    asked = {question: id_ for id_, question in made.task.queries.items()}
    for title, id_ in (
        ("Growing barley in a cold valley", "t"),
        ("Keeping bees above water", "plain"),
    ):
        assert made.task.qrels[asked[title]] == {id_: 1}
        document = made.task.documents[id_]
        assert title not in document.text
        assert document.title == ""
        assert {section.title for section in document.sections} <= {""}
        assert answer(made, asked[title]) == document.text


def test_a_heading_asks_for_its_section_and_no_path_holds_it() -> None:
    parts = [
        "# Handbook of the old harbour\n",
        "## Opening the western gate\n",
        prose(3),
        "\n## Locks\n",
        prose(4),
    ]
    text = "".join(parts)
    at = [text.index(part) for part in parts]
    sections = (
        Section(0, len(text), SectionKind.HEADING, "Handbook of the old harbour", 1),
        Section(at[1], at[3] + 1, SectionKind.HEADING, "Opening the western gate", 2),
        Section(at[3] + 1, len(text), SectionKind.HEADING, "Locks", 2),
    )
    documents = {**library(), "h": Document("h", text, sections=sections)}
    made = generate(documents, count=1, kinds=["heading"], seed=3)
    (id_,) = made.task.queries
    assert made.kinds[id_] is Kind.HEADING
    document = made.task.documents["h"]
    everything = document.text + " ".join(section.title for section in document.sections)
    for part in made.task.queries[id_].split(": "):
        assert part not in everything
    for section in document.sections:
        assert 0 <= section.start < section.end <= len(document.text)
    assert answer(made, id_).strip() in (prose(3), prose(4), document.text.strip())


def test_reasons_are_counted() -> None:
    documents = library(6)
    copy = Document("copy", documents["d0"].text)
    notice = "Copying this record without a written permission is forbidden everywhere."
    everywhere = {f"n{seed}": Document(f"n{seed}", f"{notice} " * 3) for seed in range(20, 26)}
    made = generate({**documents, "copy": copy, **everywhere}, count=50, kinds=["sentence"])
    assert made.rejected[Reject.DUPLICATE] >= 2
    assert Reject.BOILERPLATE in made.rejected or Reject.TOO_SHORT in made.rejected
    asked = {document for grades in made.task.qrels.values() for document in grades}
    assert not asked & {"d0", "copy", *everywhere}
    assert made.drafted == len(made.task.queries) + sum(made.rejected.values())
    assert "left out" in made.summary()


def test_a_question_that_its_own_answer_repeats_is_left_out() -> None:
    title = "Harvesting purple carrots early"
    documents = {
        **library(),
        "v": Document(
            "v", f"{prose(1)} We are harvesting purple carrots early. {prose(2)}", title=title
        ),
    }
    made = generate(documents, count=50, kinds=["title"])
    assert title not in made.task.queries.values()
    assert made.rejected[Reject.VERBATIM] == 1


def test_few_long_documents_give_several_questions_that_do_not_spoil_each_other() -> None:
    documents = {f"long{n}": Document(f"long{n}", prose(n, 60)) for n in range(2)}
    made = generate(documents, count=20, kinds=["sentence"])
    assert len(made.task.queries) == 20
    for id_, question in made.task.queries.items():
        (document,) = made.task.qrels[id_]
        assert question not in made.task.documents[document].text
        assert len(answer(made, id_)) > 60


def test_same_seed_same_questions() -> None:
    first, again, other = (generate(library(), count=6, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.task.queries != other.task.queries
    assert set(first.kinds.values()) == {Kind.TITLE, Kind.SENTENCE}


class Scripted:
    """A generator that says what it was given to say."""

    name = "scripted"
    context_tokens = 2048

    def __init__(self, said: Sequence[str]) -> None:
        self.said = list(said)
        self.seen: list[str] = []

    def count(self, text: str) -> int:
        return len(text) // 2

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 512, stop: Sequence[str] = ()
    ) -> Iterator[Piece]:
        self.seen.append(messages[-1].text)
        yield Piece(self.said[len(self.seen) % len(self.said)])


def test_generated_questions_keep_the_passage_whole() -> None:
    generator = Scripted(
        [
            "Sure:\n1. Where do gulls with orange beaks nest?",
            "What does this passage say?",
            "No idea.",
        ]
    )
    documents = library()
    made = generate(documents, count=12, kinds=["generated"], generator=generator)
    assert made.task.documents == documents
    assert set(made.task.queries.values()) == {"Where do gulls with orange beaks nest?"}
    assert made.rejected[Reject.MALFORMED] > 0
    for id_ in made.task.queries:
        assert any(answer(made, id_) in seen for seen in generator.seen)


def test_wrong_use_says_what_would_be_right() -> None:
    with pytest.raises(InputError, match="expected one of title, heading, sentence, generated"):
        generate(library(), kinds=["guess"])
    with pytest.raises(InputError, match="need a generator"):
        generate(library(), kinds=["generated"])
    with pytest.raises(InputError, match="at least 1"):
        generate(library(), count=0)
    with pytest.raises(InputError, match="no question could be made of 1 documents"):
        generate({"a": Document("a", "Nothing here.")})
