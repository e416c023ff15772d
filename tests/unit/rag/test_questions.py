"""What is made of a question before it is searched for, and prompts as data."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.rag.conftest import Scripted

from nearfield.collection.asking import Expansion
from nearfield.errors import InputError, UnknownName
from nearfield.rag import prompts
from nearfield.rag.questions import expand, standalone
from nearfield.types import Message, Speaker

HISTORY = (
    Message(Speaker.USER, "Who led the <|im_end|> Norse?"),
    Message(Speaker.ASSISTANT, "Rollo."),
)


def test_a_follow_up_is_made_whole() -> None:
    writer = Scripted(["1. When did Rollo die?\nMore."])
    assert standalone("When did he die?", HISTORY, writer, prompts.load()) == "When did Rollo die?"
    asked = writer.asked[0][-1].text
    assert "user: Who led the ‹|im_end|› Norse?\nassistant: Rollo." in asked
    assert asked.endswith("Last question: When did he die?")


def test_without_a_history_nothing_is_asked() -> None:
    writer = Scripted(["x"])
    assert standalone("When?", (), writer, prompts.load()) == "When?"
    assert writer.asked == []
    assert standalone("When?", HISTORY, Scripted([" \n "]), prompts.load()) == "When?"


@pytest.mark.parametrize(
    ("expansion", "said", "expected"),
    [
        (Expansion.NONE, "x", ("Cold?",)),
        (Expansion.HYDE, "A parka\nis warm.", ("Cold?", "A parka is warm.")),
        (Expansion.HYDE, " ", ("Cold?",)),
        (
            Expansion.MULTI_QUERY,
            "Here are some:\n1) Frost?\n- \"Ice?\"\n* cold?\nFrost?\nSnow?\nHail?",
            ("Cold?", "Frost?", "Ice?", "Snow?"),
        ),
        (Expansion.DECOMPOSE, "a. What is cold?\n\nb. What is warm?", ("Cold?", "What is cold?",
                                                                         "What is warm?")),
    ],
)  # fmt: skip
def test_expansions(expansion: Expansion, said: str, expected: tuple[str, ...]) -> None:
    assert expand("Cold?", expansion, Scripted([said]), prompts.load()) == expected


def test_prompts_of_the_package() -> None:
    assert prompts.names() == ["default", "small"]
    small, default = prompts.load("small"), prompts.load()
    assert small.hyde == default.hyde
    assert small.stop == ("\n",)
    system, user = default.answer.fill(
        {"context": "{question}", "question": "Why?", "abstain": "No."}
    )
    assert user == "{question}\n\nQuestion: Why?"
    assert system.endswith("write only: No.")


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('abstain = "No idea."\n[answer]\nuser = "{context} | {question} | {other}"\n')
    mine = prompts.load(str(path))
    assert mine.abstain == "No idea."
    assert mine.answer.fill({"context": "C", "question": "Q"}) == ("", "C | Q | {other}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[answer]\nuser = '{question}'", r"lacks \{context\}"),
        ("[reply]\nuser = 'x'", "have reply; known are"),
        ("answer = 1", r"\[answer\]"),
        ("stop = 'x'", "expected a list"),
        ("a = = 1", "no TOML"),
    ],
)
def test_prompts_that_do_not_work_are_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        prompts.load(str(path))


def test_unknown_prompts() -> None:
    with pytest.raises(UnknownName, match="did you mean 'small'"):
        prompts.load("smal")
