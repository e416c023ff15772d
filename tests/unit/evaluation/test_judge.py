"""A judge by script: its agreement, variance and kappa by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from nearfield.errors import InputError
from nearfield.evaluation.answers import Asked
from nearfield.evaluation.judge import judge_answers
from nearfield.types import Answer, Message, Piece

ASKED = [
    Asked("Who?", ("Rollo",), frozenset(), Answer("Who?", "Rollo")),
    Asked("When?", ("1066",), frozenset(), Answer("When?", "In spring")),
    Asked("Why?", (), frozenset(), Answer("Why?", "So")),
]


class Judge:
    """Says what it was told, in turn."""

    name = "judge"
    context_tokens = None

    def __init__(self, *said: str) -> None:
        self._said = list(said)
        self.read: list[str] = []

    def count(self, text: str) -> int:
        return len(text)

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 512, stop: Sequence[str] = ()
    ) -> Iterator[Piece]:
        self.read.append(messages[-1].text)
        yield Piece(self._said.pop(0))


def test_figures_by_hand() -> None:
    judge = Judge("Yes.", "yes", "No, wrong", "No", "YES", "maybe")
    report = judge_answers(ASKED, judge, repeats=3)
    assert (report.questions, report.repeats, report.unread) == (2, 3, 1)
    assert report.right.mean == 0.5  # yes yes no; no yes unread
    assert report.agreement == 0.0
    assert report.deviation == pytest.approx(0.5)  # shares of 1/2, 1 and 0 by turn
    assert report.kappa == 1.0  # the majority says what the words say


def test_the_order_changes_with_the_turn() -> None:
    judge = Judge("yes", "yes", "no", "no")
    assert judge_answers(ASKED, judge, repeats=2).agreement == 1.0
    assert judge.read[0] == "Question: Who?\nRight answers: Rollo\nAnswer: Rollo"
    assert judge.read[1] == "Question: Who?\nAnswer: Rollo\nRight answers: Rollo"


def test_one_verdict_is_not_enough() -> None:
    with pytest.raises(InputError, match="2 answerable questions, 1 repeats"):
        judge_answers(ASKED, Judge("yes"), repeats=1)
