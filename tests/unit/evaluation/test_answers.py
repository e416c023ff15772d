"""SQuAD's measures by hand, and the report over questions with known answers."""

from __future__ import annotations

import pytest

from nearfield.errors import InputError
from nearfield.evaluation.answers import (
    Asked,
    citation_precision,
    citation_recall,
    evaluate_answers,
    exact_match,
    f1,
    faithfulness,
    normalised,
)
from nearfield.types import Answer, Chunk, Citation, Hit, Statement, Usage


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Normans", "normans"),
        ("an apple, a pear!", "apple pear"),
        ("theatre of the absurd", "theatre of absurd"),
        ("don't", "dont"),
        ("U.S.A.", "usa"),
        ("  10th–11th   century ", "10th–11th century"),  # only ASCII punctuation goes
        ("a", ""),
    ],
)
def test_normalisation_follows_the_official_script(text: str, expected: str) -> None:
    assert normalised(text) == expected


@pytest.mark.parametrize(
    ("said", "right", "expected"),
    [
        ("in the 10th century", ["10th century"], 0.8),  # 2 common of 3 said and 2 right
        ("Denmark", ["Denmark, Iceland and Norway"], 0.4),
        ("the the cat cat", ["cat"], 2 / 3),  # articles go; 1 common of 2 said and 1 right
        ("cat cat", ["cat dog cat"], 0.8),  # words count as often as they stand there
        ("dog", ["cat", "dog"], 1.0),
        ("", ["cat"], 0.0),
        ("", [], 1.0),
        ("cat", [], 0.0),
        ("the", ["a"], 1.0),  # both are empty once normalised
    ],
)
def test_f1(said: str, right: list[str], expected: float) -> None:
    assert f1(said, right) == pytest.approx(expected)


def test_exact_match_takes_any_right_answer() -> None:
    assert exact_match("The 10th century.", ["900", "10th Century"]) == 1.0
    assert exact_match("10th", ["10th century"]) == 0.0
    assert exact_match("anything", []) == 0.0


def _citation(number: int, document: str) -> Citation:
    return Citation(number, f"{document}#0-1", document, "", 0, 1, "x", verified=True)


def _hit(document: str) -> Hit:
    return Hit(Chunk(f"{document}#0-1", document, "x", 0, 1), 0.5, 1, "exact")


ANSWERED = Asked(
    "Who?",
    ("Rollo",),
    frozenset({"d1"}),
    Answer(
        "Who?",
        "Rollo [1][2] Others. [no source]",
        (Statement("Rollo", (1, 2), 0.9, supported=True), Statement("Others.")),
        (_citation(1, "d1"), _citation(2, "d2")),
        confidence=0.9,
        nearest=(_hit("d2"), _hit("d1")),
        usage=Usage(10, 4),
        seconds={"search": 0.5},
    ),
)
WITHHELD = Asked(
    "When?",
    ("1066",),
    frozenset({"d3"}),
    Answer("When?", "Not here.", abstained=True, confidence=0.2, nearest=(_hit("d2"),)),
)
RIGHTLY = Asked(
    "Why?", (), frozenset(), Answer("Why?", "Not here.", abstained=True, confidence=0.1)
)
WRONGLY = Asked("How?", (), frozenset(), Answer("How?", "So.", confidence=0.5))


def test_citations_and_faithfulness() -> None:
    assert citation_precision(ANSWERED) == 0.5  # of two citations one is of d1
    assert citation_recall(ANSWERED) == 0.5  # of two sentences one has it
    assert faithfulness(ANSWERED.answer) == 0.5
    assert citation_precision(WITHHELD) == citation_recall(WITHHELD) == 0.0


def test_the_report_adds_up() -> None:
    report = evaluate_answers([ANSWERED, WITHHELD, RIGHTLY, WRONGLY], samples=50)
    assert (report.questions, report.unanswerable) == (4, 2)
    assert report.hit is not None and report.hit.mean == 0.5
    assert report.f1 is not None and report.f1.mean == pytest.approx((2 * 0.5 / 1.5) / 2)
    assert report.held is not None and report.held.mean == 0.5
    assert report.citation_precision is not None and report.citation_precision.mean == 0.5
    assert report.auroc is not None and report.auroc.mean == 0.75  # 3 of 4 pairs in order
    assert (report.refused_right, report.refused_wrong) == (0.5, 0.5)
    assert report.seconds == {"search": 0.5}
    assert (report.input_tokens, report.output_tokens) == (10.0, 4.0)


def test_measures_that_have_no_questions_are_left_open() -> None:
    report = evaluate_answers([RIGHTLY, WRONGLY], samples=10)
    assert report.hit is report.f1 is report.auroc is report.faithfulness is None
    with pytest.raises(InputError, match="nothing was asked"):
        evaluate_answers([])
