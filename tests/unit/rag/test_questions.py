"""What is made of a question before it is searched for, and prompts as data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.unit.rag.conftest import Scripted

from nearfield.collection.asking import AskOptions, Expansion
from nearfield.errors import InputError, UnknownName
from nearfield.rag import prompts
from nearfield.rag.questions import between, expand, search_all, standalone
from nearfield.types import Chunk, Hit, Message, Speaker

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


def _hits(names: str) -> list[Hit]:
    return [
        Hit(Chunk(name, name, name, 0, 1), 0.5, rank, "exact") for rank, name in enumerate(names, 1)
    ]


def test_several_texts_are_one_ranking() -> None:
    rankings = {"Cold?": _hits("ab"), "Frost?": _hits("bc")}

    def never(asked: str, made_up: str) -> list[Hit]:
        raise AssertionError("only a made-up passage is searched for by its vector")

    for expansion in (Expansion.MULTI_QUERY, Expansion.DECOMPOSE, Expansion.HYDE):
        texts = ["Cold?"] if expansion is Expansion.HYDE else ["Cold?", "Frost?"]
        hits = search_all(texts, expansion, 2, by_text=rankings.__getitem__, by_passage=never)
        # 1/(60 + 2) + 1/(60 + 1) for b, once 1/(60 + 1) for a.
        assert [hit.chunk.id for hit in hits] == (["b", "a"] if len(texts) > 1 else ["a", "b"])


def test_a_made_up_passage_goes_with_its_question() -> None:
    asked = []

    def near(question: str, made_up: str) -> list[Hit]:
        asked.append((question, made_up))
        return _hits("c")

    hits = search_all(
        ["Cold?", "A parka."], Expansion.HYDE, 2, by_text=lambda text: [], by_passage=near
    )
    assert ([hit.chunk.id for hit in hits], asked) == (["c"], [("Cold?", "A parka.")])


def test_between_a_question_and_a_passage() -> None:
    east, north, none = (np.array(each, np.float32) for each in ([3, 0], [0, 4], [0, 0]))
    # The sum (3, 4) has length 5.
    np.testing.assert_allclose(between(east, north), [0.6, 0.8], rtol=1e-6)
    np.testing.assert_array_equal(between(east, -east), east)
    np.testing.assert_array_equal(between(east, none), east)


def test_reranking_a_made_up_passage_is_refused() -> None:
    with pytest.raises(InputError, match="leave out the expansion hyde or rerank"):
        AskOptions(expansion=Expansion.HYDE, rerank=True)


def test_prompts_of_the_package() -> None:
    assert prompts.names() == ["default", "small"]
    small, default = prompts.load("small"), prompts.load()
    assert small.hyde == default.hyde
    assert small.stop == ("\n",)
    assert (small.context_tokens, default.context_tokens) == (500, 1500)
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
        ("context_tokens = 0", "expected 1 or more"),
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
