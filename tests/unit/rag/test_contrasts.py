"""Differences of one word between a question and a text, worked by hand."""

import pytest

from nearfield.rag.contrasts import contrasts, denies, other_numbers


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("Who didn't come?", "Rollo came.", True),
        ("Who didn’t come?", "Rollo never came.", False),
        ("Who came without an army?", "Rollo came with an army.", True),
        ("What is illegal there?", "Trade is legal.", True),
        ("What is legal there?", "Trade is illegal.", False),
        ("Which states are non-members?", "Member states pay.", True),
        ("What is under way?", "The der way.", False),  # the stem is shorter than four letters
        ("What united them?", "An army.", False),
        ("Who came?", "Rollo did not come.", False),
    ],
)
def test_denials(question: str, text: str, expected: bool) -> None:
    assert denies(question, text) is expected


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("Who won in May?", "They won in June.", 1),
        ("Who lost in May?", "They won in June.", 2),
        ("Who won in May?", "They won in May, not in June.", 0),
        ("Did they win?", "They won and lost.", 0),
        ("Did they win?", "They lost.", 1),
        ("Who won in May or June?", "They won in June.", 0),
        ("Who won?", "They came in June.", 0),
        ("", "", 0),
    ],
)
def test_words_that_exclude_each_other(question: str, text: str, expected: int) -> None:
    assert contrasts(question, text) == expected


def test_numbers() -> None:
    assert other_numbers("Who had 3,600 men in 1757?", "He had 3,600 men.") == 1
    assert other_numbers("Who had men?", "He had 3,600 men.") == 0
