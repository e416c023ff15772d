"""Whether there is an answer: signals and probabilities worked by hand."""

import math

import pytest

from nearfield.rag.evidence import Regression, Weights, judge, learned, signals
from nearfield.rag.extractive import Choice
from nearfield.rag.sentences import Sentence
from nearfield.types import Chunk, Hit


def _choice(text: str, start: int, end: int, similarity: float, heading: str = "") -> Choice:
    headings = (heading,) if heading else ()
    chunk = Chunk("c", "d", text, 0, len(text), headings=headings)
    return Choice(Sentence(chunk, start, end), 1.0, similarity)


def test_signals_of_a_question_with_words_changed() -> None:
    text = "In June 1066 Harold lost the battle. William won."
    best = [_choice(text, 0, 36, 0.75, "Hastings"), _choice(text, 37, 49, 0.5)]
    question = "Why did the Vikings of William not win in May 1067 near Hastings?"
    # "Why", "not" and "May" are words that carry nothing here.
    assert signals(question, best) == {
        "similarity": 0.75,
        "words": 0.0,
        "passage": 2 / 6,  # William, Hastings
        "kind": 0.8,
        "denies": 1.0,
        "missing": 4,  # vikings, win, 1067, near
        "opposites": 1,  # May for June; "win" is there as "won"
        "numbers": 1,
        "names": 3,
    }


def test_names_may_stand_in_any_of_three_sentences() -> None:
    text = "Harold lost. William won. Rollo came. Robert left."
    spans = [(0, 12), (13, 25), (26, 37), (38, 50)]
    best = [_choice(text, *span, 0.5) for span in spans]
    seen = [signals(f"And where was {name}?", best)["names"] for name in ("Rollo", "Robert")]
    assert seen == [0, 1]


def test_an_answer_needs_both() -> None:
    about = Regression({"words": 2.0}, -1.0)  # 1 / (1 + exp(-1)) for all words
    says = Regression({"denies": -3.0}, 1.0)  # 1 / (1 + exp(2)) for a question with "not"
    both = Weights(about, says, 0.5).probability({"words": 1.0, "denies": 1.0})
    assert both == pytest.approx(0.7310585786 * 0.1192029220)
    assert Regression({}, -math.inf).probability({}) == pytest.approx(0.0, abs=1e-300)


@pytest.mark.parametrize("encoder", ["all-MiniLM-L6-v2", "another"])
def test_a_word_that_is_changed_lowers_the_confidence(encoder: str) -> None:
    text = "The boiler was replaced in May 2021."
    best = [_choice(text, 0, len(text), 0.7)]
    hits = [Hit(best[0].sentence.chunk, 1.0, 1, "exact")]

    def confidence(question: str) -> float:
        return judge(question, hits, best, encoder).confidence

    asked = confidence("Who replaced the boiler in May 2021?")
    for other in (
        "Who did not replace the boiler in May 2021?",
        "Who replaced the boiler in June 2021?",
        "Who replaced the boiler in May 2012?",
        "Who replaced the Viking in May 2021?",
    ):
        assert confidence(other) < asked


def test_without_cosines_only_words_count() -> None:
    for part in (learned("words").about, learned("words").says):
        assert "similarity" not in part.of
    for part in (learned("similarity").about, learned("similarity").says):
        assert "similarity" in part.of


def test_nothing_found_is_no_answer() -> None:
    assert not judge("Who?", [], [], "all-MiniLM-L6-v2").answerable()
