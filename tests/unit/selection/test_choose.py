from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.selection.doubles import Ticking, Words, collection, loader, models

from nearfield.collection.options import Chunking
from nearfield.errors import InputError, UnsupportedOperation
from nearfield.models.cache import VectorCache
from nearfield.search.options import Mode
from nearfield.selection.candidates import Grid, storages_of
from nearfield.selection.choose import choose
from nearfield.selection.decision import page, plain, text, words
from nearfield.selection.decision.record import Decision
from nearfield.selection.limits import Limits
from nearfield.selection.request import Request
from nearfield.stores.local import LocalStore

ROOT = Path(__file__).parents[3]
GRID = Grid(
    ("good", "poor"),
    (Chunking("tokens", 50), Chunking("tokens", 4)),
    modes=(Mode.DENSE, Mode.LEXICAL),
)


def run(
    folder: Path,
    out: Path,
    known: dict[str, Words] | None = None,
    step: float = 1 / 1024,
    **changes: object,
) -> Decision:
    asked = {"grid": GRID, "budget": 1000.0} | changes
    return choose(
        Request(folder, **asked),  # type: ignore[arg-type]
        out,
        cache=VectorCache(out / "vectors"),
        load=loader(known or models()),
        clock=Ticking(step),
        probing=False,
    )


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collection(tmp_path_factory.mktemp("data") / "judged")


@pytest.fixture(scope="module")
def decision(judged: Path, tmp_path_factory: pytest.TempPathFactory) -> Decision:
    return run(judged, tmp_path_factory.mktemp("out"))


def test_the_model_that_knows_the_words_wins(decision: Decision) -> None:
    assert decision.choice.best.pipeline.model.name == "good"
    assert decision.choice.best.quality > 0.9
    poor = [trial for trial in decision.trials if trial.pipeline.model.name == "poor"]
    dense = [trial for trial in poor if trial.pipeline.search.mode is Mode.DENSE]
    assert dense and all("significantly worse" in trial.dropped for trial in dense)
    assert [rung.questions for rung in decision.rungs] == [12, 14, 40]
    assert all(rung.complete for rung in decision.rungs)


def test_held_out_questions_were_never_chosen_by(decision: Decision) -> None:
    recommended = decision.choice.recommended.trial
    assert decision.held_out is not None and decision.held_out.questions == 40
    assert not set(recommended.scores) & set(recommended.held_out)
    assert decision.held_out.intervals[recommended.key].mean > 0.9


def test_no_text_goes_through_a_model_twice(judged: Path, tmp_path: Path) -> None:
    known = models()
    storages = storages_of("exact,quantised:0.9,graph")
    grid = Grid(
        ("good", "poor"), GRID.chunkers, dimensions=(None, 16), storages=storages,
        modes=(Mode.DENSE, Mode.HYBRID),
    )  # fmt: skip
    found = run(judged, tmp_path, known, grid=grid)
    assert len(found.trials) == 2 * 2 * 2 * 3 * 2
    assert found.actual.repeated == 0
    for model in ("good", "poor"):
        seen = [
            each
            for each in known[model].encoded
            if "warm up" not in each and "how long" not in each
        ]
        assert len(seen) == len(set(seen))


