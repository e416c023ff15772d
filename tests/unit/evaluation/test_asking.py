"""A list of known questions asked of a collection: figures, and a run that goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path

import pytest
from tests.unit.evaluation.letters import Letters

from nearfield.collection import Collection, open_collection
from nearfield.collection.asking import AskOptions
from nearfield.errors import InputError, ReadError
from nearfield.evaluation.asking import KnownQuestion, ask_all, read_known
from nearfield.models import reading
from nearfield.types import Message, Piece, Usage

OPTIONS = AskOptions(threshold=0.0)
QUESTIONS = [
    KnownQuestion("who bakes bread?", ("The baker",), ("bread.txt",)),
    KnownQuestion("who swims?", ("fish",)),
    KnownQuestion("who rules the moon?", ()),
]


@dataclass
class Writer:
    """Says the same of everything, and stops working after some answers."""

    said: str = "The baker bakes bread."
    works: int = 99
    name: str = "writer"
    context_tokens: int | None = None
    asked: list[str] = field(default_factory=list)

    def count(self, text: str) -> int:
        return len(text.split())

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 512, stop: Sequence[str] = ()
    ) -> Iterator[Piece]:
        if len(self.asked) == self.works:
            raise KeyboardInterrupt
        self.asked.append(messages[-1].text)
        yield Piece(self.said)
        yield Piece("", Usage(7, 5))


@pytest.fixture
def collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collection]:
    monkeypatch.setattr(reading, "available", lambda: False)
    with open_collection(tmp_path / "c.nf", encoder=Letters()) as made:
        made.add(["The baker bakes bread.", "All fish swim."], ids=["/x/bread.txt", "/x/fish.txt"])
        yield made


def _timeless(answers: Sequence[object]) -> list[object]:
    return [replace(each, seconds={}) for each in answers]  # type: ignore[type-var]


def test_every_answer_is_measured(collection: Collection) -> None:
    told: list[tuple[int, int]] = []
    bread, fish, moon = ask_all(
        collection,
        QUESTIONS,
        generator=Writer(),
        options=OPTIONS,
        told=lambda done, of: told.append((done, of)),
    )
    assert (bread.said, bread.hit, bread.held, bread.exact) == ("The baker bakes bread.", 1, 1, 0)
    assert bread.f1 == pytest.approx(0.5)  # "baker" of "baker bakes bread": 2 · 1/3 · 1 / (4/3)
    assert (bread.citation_precision, bread.citation_recall, bread.faithfulness) == (1, 1, 1)
    assert (fish.hit, fish.citation_precision, fish.held) == (None, None, 0)
    assert (moon.f1, moon.hit, moon.faithfulness, moon.abstained) == (None, None, None, False)
    assert (moon.input_tokens, moon.output_tokens) == (7, 5)
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_stopped_run_goes_on_and_ends_as_if_it_had_not(
    collection: Collection, tmp_path: Path
) -> None:
    keep, whole = tmp_path / "answers.jsonl", tmp_path / "whole.jsonl"

    def run(writer: Writer, file: Path) -> list[object]:
        return list(ask_all(collection, QUESTIONS, generator=writer, options=OPTIONS, keep=file))

    with pytest.raises(KeyboardInterrupt):
        run(Writer(works=2), keep)
    with keep.open("ab") as file:
        file.write(b'{"question": "who rul')  # cut short by the end of the world
    again = Writer()
    answers = run(again, keep)
    assert len(again.asked) == 1
    assert _timeless(answers) == _timeless(run(Writer(), whole))
    assert len(keep.read_text().splitlines()) == 4
    assert run(Writer(works=0), keep) == answers  # all of them are there
    corrected = [replace(QUESTIONS[0], answers=("Nobody",)), *QUESTIONS[1:]]
    other = Writer()
    found = ask_all(collection, corrected, generator=other, options=OPTIONS, keep=keep)
    assert (found[0].held, len(other.asked)) == (0.0, 1)  # what is right has changed
    moved = [replace(QUESTIONS[0], documents=("fish.txt",)), *QUESTIONS[1:]]
    other = Writer()
    found = ask_all(collection, moved, generator=other, options=OPTIONS, keep=keep)
    assert (found[0].citation_precision, len(other.asked)) == (0.0, 1)  # and where it stands


def test_answers_of_another_kind_are_not_mixed(collection: Collection, tmp_path: Path) -> None:
    keep = tmp_path / "answers.jsonl"

    def run(name: str = "writer", options: AskOptions = OPTIONS) -> None:
        ask_all(collection, QUESTIONS, generator=Writer(name=name), options=options, keep=keep)

    run()
    with pytest.raises(InputError, match="with other generator"):
        run("another")
    with pytest.raises(InputError, match="with other options"):
        run(options=replace(OPTIONS, sentences=2))
    toml = tmp_path / "mine.toml"
    packaged = resources.files("nearfield.rag.prompts") / "default.toml"
    toml.write_text(packaged.read_text("utf-8"), encoding="utf-8")
    mine = replace(OPTIONS, prompts=str(toml))
    other = tmp_path / "other.jsonl"
    ask_all(collection, QUESTIONS, generator=Writer(), options=mine, keep=other)
    toml.write_text(toml.read_text("utf-8").replace('abstain = "', 'abstain = "Really: '))
    with pytest.raises(InputError, match="with other prompts"):
        ask_all(collection, QUESTIONS, generator=Writer(), options=mine, keep=other)
    collection.add(["The moon has no ruler."], ids=["moon"])
    with pytest.raises(InputError, match="with other documents"):
        run()
    with pytest.raises(InputError, match="cannot be written"):
        ask_all(collection, QUESTIONS, generator=Writer(), keep=tmp_path / "nowhere" / "a.jsonl")


@pytest.mark.parametrize("text", ["a letter\n", "a letter", "[]\n", "{}\n", '{"a": 1}', "\n"])
def test_a_file_of_something_else_is_left_as_it_is(
    text: str, collection: Collection, tmp_path: Path
) -> None:
    keep = tmp_path / "letter.txt"
    keep.write_text(text)
    with pytest.raises(InputError, match="is no file of answers"):
        ask_all(collection, QUESTIONS, generator=Writer(), options=OPTIONS, keep=keep)
    assert keep.read_text() == text


def test_a_run_that_was_killed_at_once_begins_again(collection: Collection, tmp_path: Path) -> None:
    keep = tmp_path / "answers.jsonl"

    def run() -> list[object]:
        return list(ask_all(collection, QUESTIONS, generator=Writer(), options=OPTIONS, keep=keep))

    answers = run()
    keep.write_bytes(keep.read_bytes()[:20])
    assert _timeless(run()) == _timeless(answers)
    assert len(keep.read_text().splitlines()) == 4


def test_documents_that_are_not_there_are_named(collection: Collection) -> None:
    asked = [KnownQuestion("who?", ("me",), ("bread.txt", "stone.txt"))]
    with pytest.raises(InputError, match=r"1 of 2 documents are not .*\(stone.txt\)"):
        ask_all(collection, asked, generator=Writer())
    with pytest.raises(InputError, match="no questions"):
        ask_all(collection, [])


def test_a_file_of_questions(tmp_path: Path) -> None:
    file = tmp_path / "asked.jsonl"
    lines = [
        {"question": "who?", "answers": ["Rollo", "the duke"], "documents": ["a.md"]},
        {"question": "why?", "answers": []},
    ]
    file.write_text("\n\n".join(map(json.dumps, lines)) + "\n")
    assert read_known(file) == [
        KnownQuestion("who?", ("Rollo", "the duke"), ("a.md",)),
        KnownQuestion("why?", ()),
    ]
    table = tmp_path / "asked.csv"
    table.write_text("question,answers,documents\nwho?,Rollo,a.md\nwhy?,,\n")
    assert read_known(table) == [
        KnownQuestion("who?", ("Rollo",), ("a.md",)),
        KnownQuestion("why?", ()),
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "no valid JSON"),
        ("[]", "expected an object"),
        ('{"answers": []}', "has no 'question'"),
        ('{"question": " ", "answers": []}', "is blank"),
        ('{"question": "who?"}', "has no 'answers'"),
        ('{"question": "who?", "answers": [], "documents": [1]}', "'documents' holds something"),
        ('{"question": "who?", "answers": []}\n{"question": "who?", "answers": []}', "already"),
        ("", "holds no question"),
    ],
)
def test_what_is_no_question_is_said(line: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "asked.jsonl"
    file.write_text(line)
    with pytest.raises((InputError, ReadError), match=why):
        read_known(file)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "asked.jsonl"
    file.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ReadError, match="is not UTF-8"):
        read_known(file)
