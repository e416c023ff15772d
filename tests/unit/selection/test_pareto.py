from __future__ import annotations

import numpy as np
import pytest

from nearfield.errors import InputError
from nearfield.selection.pareto import choose_one
from nearfield.selection.pipeline import ModelChoice, Pipeline
from nearfield.selection.trial import Trial, halves

QUESTIONS = [str(number) for number in range(60)]


def trial(name: str, mean: float, seconds: float, memory: int, *, noise: float = 0.0) -> Trial:
    spread = noise * np.resize([1.0, -1.0], len(QUESTIONS))
    return Trial(
        Pipeline(ModelChoice(name)),
        scores={query: mean + spread[place] for place, query in enumerate(QUESTIONS)},
        seconds=[seconds] * 10,
        passages=100,
        memory=memory,
        build_seconds=0.1,
    )


def test_the_cheapest_of_equals_is_recommended() -> None:
    trials = [
        trial("dear", 0.70, 0.1, 1000),
        trial("cheap", 0.695, 0.01, 100, noise=0.3),
        trial("bad", 0.30, 0.001, 10),
    ]
    choice = choose_one(trials, QUESTIONS)
    assert choice.best.pipeline.model.name == "dear"
    assert choice.recommended.pipeline.model.name == "cheap"
    assert choice.verdicts[trials[2].key].is_worse
    assert {point.pipeline.model.name for point in choice.front} == {"dear", "cheap", "bad"}


def test_a_tie_that_lost_much_is_not_recommended() -> None:
    # Not significant with so much noise, and yet a loss of 0.1.
    trials = [trial("dear", 0.60, 0.1, 1000), trial("cheap", 0.5, 0.01, 100, noise=0.5)]
    choice = choose_one(trials, QUESTIONS)
    assert choice.verdicts[trials[1].key].word == "tie"
    assert choice.recommended.pipeline.model.name == "dear"
    wide = choose_one(trials, QUESTIONS, tolerance=0.2)
    assert wide.recommended.pipeline.model.name == "cheap"


def test_what_is_beaten_in_every_respect_is_not_on_the_front() -> None:
    trials = [trial("a", 0.7, 0.01, 100), trial("b", 0.6, 0.02, 200)]
    choice = choose_one(trials, QUESTIONS)
    assert [point.pipeline.model.name for point in choice.front] == ["a"]
    assert choice.recommended.cost == pytest.approx(1.0)


def test_failed_limited_and_unfinished_ones_do_not_count() -> None:
    failed, limited, short = (trial(name, 0.9, 0.01, 1) for name in "abc")
    failed.failed = "broke"
    limited.dropped = "takes 200 MB of memory, the limit is 100 MB"
    short.scores = {"0": 1.0}
    good = trial("d", 0.5, 0.01, 1)
    assert choose_one([failed, limited, short, good], QUESTIONS).best.trial is good
    with pytest.raises(InputError, match="no candidate"):
        choose_one([failed], QUESTIONS)


def test_what_answers_like_the_best_is_the_best() -> None:
    trials = [trial("dear", 0.7, 0.02, 1000), trial("cheap", 0.7, 0.01, 100)]
    choice = choose_one(trials, QUESTIONS)
    assert choice.best is choice.recommended
    assert choice.best.pipeline.model.name == "cheap"


def test_few_questions_are_not_split() -> None:
    assert halves(QUESTIONS[:39]) == (QUESTIONS[:39], [])
    choosing, held_out = halves(QUESTIONS[:41])
    assert (len(choosing), len(held_out)) == (21, 20)
    assert not set(choosing) & set(held_out)
