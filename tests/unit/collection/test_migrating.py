"""Migration to another model: equal to a fresh collection, killed at will, switched and back."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from nearfield.collection import Collection, open_collection
from nearfield.collection.migrating import Migration, Target
from nearfield.collection.migration_plan import plan
from nearfield.collection.opened import Opened
from nearfield.collection.reasons import UNUSABLE
from nearfield.errors import (
    FingerprintMismatch,
    InputError,
    StoreError,
    StoreLocked,
    StoreNotFound,
    StoreReplaced,
)
from nearfield.evaluation.migration import compare_models
from nearfield.integrations.common.storage import Storage
from nearfield.models.matryoshka import truncate
from nearfield.models.resolve import load
from nearfield.protocols import Encoder
from nearfield.search.options import Mode, SearchOptions
from nearfield.stores.local import LocalStore, verify
from nearfield.stores.local import switch as switching
from nearfield.types import Chunk

WORDS = [
    "snow",
    "ice",
    "parka",
    "gloves",
    "frost",
    "knife",
    "pan",
    "oven",
    "bread",
    "beach",
    "surf",
]


def texts(count: int, seed: int = 0) -> list[str]:
    chance = np.random.default_rng(seed)
    return [f"{' '.join(chance.choice(WORDS, 5))} {at}" for at in range(count)]


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, words_file: Path) -> Encoder:
    """The words of the first model, turned into another space of 12 dimensions."""
    lines = words_file.read_text(encoding="utf-8").splitlines()
    turn = np.random.default_rng(3).standard_normal((16, 12))
    made = []
    for line in lines[:-1]:  # and without its last word
        word, *numbers = line.split()
        vector = np.array(list(map(float, numbers))) @ turn
        made.append(" ".join([word, *(f"{value:.5f}" for value in vector)]))
    path = tmp_path_factory.mktemp("other") / "other.txt"
    path.write_text("\n".join(made) + "\n", encoding="utf-8")
    return load(path)


@pytest.fixture
def wanted(other: Encoder) -> Target:
    return Target(str(other.card.source), other)


@pytest.fixture
def place(tmp_path: Path, encoder: Encoder, folder: Path) -> Path:
    place = tmp_path / "c.nf"
    with open_collection(place, encoder=encoder) as collection:
        collection.index(folder)
        collection.add(
            texts(60), ids=[f"t{at}" for at in range(60)], metadata=[{"n": at} for at in range(60)]
        )
    return place


def contents(place: Path) -> list[tuple[object, bytes]]:
    with LocalStore.open(place) as store:
        return [(chunk, vector.tobytes()) for chunk, vector in store.scan()]


def test_a_migrated_collection_is_as_if_it_had_been_made_so(
    place: Path, other: Encoder, wanted: Target
) -> None:
    before = contents(place)
    migration = Migration(place)
    copied = migration.prepare(wanted)
    assert (copied.written, copied.deleted) == (len(before), 0)
    done = migration.switch(wanted)
    assert done.passages == len(before)
    assert done.only_there == 0
    with open_collection(place, encoder=other) as collection:
        assert collection.model == wanted.name
        assert collection.store.dimension == 12
        assert [chunk for chunk, _ in contents(place)] == [chunk for chunk, _ in before]
        hit = collection.search("parka snow", k=1)[0]
        expected = other.encode([hit.chunk.text])[0]
        stored = collection.store.vectors([hit.chunk.id])[0]
        assert np.allclose(stored, expected, atol=1e-6)
        assert collection.count(where="n < 10") == 10
        # Files that did not change are unchanged for the next run, and changed ones are read.
        assert collection.index().unchanged == 3
    assert not verify(place).findings


def test_files_are_cut_anew_where_that_is_asked(
    place: Path, other: Encoder, wanted: Target
) -> None:
    migration = Migration(place)
    migration.prepare(wanted)
    migration.switch(wanted, recut=True)
    with open_collection(place, encoder=other) as collection:
        report = collection.index()
        assert (report.unchanged, report.changed) == (0, 3)
        assert collection.index().unchanged == 3


def test_everything_goes_back(
    place: Path, encoder: Encoder, other: Encoder, wanted: Target
) -> None:
    before = contents(place)
    migration = Migration(place)
    migration.prepare(wanted)
    migration.switch(wanted)
    with open_collection(place, encoder=other) as collection:
        collection.add(["frost and ice"], ids=["late"])
    done = Migration(place).rollback()
    assert done.only_there == 1  # what was added to the new one
    assert contents(place) == before
    with open_collection(place, encoder=encoder) as collection:
        assert collection.search("parka snow", k=1)
    # And forward again: the shadow is still there, and loses what the old one never had.
    again = Migration(place).switch(wanted)
    assert again.caught_up.deleted == 1
    assert contents(place)[0][1] != before[0][1]


def test_what_is_written_meanwhile_is_taken_over(
    place: Path, encoder: Encoder, wanted: Target, folder: Path
) -> None:
    migration = Migration(place)
    migration.prepare(wanted)
    with open_collection(place, encoder=encoder) as collection:
        collection.add(["bread and pan"], ids=["new"])
        collection.upsert(["gloves and frost"], ids=["t3"], metadata=[{"n": 3}])
        collection.delete(["t4"])
        (folder / "sea.txt").unlink()
        collection.index()
    done = migration.switch(wanted)
    assert (done.caught_up.written, done.caught_up.deleted) == (2, 2)
    with LocalStore.open(place) as store:
        ids = {chunk.id for chunk, _ in store.scan()}
        assert "new" in ids
        assert "t4" not in ids
        assert store.get(["t3"])[0].text == "gloves and frost"
        assert [Path(state.path).name for state in store.sources()] == ["kitchen.txt", "winter.txt"]
    fresh = Migration(place)
    assert fresh.stage().previous


def test_passages_that_the_new_model_cannot_read_are_listed(
    tmp_path: Path, encoder: Encoder, wanted: Target
) -> None:
    root = tmp_path / "surfers"
    root.mkdir()
    (root / "surf.txt").write_text("surf", encoding="utf-8")  # the word that the other lacks
    (root / "snow.txt").write_text("snow", encoding="utf-8")
    place = tmp_path / "s.nf"
    with open_collection(place, encoder=encoder) as collection:
        collection.index(root)
    migration = Migration(place)
    copied = migration.prepare(wanted)
    assert (copied.written, copied.left_out) == (1, 1)
    again = migration.prepare(wanted)
    assert (again.written, again.kept) == (0, 1) or again.written == 0
    done = migration.switch(wanted)
    assert (done.passages, done.only_there) == (1, 1)
    with LocalStore.open(place) as store:
        problems = [problem for state in store.sources() for problem in state.problems]
        assert [problem.reason for problem in problems] == [UNUSABLE]


def switched(place: Path, wanted: Target) -> None:
    migration = Migration(place)
    migration.prepare(wanted)
    migration.switch(wanted)


def test_open_stores_go_on_and_are_told_when_they_cannot(place: Path, wanted: Target) -> None:
    with LocalStore.open(place) as store:
        expected = [chunk.id for chunk, _ in store.scan()]
        assert not store.is_replaced
        switched(place, wanted)
        assert store.is_replaced
        assert [chunk.id for chunk, _ in store.scan()] == expected
        with store.view() as one, pytest.raises(StoreReplaced), store.view() as two:
            assert one is not two
        with pytest.raises(StoreReplaced, match="open it again"):
            store.require_same()


def test_open_collections_follow(place: Path, other: Encoder, wanted: Target) -> None:
    with Collection(place) as reader:
        assert reader.search("parka snow", mode="lexical")
        old = reader.store
        switched(place, wanted)
        with Collection(place, encoder=other) as fresh:
            assert reader.search("parka snow", k=5) == fresh.search("parka snow", k=5)
            assert reader.model == fresh.model
        assert reader.store is not old
        with pytest.raises(StoreError, match="closed"):
            old.count()
        # What is written is encoded by the new model, and ready vectors of the old one are not it.
        reader.add(["frost and ice"], ids=["late"])
        stored = reader.store.vectors(["late"])
        assert np.allclose(stored, other.encode(["frost and ice"]), atol=1e-6)
        row = np.ones(reader.store.dimension)
        for ready in (
            lambda: reader.search(vector=row),
            lambda: reader.add(["ice"], ids=["ready"], vectors=[row]),
            lambda: reader.upsert(["ice"], ids=["late"], vectors=[row]),
        ):
            with pytest.raises(StoreReplaced, match="encode anew"):
                ready()
        Migration(place).rollback()
        assert reader.count(where='id = "late"') == 0
    with pytest.raises(StoreError, match="closed"):
        reader.count()


def test_a_model_that_is_given_is_not_taken_for_the_new_one(
    place: Path, encoder: Encoder, wanted: Target
) -> None:
    with Collection(place, encoder=encoder) as reader:
        reader.search("parka snow")
        switched(place, wanted)
        for _ in range(2):
            with pytest.raises(FingerprintMismatch):
                reader.search("parka snow")


def test_a_question_is_asked_again_where_the_switch_comes_into_it(
    place: Path, wanted: Target
) -> None:
    migration = Migration(place)
    migration.prepare(wanted)
    seen: list[Opened] = []

    def question(opened: Opened) -> int:
        seen.append(opened)
        if len(seen) == 1:
            migration.switch(wanted)
        with opened.store.view(), opened.store.view() as view:
            return view.state.file.dimension

    with Collection(place) as reader:
        assert reader._following.ask(question) == 12
    assert len(seen) == 2


def test_threads_follow_together(place: Path, wanted: Target) -> None:
    migration = Migration(place)
    migration.prepare(wanted)
    failures: list[BaseException] = []
    stop = threading.Event()

    def ask(reader: Collection) -> None:
        while not stop.is_set():
            try:
                assert reader.search("parka snow", k=3, mode="lexical")
            except BaseException as error:
                failures.append(error)
                return

    with Collection(place) as reader:
        threads = [threading.Thread(target=ask, args=(reader,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(2):
            migration.switch(wanted)
            migration.rollback()
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []


def test_a_host_follows(place: Path, wanted: Target) -> None:
    storage = Storage(place)
    options = SearchOptions(k=3, mode=Mode.LEXICAL)
    before = storage.search(options, text="parka snow")
    switched(place, wanted)
    assert storage.search(options, text="parka snow") == before
    assert storage.encode(["snow"]).shape == (1, 12)
    storage.upsert([Chunk("late", "late", "ice", 0, 3)], storage.encode(["ice"]))
    assert [chunk.id for chunk in storage.present(["late"])] == ["late"]
    storage.close()


def test_a_writer_in_the_way_loses_nothing(place: Path, wanted: Target) -> None:
    migration = Migration(place)
    migration.prepare(wanted)
    with (
        LocalStore.open(place, mode="w"),
        pytest.raises(StoreLocked),
    ):
        migration.switch(wanted, timeout=0.1)
    assert migration.stage().copied == migration.stage().passages
    assert migration.switch(wanted).passages == migration.stage().passages


def test_wrong_use_says_what_would_be_right(
    place: Path, encoder: Encoder, other: Encoder, wanted: Target, tmp_path: Path
) -> None:
    with pytest.raises(StoreNotFound):
        Migration(tmp_path / "nothing.nf")
    migration = Migration(place)
    with pytest.raises(InputError, match="name a model"):
        migration.prepare()
    with pytest.raises(InputError, match=r"is of .* already"):
        migration.prepare(Target("same", encoder))
    with pytest.raises(InputError, match="no previous collection"):
        migration.rollback()
    migration.prepare(wanted)
    with pytest.raises(InputError, match="is under way and half was named"):
        migration.prepare(Target("half", truncate(other, 6), 6))
    migration.switch(wanted)
    back = Target("back", encoder)
    migration.prepare(back)
    with pytest.raises(InputError, match="roll back to it, or forget it"):
        migration.switch(back)
    assert migration.forget() > 0
    assert migration.stage().previous == ""


def test_a_plan_changes_nothing(place: Path, wanted: Target) -> None:
    before = sorted(path for path in place.parent.rglob("*"))
    found = plan(Migration(place), wanted)
    assert (found.passages, found.copied, found.new_dimension) == (63, 0, 12)
    assert found.truncated == 0.0
    assert sorted(path for path in place.parent.rglob("*")) == before


def test_a_power_cut_between_three_renames_is_repaired(
    place: Path, wanted: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(place)
    migration = Migration(place)
    migration.prepare(wanted)
    monkeypatch.setattr(switching, "_at_once", lambda one, other: False)
    renamed = Path.rename
    for steps in (1, 2):
        left = [steps]

        def failing(self: Path, target: Path, left: list[int] = left) -> Path:
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return renamed(self, target)

        monkeypatch.setattr(Path, "rename", failing)
        with pytest.raises(KeyboardInterrupt):
            migration.switch(wanted)
        monkeypatch.setattr(Path, "rename", renamed)
        again = Migration(place)
        stage = again.stage()
        assert stage.model == wanted.name
        assert again.rollback().previous == wanted.name
        assert contents(place) == before


def test_models_are_compared_on_the_same_passages(
    place: Path, encoder: Encoder, wanted: Target, other: Encoder
) -> None:
    migration = Migration(place)
    migration.prepare(wanted)
    with (
        Collection(place, encoder=encoder) as old,
        Collection(migration.shadow, encoder=other) as new,
    ):
        found = compare_models(old, new, questions=["snow and frost"], sampled=40)
        same = compare_models(old, old, questions=["snow and frost"], sampled=40)
    assert 0.0 < found.overlap.mean < 1.0
    assert (same.overlap.mean, same.overlap.low) == (1.0, 1.0)
    assert same.hits_overlap is not None
    assert same.hits_overlap.mean == 1.0
    assert found.verdict == "unknown"  # no passage has three sentences


_CHILD = """
import sys
from pathlib import Path
from nearfield.collection.migrating import Migration, Target
from nearfield.collection import migration_copy
from nearfield.models.resolve import load
migration_copy._BATCH = 8
encoder = load(sys.argv[2])
wanted = Target(sys.argv[2], encoder)
print("ready", flush=True)
migration = Migration(Path(sys.argv[1]))
migration.prepare(wanted)
migration.switch(wanted)
print("done", flush=True)
"""


def test_killed_at_any_moment_it_goes_on(
    tmp_path: Path, encoder: Encoder, other: Encoder, wanted: Target
) -> None:
    plain, place = tmp_path / "plain.nf", tmp_path / "killed.nf"
    for path in (plain, place):
        with open_collection(path, encoder=encoder) as collection:
            collection.add(texts(120), ids=[f"t{at}" for at in range(120)])
    undisturbed = Migration(plain)
    undisturbed.prepare(wanted)
    undisturbed.switch(wanted)
    chance = random.Random(5)
    for _ in range(30):
        command = [sys.executable, "-c", _CHILD, str(place), wanted.name]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        try:
            child.wait(chance.uniform(0.0, 0.4))
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        stage = Migration(place).stage()  # whatever happened, there is a collection
        assert stage.passages == 120
        if stage.model == wanted.name:
            break
        time.sleep(0.05)
    assert stage.model == wanted.name, "thirty runs never finished"
    assert contents(place) == contents(plain)
    assert not verify(place).findings
    Migration(place).rollback()
    with open_collection(place, encoder=encoder) as collection:
        assert collection.count() == 120
