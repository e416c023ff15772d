"""The agreement study's own arithmetic, and what its page says."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from benchmarks.agreement import section
from benchmarks.agreement.conditions import Asked, _headings, _part, conditions
from benchmarks.agreement.statistics import agreement, halves, leaderboard
from benchmarks.compression import section as compression_section

from nearfield.errors import InputError
from nearfield.evaluation.agreement import kendall
from nearfield.types import Document


def scores(*means: float, questions: int = 200, seed: int = 0) -> dict[str, np.ndarray]:
    chance = np.random.default_rng(seed)
    return {
        f"s{at}": np.clip(mean + 0.05 * chance.standard_normal(questions), 0, 1)
        for at, mean in enumerate(means)
    }


def test_equal_rankings_agree_and_cost_nothing() -> None:
    found = agreement(scores(0.2, 0.4, 0.6), scores(0.1, 0.2, 0.9, seed=1))
    assert (found.tau, found.decided, found.pairs) == (1.0, 1.0, 3)
    assert (found.winner, found.best, found.regret, found.p) == ("s2", "s2", 0.0, 1.0)
    assert found.within_noise


def test_a_wrong_winner_costs_what_people_say() -> None:
    human = scores(0.2, 0.4, 0.6)
    found = agreement(human, scores(0.1, 0.9, 0.2, seed=1))
    assert found.tau == pytest.approx(1 / 3)  # of three pairs one is the other way round
    assert found.decided == pytest.approx(2 / 3)
    assert found.winner == "s1"
    assert found.regret == pytest.approx(float(human["s2"].mean() - human["s1"].mean()))
    assert not found.within_noise
    assert found.low <= found.tau <= found.high


def test_a_winner_within_the_noise_is_a_tie() -> None:
    human = scores(0.2, 0.5, 0.501)
    found = agreement(human, scores(0.1, 0.6, 0.5, seed=1))
    assert found.winner != found.best or found.regret == 0
    assert found.within_noise
    assert found.pairs == 2


def test_halves_of_clear_questions_agree() -> None:
    tau, low, high = halves(scores(0.1, 0.3, 0.5, 0.7))
    assert (tau, low, high) == (1.0, 1.0, 1.0)
    unclear, *_ = halves(scores(0.5, 0.5, 0.5, 0.5))
    assert abs(unclear) < 0.9


def test_a_leaderboard_is_the_mean_over_the_other_sets() -> None:
    means = {
        "mine": np.array([0.1, 0.9, 0.2]),
        "one": np.array([0.9, 0.2, 0.3]),
        "two": np.array([0.5, 0.2, 0.1]),
    }
    found = leaderboard("mine", means, ["a", "b", "c"])
    assert found["winner"] == "a"
    assert found["regret"] == pytest.approx(0.8)
    assert found["tau"] == pytest.approx(
        kendall([0.1, 0.9, 0.2], [0.7, 0.2, 0.2], samples=1).value, abs=1e-3
    )
    assert leaderboard("mine", {"mine": means["mine"]}, ["a", "b", "c"]) == {}


def test_the_page_names_sets_kinds_and_verdicts() -> None:
    entry = {
        "questions": 200, "ndcg@10": {"a": 0.5, "b": 0.4}, "tau": 0.8, "low": 0.6, "high": 0.9,
        "decided": 1.0, "pairs": 1, "winner": "b", "best": "a", "regret": 0.01,
        "within_noise": True, "rejected": {},
    }  # fmt: skip
    human = {
        "questions": 76, "ndcg@10": {"a": 0.5, "b": 0.4},
        "halves": {"tau": 0.7, "low": 0.4, "high": 1.0},
    }  # fmt: skip
    figures = {
        "systems": ["a", "b"],
        "sets": {
            "cisi": {
                "development": True,
                "kinds": {"human": human, "all": entry},
                "leaderboard": {"tau": 0.5, "winner": "a", "regret": 0.0},
            }
        },
    }
    text = "\n".join(section.lines(figures))
    assert "| cisi (dev) | 200 all | 0.80 | 0.60 to 0.90 | 100% of 1 | b | 0.010 | tie |" in text
    assert "| cisi | 0.80 | 0.70 | 0.50 | 0.010 | 0.000 |" in text
    assert section.drawings(figures)["agreement.svg"].startswith("<svg")


def test_the_compression_page_has_a_table_a_model_and_set() -> None:
    interval = {"mean": 1.0, "low": 0.98, "high": 1.02}
    way = {
        "name": "8 int8", "bytes": 8.0, "disk_bytes": 0.0, "milliseconds": 0.1, "recall": interval,
        "ndcg@10": interval, "kept": interval, "p": 1.0, "verdict": "tie",
    }  # fmt: skip
    one = {"documents": 10, "queries": 5, "dimension": 8, "smallest": "8 int8", "ways": [way]}
    text = "\n".join(compression_section.lines({"set · model": one}))
    assert "**set · model**, 10 documents, 5 questions" in text
    assert "| 8 int8 | 8 | 1.000 | 100.0% | 98.0% to 102.0% | tie | 1.000 | 0.10 ms |" in text
    assert "Fewest bytes whose interval reaches 100% in a full scan: 8 int8." in text


def test_a_part_keeps_an_answer_of_each_question_and_its_judgements() -> None:
    documents = {str(at): Document(str(at), f"text {at}") for at in range(50)}
    judged = {f"q{at}": {str(at): 1, str(at + 20): 2, str(at + 30): 0} for at in range(10)}
    kept, fewer = _part(documents, judged, 20)
    assert len(kept) == 20 and list(kept) == [id_ for id_ in documents if id_ in kept]
    assert set(fewer) == set(judged)
    for query, grades in fewer.items():
        assert grades == {id_: grade for id_, grade in judged[query].items() if id_ in kept}
    few, left = _part(documents, judged, 5)
    assert len(few) == 5 and all(max(grades.values()) > 0 for grades in left.values())
    assert len(left) < len(judged)


def test_headings_of_wikipedia_have_sections() -> None:
    text = " = Ships = \nOld ones .\n = = Sails = = \nOf canvas .\n = Trains = \nNew ones .\n"
    found = _headings(text)
    assert [(section.title, section.level) for section in found] == [
        ("Ships", 1), ("Sails", 2), ("Trains", 1)
    ]  # fmt: skip
    ends = [text.index(" = Trains"), text.index(" = Trains"), len(text)]
    assert [section.end for section in found] == ends


def test_a_kind_of_few_questions_has_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = {f"d{at}": Document(f"d{at}", f"text {at}") for at in range(30)}
    judged = {f"q{at}": {f"d{at}": 1} for at in range(30)}
    given = {"title": 19, "sentence": 20}

    def made(documents: object, *, count: int, kinds: list[str] | None, **_: object) -> object:
        many = min(count, sum(given.get(kind, 0) for kind in kinds or given))
        if not many:
            raise InputError("no question could be made")
        queries = {f"x{at}": "?" for at in range(many)}
        task = SimpleNamespace(documents=documents, queries=queries, qrels=judged)
        return SimpleNamespace(task=task, rejected={})

    room = sys.modules[conditions.__module__]
    collected = (documents, dict.fromkeys(judged, "?"), judged)
    monkeypatch.setattr(room, "_collection", lambda data, name: collected)
    monkeypatch.setattr(room, "generate", made)
    found = {each.kind: len(each.queries) for each in conditions(None, "x", Asked(30))}
    assert found == {"human": 30, "sentence": 20, "all": 30}