def test_where_no_graph_can_be_built_only_its_candidates_fail(
    judged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise UnsupportedOperation("building a graph needs the compiled library")

    monkeypatch.setattr(LocalStore, "build_graph", refuse)
    grid = Grid(("good",), GRID.chunkers, storages=storages_of("graph,exact"), modes=(Mode.DENSE,))
    found = run(judged, tmp_path, grid=grid)
    failed = {str(trial.pipeline.storage) for trial in found.trials if trial.failed}
    stands = {str(trial.pipeline.storage) for trial in found.trials if not trial.failed}
    assert (failed, stands) == ({"graph"}, {"exact"})


def test_a_second_run_measures_nothing_again(judged: Path, tmp_path: Path) -> None:
    first = run(judged, tmp_path)
    known = models()
    again = run(judged, tmp_path, known)
    assert plain.as_data(again)["points"] == plain.as_data(first)["points"]
    assert again.choice.recommended.trial.key == first.choice.recommended.trial.key
    assert not [each for each in known["good"].encoded if "document" in each]


def test_a_model_that_fails_is_told_and_the_rest_goes_on(judged: Path, tmp_path: Path) -> None:
    grid = Grid(("broken", "good"), GRID.chunkers, modes=(Mode.DENSE,))
    found = run(judged, tmp_path, models(fails_after=70), grid=grid)
    broken = [trial for trial in found.trials if trial.pipeline.model.name == "broken"]
    assert broken and all(trial.failed == "RuntimeError: the runtime gave up" for trial in broken)
    assert found.choice.recommended.pipeline.model.name == "good"
    assert any("broken failed and was left out" in note for note in plain.as_data(found)["notes"])


def test_a_model_that_cannot_begin_is_told(judged: Path, tmp_path: Path) -> None:
    found = run(judged, tmp_path, grid=Grid(("broken", "good"), GRID.chunkers))
    assert any("not tried: broken;" in note for note in words.notes(found))
    assert ("broken", "the runtime gave up") in [(e.what, e.why) for e in found.not_tried]


def test_a_budget_too_small_is_refused_with_the_numbers(judged: Path, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"too small for one candidate.*needs about .* at least --bud"
    ):
        run(judged, tmp_path, budget=1e-7)


def test_time_up_ends_with_what_is_done(judged: Path, tmp_path: Path) -> None:
    found = run(judged, tmp_path, step=1.0, budget=400.0)
    assert found.stopped == "the time was up"
    questions = found.choice.questions
    assert all(set(questions) <= set(point.trial.scores) for point in found.choice.points)
    assert any("ended early" in note for note in plain.as_data(found)["notes"])


def test_limits_reject_with_the_reason(judged: Path, tmp_path: Path) -> None:
    found = run(judged, tmp_path, limits=Limits(memory=14_000))
    assert ("good", "the model alone takes 0 MB of memory, the limit is 0 MB") in [
        (each.what, each.why) for each in found.not_tried
    ]
    with pytest.raises(InputError, match="no model keeps the limits"):
        run(judged, tmp_path, limits=Limits(latency=1e-6))


def test_a_sample_keeps_what_answers(judged: Path, tmp_path: Path) -> None:
    extra = collection(tmp_path / "more")
    with (extra / "corpus.jsonl").open("a") as file:
        for number in range(40):
            row = {"_id": f"x{number}", "title": "", "text": f"a text about nothing {number} price"}
            file.write(json.dumps(row) + "\n")
    found = run(extra, tmp_path / "out", sample=90)
    assert (len(found.data.documents), found.data.of) == (90, 120)
    assert all(
        set(found.data.qrels[query]) <= set(found.data.documents) for query in found.data.queries
    )
    assert "sample of 90 of 120 documents" in page.render(found)


def test_a_killed_run_goes_on_and_ends_the_same(judged: Path, tmp_path: Path) -> None:
    whole = run(judged, tmp_path / "whole")
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from nearfield.selection import choose as room\n"
        "from tests.unit.selection.test_choose import *\n"
        "asked = 0\n"
        "def listen(what, share, count):\n"
        "    if 'Rung 2' in what: os.kill(os.getpid(), signal.SIGKILL)\n"
        "out = Path(sys.argv[2])\n"
        "choose(Request(Path(sys.argv[1]), GRID, budget=1000.0), out, listener=listen,\n"
        "       cache=VectorCache(out / 'vectors'), load=loader(models()), clock=Ticking(),\n"
        "       probing=False)\n"
    )
    out = tmp_path / "killed"
    done = subprocess.run(
        [sys.executable, "-c", script, str(judged), str(out)], cwd=ROOT, check=False
    )
    assert done.returncode == -signal.SIGKILL
    resumed = run(judged, out)
    assert resumed.actual.resumed
    first, second = plain.as_data(whole), plain.as_data(resumed)
    for part in ("points", "rungs", "recommended", "best", "front", "held_out", "worst"):
        for key in first["points"] if part == "points" else ():
            assert second[part][key] == first[part][key]
        assert second[part] == first[part], part


def test_questions_are_made_where_there_are_none(tmp_path: Path) -> None:
    folder = shutil.copytree(ROOT / "docs" / "learn", tmp_path / "files")
    found = run(folder, tmp_path / "out", count=12)
    assert found.yardstick == "reading gain"
    by_words = found.pipeline.search.mode is Mode.LEXICAL
    assert by_words == any("favours searches by words" in note for note in words.notes(found))
    assert found.held_out is None
    assert "no questions, so they were made" in page.render(found)


def test_records_escape_what_files_say(judged: Path, tmp_path: Path) -> None:
    evil = collection(tmp_path / "<script>alert(1)</script>", details=6)
    with (evil / "queries.jsonl").open("a") as file:
        row = {"_id": "q-x", "text": "<img src=x onerror=alert(2)> | `code`"}
        file.write(json.dumps(row) + "\n")
    with (evil / "qrels" / "test.tsv").open("a") as file:
        file.write("q-x\tparka-repair\t1\n")
    found = run(evil, tmp_path / "out")
    shown = page.render(found)
    assert "<script>" not in shown and "<img" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "http://" not in shown and "https://" not in shown and "url(" not in shown
    assert shown.count("<section>") >= 9
    written = re.sub(r"```.*?```", "", text.render(found), flags=re.DOTALL)
    assert "<script>" not in written and "<img" not in written
    assert json.loads(plain.as_json(found))["recommended"] == found.choice.recommended.trial.key
