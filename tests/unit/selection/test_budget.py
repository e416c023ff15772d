from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.selection.doubles import Slowing, Ticking, Words, collection, loader, models

from nearfield.collection.options import Chunking
from nearfield.models.cache import CachedEncoder, VectorCache
from nearfield.search.options import Mode
from nearfield.selection.budget import Budget, OutOfTime, Phase
from nearfield.selection.candidates import Grid
from nearfield.selection.choose import choose
from nearfield.selection.counting import Counted
from nearfield.selection.decision import page, text
from nearfield.selection.decision.record import Decision
from nearfield.selection.embedding import embed
from nearfield.selection.request import Request
from nearfield.types import Role

GRID = Grid(
    ("good", "slow"),
    (Chunking("tokens", 50), Chunking("tokens", 8)),
    modes=(Mode.DENSE,),
)


def run(
    folder: Path, out: Path, clock: Ticking, known: dict[str, Words], *, budget: float
) -> Decision:
    return choose(
        Request(folder, GRID, budget=budget),
        out,
        cache=VectorCache(out / "vectors"),
        load=loader(known),
        clock=clock,
        probing=False,
    )


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    return collection(tmp_path / "judged")


def documents(model: Words) -> list[str]:
    """What went through a model, but for what a plan measures."""
    return [each for each in model.encoded if each.startswith("document:")]


def test_a_phase_ends_at_its_share_of_everything_that_passed() -> None:
    clock = Ticking(0.0)
    budget = Budget(100.0, clock, spent=20.0)
    clock.now = 50.0
    assert (budget.elapsed, budget.left) == (70.0, 5.0)
    budget.phase = Phase.ENDING
    assert budget.left == 30.0
    budget.phase, clock.now = Phase.ASKING, 55.0
    with pytest.raises(OutOfTime, match="7 of 9"):
        budget.look("7 of 9")


def test_embedding_stops_in_the_middle_and_keeps_what_it_has(tmp_path: Path) -> None:
    clock = Ticking(0.0)
    slow = Slowing("slow", clock, seconds=0.5, after=0)
    counted = Counted(slow, clock)
    cached = CachedEncoder(counted, VectorCache(tmp_path))
    texts = [f"violin {number}" for number in range(100)]
    with pytest.raises(OutOfTime, match=r"(\d+) of 100 passages were embedded") as stopped:
        embed(cached, texts, Budget(40.0, clock), counted)
    done = int(str(stopped.value).split()[0])
    assert 30.0 <= clock.now <= 40.0  # 75% of the budget, and a slice of at most ten seconds
    assert done == len(slow.encoded) == clock.now / 0.5
    again = embed(cached, texts, Budget(1000.0, clock), counted)
    assert len(slow.encoded) == 100
    assert (again == slow.encode(texts, role=Role.DOCUMENT)).all()


def test_a_candidate_that_is_cut_short_while_embedding_is_out(judged: Path, tmp_path: Path) -> None:
    clock = Ticking()
    known = {**models(), "slow": Slowing("slow", clock, seconds=4.0, after=80, role=Role.DOCUMENT)}
    found = run(judged, tmp_path / "out", clock, known, budget=64.0)
    assert found.stopped == "the time was up"
    assert found.actual.seconds <= 64.0
    cut = [trial for trial in found.trials if "passages were embedded" in trial.skipped]
    assert [str(trial.pipeline.chunking.size) for trial in cut] == ["8"]
    assert cut[0].pipeline.model.name == "slow" and not cut[0].scores
    assert cut[0].skipped.startswith("not measured: budget; ")
    assert cut[0].key not in {point.trial.key for point in found.choice.points}
    for shown in (page.render(found), text.render(found)):
        assert cut[0].skipped in shown and "larger --budget goes on" in shown


def test_more_time_goes_on_from_what_was_embedded_and_asked(judged: Path, tmp_path: Path) -> None:
    clock = Ticking()
    first = Slowing("slow", clock, seconds=4.0, after=80, role=Role.DOCUMENT)
    out = tmp_path / "out"
    run(judged, out, clock, {**models(), "slow": first}, budget=64.0)
    clock = Ticking()
    second, good = (
        Slowing("slow", clock, seconds=4.0, after=80, role=Role.DOCUMENT),
        models()["good"],
    )
    found = run(judged, out, clock, {"good": good, "slow": second}, budget=2000.0)
    assert found.actual.resumed and not found.stopped
    assert not [trial for trial in found.trials if trial.skipped or trial.interrupted]
    planned = set(documents(first)[:64])  # a plan measures models on what it is given
    assert not (set(documents(first)) & set(documents(second))) - planned
    whole = run(judged, tmp_path / "whole", Ticking(), models() | {"slow": models()["good"]},
                budget=2000.0)  # fmt: skip
    assert [rung.questions for rung in found.rungs] == [rung.questions for rung in whole.rungs]


def test_no_figure_is_made_of_a_part_of_a_rung(judged: Path, tmp_path: Path) -> None:
    clock = Ticking()
    slow = Slowing("slow", clock, seconds=1.0, after=25, role=Role.QUERY)
    out = tmp_path / "out"
    found = run(judged, out, clock, {**models(), "slow": slow}, budget=16.0)
    assert found.stopped and found.actual.seconds <= 17.0
    sizes = {rung.questions for rung in found.rungs}
    assert {len(trial.scores) for trial in found.trials} <= {0, *sizes}
    cut = [trial for trial in found.trials if "questions were asked" in trial.interrupted]
    assert len(cut) == 1 and cut[0].begun.scores
    assert cut[0].interrupted in text.render(found)
    assert all(
        set(found.choice.questions) <= set(point.trial.scores) for point in found.choice.points
    )
    assert found.held_out is None or found.held_out.questions == 40
    # The same command with more time asks the rest and nothing twice.
    events = [json.loads(line) for line in (out / "journal.jsonl").read_text().splitlines()]
    kept = next(event for event in events if event["event"] == "interrupted")
    clock = Ticking()
    again = run(judged, out, clock, models() | {"slow": models()["good"]}, budget=2000.0)
    trial = next(trial for trial in again.trials if trial.key == kept["candidate"])
    assert len(trial.scores) >= sizes.pop() and not again.stopped
    assert all(
        trial.scores[query] == score
        for query, score in zip(kept["queries"], kept["scores"], strict=True)
    )
