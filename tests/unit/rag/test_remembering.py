"""A generator that remembers writes each text once, and never gives another's."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.rag.conftest import Scripted

from nearfield.collection.asking import Expansion
from nearfield.errors import NearfieldWarning
from nearfield.rag import prompts
from nearfield.rag.questions import expand
from nearfield.rag.remembering import RememberingGenerator
from nearfield.types import Message, Speaker, Usage

ASKED = (Message(Speaker.SYSTEM, "Be short."), Message(Speaker.USER, "Cold?"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "written.sqlite"


def _said(generator: RememberingGenerator, *asked: Message, **limits: object) -> str:
    return "".join(piece.text for piece in generator.stream(asked, **limits))  # type: ignore[arg-type]


def test_a_later_run_asks_nothing(path: Path) -> None:
    first, second = Scripted(["Wear a parka."]), Scripted(["Never said."])
    assert _said(RememberingGenerator(first, path), *ASKED) == "Wear a parka. "
    pieces = list(RememberingGenerator(second, path).stream(ASKED))
    assert [(piece.text, piece.usage) for piece in pieces] == [("Wear a parka. ", Usage(0))]
    assert (len(first.asked), len(second.asked)) == (1, 0)


def test_whatever_decides_a_text_is_part_of_its_key(path: Path) -> None:
    writer = Scripted([str(number) for number in range(9)])
    remembering = RememberingGenerator(writer, path)
    system, user = ASKED
    calls: list[tuple[tuple[Message, ...], dict[str, object]]] = [
        ((system, user), {}),
        ((user,), {}),
        ((system, Message(Speaker.USER, "Warm?")), {}),
        ((Message(Speaker.USER, "Be short."), user), {}),
        ((system, user), {"max_tokens": 5}),
        ((system, user), {"stop": ["a", "b"]}),
        ((system, user), {"stop": ["ab"]}),
    ]
    said = [_said(remembering, *asked, **limits) for asked, limits in calls]
    assert said == [f"{number} " for number in range(len(calls))]
    assert [_said(remembering, *asked, **limits) for asked, limits in calls] == said
    other = RememberingGenerator(Scripted(["x"], name="another"), path)
    assert _said(other, system, user) == "x "


def test_weights_under_one_name_are_told_apart(path: Path) -> None:
    class Marked(Scripted):
        fingerprint = "scripted@1"

    assert _said(RememberingGenerator(Scripted(["plain"]), path), *ASKED) == "plain "
    marked = RememberingGenerator(Marked(["marked"]), path)
    assert marked.fingerprint == "scripted@1"
    assert _said(marked, *ASKED) == "marked "


def test_a_text_that_was_broken_off_is_not_kept(path: Path) -> None:
    writer = Scripted(["one two three"])
    remembering = RememberingGenerator(writer, path)
    pieces = remembering.stream(ASKED)
    assert next(pieces).text == "one "
    pieces.close()  # type: ignore[attr-defined]
    assert _said(remembering, *ASKED) == "one two three "
    assert len(writer.asked) == 2


def test_expansions_cost_once(path: Path) -> None:
    texts = prompts.load()
    for writer in (Scripted(["Frost?\nIce?"]), Scripted(["Never said."])):
        made = expand("Cold?", Expansion.MULTI_QUERY, RememberingGenerator(writer, path), texts)
        assert made == ("Cold?", "Frost?", "Ice?")
    assert writer.asked == []


def test_a_damaged_file_costs_a_warning_and_no_text(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all, in any case" * 40)
    remembering = RememberingGenerator(Scripted(["one"]), path)
    with pytest.warns(NearfieldWarning, match="does not keep what scripted writes"):
        assert _said(remembering, *ASKED) == "one "
    assert _said(remembering, *ASKED) == "one "
