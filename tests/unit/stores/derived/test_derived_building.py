"""The writer keeps codes, columns, words, tuning and graph up to date; readers follow."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nearfield.ann import library
from nearfield.ann.graph import Graph
from nearfield.errors import StoreReadOnly
from nearfield.filters import parse
from nearfield.metric import Metric
from nearfield.stores.local import LocalStore, LocalView, SearchPath
from nearfield.stores.local.derived import Parts, tuning
from nearfield.stores.local.derived.parts import owner_of, stamp_of
from nearfield.stores.local.derived.tuning import Tuning, tune_lists
from nearfield.types import Chunk, FloatArray

pytestmark = pytest.mark.usefixtures("low_limits")

DIMENSION = 8


def batch(first: int, count: int) -> tuple[list[Chunk], FloatArray]:
    rows = np.random.default_rng(first).standard_normal((count, DIMENSION)).astype(np.float32)
    chunks = [
        Chunk(f"p{n}", "d", f"word{n % 5}", 0, 5, metadata={"n": n})
        for n in range(first, first + count)
    ]
    return chunks, rows


def parts_of(store: LocalStore) -> Parts:
    with store.view() as view:
        return store._derived.of(view.state)


def covered(store: LocalStore) -> list[int]:
    parts = parts_of(store)
    return [len(part) if part is not None else 0
            for part in (parts.codes, parts.columns, parts.text, parts.graph)]  # fmt: skip


def test_the_background_covers_whole_steps_and_closing_the_rest(tmp_path: Path) -> None:
    """Steps of 256 slots: of 700 at once 512 are covered meanwhile, and all in the end."""
    path = tmp_path / "c.nf"
    with LocalStore.create(path, dimension=DIMENSION) as writer:
        writer.add(*batch(0, 700))
        writer._builder._wait()
        with LocalStore.open(path) as reader:
            assert covered(reader) == [512, 512, 512, 0]
    with LocalStore.open(path) as reader:
        assert covered(reader) == [700, 700, 700, 0]
        parts = parts_of(reader)
        assert parts.tuning is not None
        assert (parts.tuning.slots, parts.tuning.queries) == (700, 200)


def test_large_collections_have_lists(tmp_path: Path, lists_from: int) -> None:
    """From 600 vectors on, and again at 1.2 times as many; what came since is found."""
    path, sizes = tmp_path / "c.nf", []
    steps = ((0, lists_from - 1), (lists_from - 1, 1), (lists_from, 100), (lists_from + 100, 100))
    for first, count in steps:
        if not first:
            LocalStore.create(path, dimension=DIMENSION).close()
        with LocalStore.open(path, mode="w") as writer:
            writer.add(*batch(first, count))
        with LocalStore.open(path) as reader:
            parts = parts_of(reader)
            sizes.append(parts.lists.covered if parts.lists is not None else 0)
            assert (parts.tuned.within(parts.lists) is not None) == bool(sizes[-1])
            _, rows = batch(first, count)
            found = reader.search(rows[-1:], 3)[0]
            assert found[0].chunk.id == f"p{first + count - 1}"
            compiled = library.choose() is not None  # without it, comparing all is faster
            assert found[0].path == (SearchPath.QUANTISED if compiled else SearchPath.EXACT)
    assert sizes == [0, 600, 600, 800]


@pytest.mark.usefixtures("lists_from")
def test_lists_are_searched_as_deep_as_was_measured_for_them(tmp_path: Path) -> None:
    """The shortest reach of the quickest step reaches the target; a scan keeps its own."""
    path = tmp_path / "c.nf"
    with LocalStore.create(path, dimension=DIMENSION) as writer:
        writer.add(*batch(0, 1000))
    with LocalStore.open(path) as reader:
        known = parts_of(reader).tuned
        lists, codes = parts_of(reader).lists, parts_of(reader).codes
        assert lists is not None and codes is not None
        assert (known.reach_slots, known.reach_pays) == (1000, True)
        assert known.candidates(10) == (known.best, known.coarse)
        assert known.candidates(10, in_lists=True) == (known.reach_best, known.reach_coarse)

        def recall(view: LocalView, reach: float) -> float:
            """Of the same vectors, by the step that was taken."""
            asked = tuning._Asked.of(view.state, 1000, codes.metric, 200)
            proposed = codes.search(
                asked.vectors, known.reach_best + 1, coarse=known.reach_coarse + 1,
                within=(lists, reach),
            ).slots  # fmt: skip
            return asked.recall(proposed)

        shorter = [reach for reach in tuning._REACHES if reach < known.reach]
        with reader.view() as view:
            assert recall(view, known.reach) >= known.target
            assert not shorter or recall(view, shorter[-1]) < known.target + 0.003
        missed = replace(known, target=1.0, reached=0.5)

        with reader.view() as view:
            found = tune_lists(lists, codes, view.state, missed)
        # Where codes miss the target, lists need to come near to what codes reach.
        assert found.reach == 1.0


@pytest.mark.usefixtures("lists_from")
def test_lists_of_other_codes_are_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "c.nf"
    with LocalStore.create(path, dimension=DIMENSION) as writer:
        writer.add(*batch(0, 700))
    derived = path / "derived" / "000001"
    (derived / "codes.nfc").unlink()
    with LocalStore.open(path, mode="w") as writer:
        writer.add(*batch(700, 300))
    with LocalStore.open(path) as reader:
        parts = parts_of(reader)
        assert parts.lists is not None
        assert parts.lists.covered == 1000
    with LocalStore.create(tmp_path / "d.nf", dimension=DIMENSION) as writer:
        writer.add(*batch(7, 700))
    strange = tmp_path / "d.nf" / "derived" / "000001" / "lists.nfl"
    (derived / "lists.nfl").write_bytes(strange.read_bytes())
    with LocalStore.open(path) as reader:
        parts = parts_of(reader)
        assert parts.lists is None
        assert parts.problems == ("lists.nfl: it belongs to other codes",)


def test_small_collections_have_no_codes(tmp_path: Path) -> None:
    path = tmp_path / "c.nf"
    with LocalStore.create(path, dimension=DIMENSION) as writer:
        writer.add(*batch(0, 300))
    with LocalStore.open(path) as reader:
        assert covered(reader) == [0, 300, 300, 0]
    with LocalStore.open(path, mode="w") as writer:
        writer.add(*batch(300, 1))
    with LocalStore.open(path) as reader:
        assert covered(reader) == [301, 301, 301, 0]


def test_parameters_are_measured_again_after_growth(tmp_path: Path) -> None:
    path = tmp_path / "c.nf"
    tuning = path / "derived" / "000001" / "tuning.json"
    measured = []
    with LocalStore.create(path, dimension=DIMENSION) as writer:
        writer.add(*batch(0, 400))
    measured.append(json.loads(tuning.read_text())["slots"])
    for first, count in ((400, 100), (500, 200)):
        with LocalStore.open(path, mode="w") as writer:
            writer.add(*batch(first, count))
        measured.append(json.loads(tuning.read_text())["slots"])
    assert measured == [400, 400, 700]


def test_tuning_survives_writing_and_nonsense(tmp_path: Path) -> None:
    path = tmp_path / "tuning.json"
    known = Tuning(slots=1000, reached=0.991, coarse=300, best=30, queries=200, ef_reached=0.99)
    known.write(path)
    assert Tuning.read(path) == known
    assert [p.name for p in tmp_path.iterdir()] == ["tuning.json"]
    assert known.holds_for(1500, 0.99)
    assert not known.holds_for(1501, 0.99)
    assert not known.holds_for(1500, 0.95)
    assert not Tuning().holds_for(1, 0.99)
    assert Tuning().holds_for(0, 0.99)  # there is nothing to measure on
    for nonsense in ("", "[]", "{}x", '{"strange": 1}', "null", "3"):
        path.write_text(nonsense)
        assert Tuning.read(path) is None
    assert Tuning.read(tmp_path / "missing") is None


def test_no_bit_of_the_tuning_may_change(tmp_path: Path) -> None:
    path = tmp_path / "tuning.json"
    Tuning(slots=1000, reached=0.991, coarse=300, best=30, queries=200, ef_reached=0.99).write(path)
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert Tuning.read(path) is None


@pytest.mark.usefixtures("compiled_search")
@pytest.mark.parametrize("metric", list(Metric))
def test_the_graph_finds_and_follows(tmp_path: Path, metric: Metric) -> None:
    path = tmp_path / "c.nf"
    seen: list[tuple[int, int]] = []
    with LocalStore.create(path, dimension=DIMENSION, metric=metric) as writer:
        writer.add(*batch(0, 600))
        writer.build_graph(m=8, ef_construction=64, progress=lambda *done: seen.append(done))
        assert seen[-1] == (600, 600)
        writer.add(*batch(600, 100))
        writer.delete([f"p{n}" for n in range(0, 700, 7)])
        same(writer)  # a tail of a hundred
    with LocalStore.open(path) as reader:
        assert covered(reader)[3] == 700
        same(reader)
    with LocalStore.open(path, mode="w") as writer:
        writer.compact()
    with LocalStore.open(path) as reader:
        assert covered(reader) == [600, 600, 600, 600]
        same(reader)
    graph = Graph.open(path / "derived" / "000002" / "graph.nfg")
    assert (graph.options.m, graph.options.ef_construction) == (8, 64)
    assert graph.options.metric is metric


def same(store: LocalStore) -> None:
    """In so small a graph, walks with an ef of 160 miss nearly nothing."""
    queries = np.random.default_rng(9).standard_normal((20, DIMENSION)).astype(np.float32)
    for where in (None, parse("n < 300"), parse("n in (1, 2, 3, 650)")):
        exact = store.search(queries, 10, where=where, path=SearchPath.EXACT)
        found = store.search(queries, 10, where=where, path=SearchPath.GRAPH)
        total = sum(len(hits) for hits in exact)
        common = 0
        for ours, true in zip(found, exact, strict=True):
            scores = {hit.chunk.id: hit.score for hit in true}
            common += sum(hit.chunk.id in scores for hit in ours)
            assert all(scores.get(hit.chunk.id, hit.score) == hit.score for hit in ours)
            assert len(ours) == len(true)
        assert common / total >= 0.98
        assert {hit.path for hits in found for hit in hits} == {"graph"}


@pytest.mark.usefixtures("compiled_search")
def test_only_a_writer_builds_graphs(tmp_path: Path) -> None:
    path = tmp_path / "c.nf"
    LocalStore.create(path, dimension=DIMENSION).close()
    with LocalStore.open(path) as reader, pytest.raises(StoreReadOnly, match="mode 'w'"):
        reader.build_graph()
    with LocalStore.open(path, mode="w") as writer:
        writer.build_graph()
    with LocalStore.open(path) as reader:
        assert reader.search(np.ones((1, DIMENSION)), 3, path=SearchPath.GRAPH) == [[]]


@pytest.mark.usefixtures("compiled_search")
def test_readers_follow_without_opening_again(tmp_path: Path) -> None:
    path = tmp_path / "c.nf"
    with LocalStore.create(path, dimension=DIMENSION) as writer:
        writer.add(*batch(0, 100))
    with LocalStore.open(path) as reader:
        assert covered(reader) == [0, 100, 100, 0]
        before = parts_of(reader)
        with LocalStore.open(path, mode="w") as writer:
            writer.add(*batch(100, 500))
            writer.build_graph(m=4)
        assert covered(reader) == [600, 600, 600, 600]
        assert before.codes is None
        assert before.text is not None
        assert len(before.text) == 100  # what was given out never changes


@pytest.mark.usefixtures("compiled_search")
def test_stamps_tell_what_was_replaced(tmp_path: Path) -> None:
    path = tmp_path / "c.nf"
    folder = path / "derived" / "000001"
    assert stamp_of(folder) == (0, 0, 0, 0, 0, 0)
    with LocalStore.create(path, dimension=DIMENSION) as writer:
        writer.add(*batch(0, 400))
    first = stamp_of(folder)
    assert all(first[:3])
    with LocalStore.open(path, mode="w") as writer:
        writer.add(*batch(400, 10))
    assert stamp_of(folder)[:3] == first[:3]  # they grew in place
    with LocalStore.open(path, mode="w") as writer:
        writer.build_graph(m=4)
    assert stamp_of(folder)[3] != 0


def test_owners_tell_collections_and_generations_apart() -> None:
    one, two = bytes(16), bytes(15) + b"\1"
    owners = [owner_of(each, n) for each in (one, two) for n in (1, 2, 256)]
    assert len(set(owners)) == 6
    assert {len(owner) for owner in owners} == {25}
    assert all(owner.rstrip(b"\0") == owner for owner in owners)
