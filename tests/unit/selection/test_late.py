from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import pytest
from tests.unit.selection.doubles import Reader, Ticking, collection, loader, models

from nearfield.collection.options import Chunking
from nearfield.models import rerank
from nearfield.models.cache import VectorCache
from nearfield.search.options import Mode
from nearfield.selection.candidates import Grid
from nearfield.selection.choose import choose
from nearfield.selection.decision import page, words
from nearfield.selection.decision.late import late_steps
from nearfield.selection.decision.record import Decision
from nearfield.selection.limits import Limits
from nearfield.selection.pipeline import ModelChoice, Pipeline, SearchChoice
from nearfield.selection.request import Request
from nearfield.types import FloatArray

GRID = Grid(
    ("good", "poor"), (Chunking("tokens", 50),), modes=(Mode.DENSE, Mode.HYBRID), rerankers=("rr",)
)


def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, seconds: float, budget: float = 1000.0,
    limits: Limits | None = None, grid: Grid = GRID,
) -> tuple[Decision, Reader]:  # fmt: skip
    clock = Ticking()
    reader = Reader("rr", clock, seconds)
    monkeypatch.setattr(rerank, "load", lambda name: reader)
    found = choose(
        Request(collection(tmp_path / "judged"), grid, budget=budget, limits=limits or Limits()),
        tmp_path / "out",
        cache=VectorCache(tmp_path / "vectors"),
        load=loader(models()),
        clock=clock,
        probing=False,
    )
    return found, reader


def test_a_reranker_is_tried_behind_the_leading_candidates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, reader = run(tmp_path, monkeypatch, seconds=0.001)
    late = [trial for trial in found.trials if trial.pipeline.is_late]
    assert late and all(len(trial.scores) == 40 for trial in late)
    assert {trial.pipeline.model.name for trial in late} == {"good"}
    # As a search does: twenty passages, however deep the ranking is looked at.
    assert set(reader.read) <= {1, 4, 20}
    step = late_steps(found)[0]
    plain = next(t for t in found.trials if t.key == step.trial.pipeline.plain.key)
    expected = step.trial.vector(found.choice.questions) - plain.vector(found.choice.questions)
    assert step.gain.mean == pytest.approx(expected.mean()) and step.questions == 40
    assert step.seconds > 0.02 > step.before
    said = [reason for reason in words.reasons(found) if "passages again with rr" in reason]
    assert len(said) == len(late) and "no significant difference" in said[0]
    assert escape(said[0]) in page.render(found)


def test_a_slow_reranker_is_asked_some_rungs_and_the_rest_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 20 passages take a second; 14 questions fit, 40 do not.
    found, _ = run(tmp_path, monkeypatch, seconds=0.05, budget=60.0)
    late = [trial for trial in found.trials if trial.pipeline.is_late]
    assert [len(trial.scores) for trial in late] == [14, 14]
    assert late[0].skipped.startswith("not measured: budget; after 14 questions 26 more would have")
    assert late[0].key not in {point.trial.key for point in found.choice.points}
    assert found.rungs[-1].complete and len(found.choice.questions) == 40
    assert "on 14 questions" in words.reasons(found)[-1]
    assert found.actual.seconds <= 60.0


def test_a_reranker_that_is_cut_short_costs_the_others_no_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Tiring(Reader):
        def score(self, query: str, texts: Sequence[str]) -> FloatArray:
            self.seconds = 0.01 if len(self.read) < 40 else 1.0
            return super().score(query, texts)

    monkeypatch.setattr("tests.unit.selection.test_late.Reader", Tiring)
    found, _ = run(tmp_path, monkeypatch, seconds=0.01, budget=60.0)
    late = [trial for trial in found.trials if "questions were asked" in trial.skipped]
    assert late and all(len(trial.scores) in {0, 12, 14} for trial in late)
    assert found.stopped and found.rungs[-1].complete and len(found.choice.questions) == 40


def test_a_reranker_beyond_the_limit_is_not_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, _ = run(tmp_path, monkeypatch, seconds=0.05, limits=Limits(latency=0.5))
    assert not late_steps(found)
    assert "the limit is 500 ms" in next(e.why for e in found.not_tried if "rr behind" in e.what)


def test_models_that_are_named_keep_the_installed_reranker(monkeypatch: pytest.MonkeyPatch) -> None:
    from nearfield.models.listing import State, listing

    there = {s.name for s in listing() if s.state is State.INSTALLED}
    expected = tuple({rerank.DEFAULT_RERANKER} & there)
    assert Grid.of(("good",)).rerankers == expected


def test_asking_deeper_widens_no_search() -> None:
    assert SearchChoice(mode=Mode.DENSE).depth(100) == 100
    assert SearchChoice(mode=Mode.HYBRID, candidates=50).depth(100) == 50
    assert SearchChoice(rerank="rr", candidates=20).depth(100) == 20
    assert SearchChoice(k=30, rerank="rr", candidates=20).depth(100) == 30
    late = Pipeline(ModelChoice("good"), search=SearchChoice(rerank="rr", candidates=20))
    assert late.plain == Pipeline(ModelChoice("good")) and late.is_late
