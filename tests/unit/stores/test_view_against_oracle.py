"""A view answers as plain code would, whatever was written, covered, deleted or filtered."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from nearfield.errors import InputError, UnknownId, UnsupportedOperation
from nearfield.filters import Filter, matches, parse
from nearfield.lexical import Language
from nearfield.lexical.analysis import Analyzer
from nearfield.masks import members
from nearfield.metric import Metric
from nearfield.passage import embedding_text
from nearfield.stores.exact import ExactStore
from nearfield.stores.local import LocalStore, LocalView, SearchPath, paths
from nearfield.stores.local.derived import building, following
from nearfield.stores.local.derived.tuning import Tuning
from nearfield.types import Chunk, FloatArray

DIMENSION = 8
WORDS = [
    "ant",
    "bee",
    "cod",
    "doe",
    "elk",
    "fox",
    "gnu",
    "hen",
    "ibis",
    "jay",
    "kea",
    "lynx",
    "mole",
    "newt",
    "owl",
    "pig",
]
FILTERS = [
    None,
    parse('lang = "en"'),
    parse("year >= 2010 and not flag = true"),
    parse('lang in ("de", "fr") or year < 1995'),
    parse("tags = 3"),
    parse("rare is not null"),
    parse('document like "d1%"'),
    parse('lang = "xx"'),
]


@pytest.fixture(autouse=True)
def low_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes from 301 vectors on; readers look for what was added each time."""
    monkeypatch.setattr(building, "EXACT_MOST", 300)
    monkeypatch.setattr(paths, "EXACT_MOST", 300)
    monkeypatch.setattr(following, "_LOOK_AGAIN", 0.0)


@pytest.fixture
def every_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many candidates that quantised search misses nothing: it must equal exact search."""

    def candidates(
        self: Tuning, k: int, *, filtered: bool = False, in_lists: bool = False
    ) -> tuple[int, int]:
        return 20_000, 20_000

    monkeypatch.setattr(Tuning, "candidates", candidates)


def passages(rng: random.Random, first: int, count: int) -> tuple[list[Chunk], FloatArray]:
    """Random texts and fields; a fifth of the vectors are twins of others."""
    generator = np.random.default_rng(rng.randrange(2**32))
    vectors = generator.standard_normal((count, DIMENSION)).astype(np.float32)
    for twin in range(0, count - 1, 5):
        vectors[twin] = vectors[twin + 1]
    return [passage(rng, number) for number in range(first, first + count)], vectors


def passage(rng: random.Random, number: int) -> Chunk:
    text = " ".join(rng.choices(WORDS, k=rng.randint(1, 12)))
    fields = {
        "lang": rng.choice(["en", "de", "fr"]),
        "year": rng.randint(1990, 2020),
        "flag": rng.random() < 0.5,
        "tags": rng.sample(range(5), rng.randint(0, 3)),
    }
    if rng.random() < 0.01:
        fields["rare"] = 1
    headings = (rng.choice(WORDS),) if rng.random() < 0.3 else ()
    return Chunk(f"p{number}", f"d{number % 40}", text, 0, 9, headings=headings, metadata=fields)


@dataclass
class Twins:
    """The same writes to a local store and to the oracle."""

    path: Path
    metric: Metric = Metric.COSINE
    oracle: ExactStore = field(init=False)

    def __post_init__(self) -> None:
        self.oracle = ExactStore(DIMENSION, self.metric)
        LocalStore.create(self.path, dimension=DIMENSION, metric=self.metric).close()
        self.rng = random.Random(7)
        self.next = 0

    def write(self, store: LocalStore, add: int, upsert: int = 0, delete: int = 0) -> None:
        """Add passages, then replace and delete some of those that are there."""
        added = passages(self.rng, self.next, add)
        self.next += add
        for each in (store, self.oracle):
            each.add(*added)
        ids = [chunk.id for chunk, _ in self.oracle.scan()]
        chosen = self.rng.sample(ids, upsert + delete)
        _, vectors = passages(self.rng, 0, upsert)
        replaced = [passage(self.rng, int(id_[1:])) for id_ in chosen[:upsert]]
        for each in (store, self.oracle):
            each.upsert(replaced, vectors)
            assert each.delete(chosen[upsert:]) == delete

    def grow(self, add: int, upsert: int = 0, delete: int = 0) -> None:
        """The same by a writer that opens and closes, so that derived parts cover all."""
        with LocalStore.open(self.path, mode="w") as store:
            self.write(store, add, upsert, delete)

    @contextmanager
    def view(self) -> Iterator[LocalView]:
        with LocalStore.open(self.path) as store, store.view() as view:
            yield view


def expected_nearest(
    oracle: ExactStore, query: FloatArray, k: int, where: Filter | None
) -> list[tuple[str, float]]:
    (hits,) = oracle.search(query[None, :], k, where=where)
    return [(hit.chunk.id, hit.score) for hit in hits]


def found_nearest(
    view: LocalView, query: FloatArray, k: int, where: Filter | None
) -> tuple[list[tuple[str, float]], str]:
    ranking = view.nearest(query, k, where=where)
    ids = [chunk.id for chunk in view.chunks(ranking.keys)]
    return list(zip(ids, ranking.scores.tolist(), strict=True)), ranking.path


def bm25(chunks: Sequence[Chunk], query: str) -> dict[str, float]:
    """BM25 as the formula says it, text by text."""
    analyzer = Analyzer(Language.AUTO)
    counted: dict[str, Counter[str]] = {}
    lengths: dict[str, int] = {}
    for chunk in chunks:
        words = list(analyzer.words(embedding_text(chunk)))
        counted[chunk.id] = Counter(part for word in words for part in word.parts)
        lengths[chunk.id] = sum(word.width for word in words)
    average = sum(lengths.values()) / len(lengths)
    terms = Counter(part for word in analyzer.words(query) for part in word.parts)
    scores: dict[str, float] = {}
    for term, times in terms.items():
        having = [id_ for id_, counts in counted.items() if counts[term]]
        idf = math.log1p((len(counted) - len(having) + 0.5) / (len(having) + 0.5))
        for id_ in having:
            tf = counted[id_][term]
            norm = 1.2 * (1 - 0.75 + 0.75 * lengths[id_] / average)
            scores[id_] = scores.get(id_, 0.0) + times * idf * tf / (tf + norm)
    return scores


def agree(twins: Twins, view: LocalView, path: str | None = None) -> None:
    """Every question about vectors and fields has the oracle's answer, ties included."""
    generator = np.random.default_rng(3)
    stored = {chunk.id: vector for chunk, vector in twins.oracle.scan()}
    asked = [generator.standard_normal(DIMENSION).astype(np.float32), next(iter(stored.values()))]
    for where in FILTERS:
        for query in asked:
            for k in (10, 10**6):
                found, taken = found_nearest(view, query, k, where)
                assert found == expected_nearest(twins.oracle, query, k, where), (where, k, taken)
                assert path is None or where is not None or taken == path
        wanted = [chunk.id for chunk, _ in twins.oracle.scan(where=where)]
        mask = view.allowed(where)
        slots = np.arange(view.slots) if mask is None else members(mask)
        assert sorted(chunk.id for chunk in view.chunks(slots)) == sorted(wanted)
    ids = twins.rng.sample(sorted(stored), min(40, len(stored)))
    keys = view.keys(ids)
    assert [chunk for chunk in view.chunks(keys)] == twins.oracle.get(ids)
    assert view.vectors(keys).tolist() == [stored[id_].tolist() for id_ in ids]
    scored = dict(expected_nearest(twins.oracle, asked[0], 10**6, None))
    assert view.scores(asked[0], keys).tolist() == [scored[id_] for id_ in ids]


def agree_in_words(twins: Twins, view: LocalView, *, statistics: bool = True) -> None:
    """BM25 of all that is stored; where deleted texts still count, only what is found."""
    chunks = [chunk for chunk, _ in twins.oracle.scan()]
    for query in ("owl", "bee bee lynx", "ant fox gnu jay", "zebra"):
        scores = bm25(chunks, query)
        for where in FILTERS[:4]:
            fits = {c.id for c in chunks if where is None or matches(where, c.fields())}
            wanted = {id_: score for id_, score in scores.items() if id_ in fits}
            ranking = view.lexical(query, 10**6, where=where)
            ids = [chunk.id for chunk in view.chunks(ranking.keys)]
            assert sorted(ids) == sorted(wanted)
            assert sorted(ranking.scores.tolist(), reverse=True) == ranking.scores.tolist()
            few = view.lexical(query, 7, where=where)
            assert few.scores.tolist() == ranking.scores[:7].tolist()
            if statistics:
                given = dict(zip(ids, ranking.scores.tolist(), strict=True))
                assert given == pytest.approx(wanted, rel=1e-5)
        ranking = view.lexical(query, 10**6)
        keys = np.concatenate([ranking.keys[::-1], view.keys([chunks[0].id])])
        again = view.lexical_scores(query, keys)
        assert again[:-1].tolist() == ranking.scores[::-1].tolist()
        if chunks[0].id not in scores:
            assert again[-1] == 0.0


@pytest.mark.parametrize("metric", list(Metric))
def test_small_collections_are_searched_exactly(tmp_path: Path, metric: Metric) -> None:
    twins = Twins(tmp_path / "c.nf", metric)
    for _ in range(3):
        twins.grow(60, upsert=10, delete=8)
        with twins.view() as view:
            agree(twins, view, "exact")
            agree_in_words(twins, view)


@pytest.mark.usefixtures("compiled_search")
@pytest.mark.parametrize("metric", list(Metric))
def test_quantised_search_of_many_candidates_is_exact(
    tmp_path: Path, metric: Metric, every_candidate: None
) -> None:
    twins = Twins(tmp_path / "c.nf", metric)
    for _ in range(2):
        twins.grow(500, upsert=40, delete=30)
        with twins.view() as view:
            agree(twins, view, "quantised")
            agree_in_words(twins, view)


@pytest.mark.usefixtures("compiled_search")
@pytest.mark.parametrize("tail", [1, 300, 900])
def test_what_no_part_covers_yet_is_searched_all_the_same(
    tmp_path: Path, every_candidate: None, tail: int
) -> None:
    """Up to 512 slots behind the codes are all candidates; of more, the best are taken."""
    twins = Twins(tmp_path / "c.nf")
    twins.grow(600, upsert=20, delete=20)
    with LocalStore.open(twins.path) as reader, LocalStore.open(twins.path, mode="w") as writer:
        twins.write(writer, tail, upsert=min(tail, 50), delete=min(tail, 50))
        with reader.view() as view:
            agree(twins, view, "quantised")
            agree_in_words(twins, view, statistics=False)
        with writer.view() as view:
            agree(twins, view, "quantised")
    with twins.view() as view:
        agree_in_words(twins, view)


@pytest.mark.usefixtures("compiled_search")
def test_a_view_stays_what_it_is_while_another_handle_writes(
    tmp_path: Path, every_candidate: None
) -> None:
    """Parts then cover slots that the view does not have, of passages it must not show."""
    twins = Twins(tmp_path / "c.nf")
    twins.grow(600)
    later = Twins(tmp_path / "other.nf")
    later.next = 10_000
    with twins.view() as view, LocalStore.open(twins.path) as follower:
        added, vectors = passages(later.rng, 10_000, 700)
        with LocalStore.open(twins.path, mode="w") as writer:
            writer.add(added, vectors)
        assert len(follower.search(vectors[:1], 10**6)[0]) == 1300
        agree(twins, view, "quantised")
        agree_in_words(twins, view, statistics=False)


@pytest.mark.usefixtures("compiled_search")
def test_threads_that_share_a_handle_each_see_their_own_state(
    tmp_path: Path, every_candidate: None
) -> None:
    """A view that is older than the parts of its handle shows nothing that came later."""
    twins = Twins(tmp_path / "c.nf")
    twins.grow(600)
    with LocalStore.open(twins.path) as shared, shared.view() as older:
        agree(twins, older)
        added, vectors = passages(random.Random(1), 10_000, 700)
        with LocalStore.open(twins.path, mode="w") as writer:
            writer.add(added, vectors)
            with shared.view() as newer:
                assert len(newer.nearest(vectors[0], 10**6).keys) == 1300
                assert len(newer.lexical(" ".join(WORDS), 10**6).keys) == 1300
                agree(twins, older, "quantised")
                agree_in_words(twins, older, statistics=False)


@pytest.mark.usefixtures("compiled_search")
def test_compacting_under_an_open_view(tmp_path: Path, every_candidate: None) -> None:
    twins = Twins(tmp_path / "c.nf")
    twins.grow(700, delete=50)
    with twins.view() as view:
        with LocalStore.open(twins.path, mode="w") as writer:
            writer.compact()
        agree(twins, view)
    with twins.view() as view:
        assert (view.slots, view.state.dead) == (650, 0)
        agree(twins, view, "quantised")
        agree_in_words(twins, view)


@pytest.mark.usefixtures("compiled_search")
def test_default_parameters_reach_their_target(tmp_path: Path) -> None:
    """The recall that tuning wrote down is what its queries reach."""
    path = tmp_path / "c.nf"
    rows = np.random.default_rng(0).standard_normal((3000, 32)).astype(np.float32)
    chunks = [Chunk(f"p{n}", "d", f"text {n}", 0, 9) for n in range(3000)]
    with LocalStore.create(path, dimension=32) as store:
        store.add(chunks, rows)
    with LocalStore.open(path) as store:
        report = store.audit(sampled=200)
    overall = report.rows[0]
    assert (overall.condition, overall.path, report.target) == ("all", "quantised", 0.99)
    assert overall.recall >= 0.99


@pytest.mark.usefixtures("compiled_search")
def test_paths_that_are_asked_for(tmp_path: Path, every_candidate: None) -> None:
    twins = Twins(tmp_path / "c.nf")
    twins.grow(100)
    query = np.ones((1, DIMENSION), dtype=np.float32)
    with LocalStore.open(twins.path) as store:
        for path, remedy in ((SearchPath.QUANTISED, "'exact'"), (SearchPath.GRAPH, "graph")):
            with pytest.raises(UnsupportedOperation, match=remedy):
                store.search(query, 3, path=path)
        with pytest.raises(InputError):
            store.search(query, 3, path="fastest")
    twins.grow(500)
    with LocalStore.open(twins.path) as store:
        wanted = store.search(query, 10, path=SearchPath.EXACT)
        assert {hit.path for hit in wanted[0]} == {"exact"}
        found = store.search(query, 10)
        assert {hit.path for hit in found[0]} == {"quantised"}
        assert [(h.chunk, h.score) for h in found[0]] == [(h.chunk, h.score) for h in wanted[0]]
        # A filter that leaves few is compared exactly.
        (few,) = store.search(query, 3, where=parse("rare is not null or year = 1999"))
        assert {hit.path for hit in few} == {"exact"}


def test_ids_that_are_missing_are_named(tmp_path: Path) -> None:
    twins = Twins(tmp_path / "c.nf")
    twins.grow(5)
    with twins.view() as view:
        with pytest.raises(UnknownId, match="'nobody'"):
            view.keys(["p1", "nobody"])
        empty = np.empty(0, dtype=np.int64)
        assert view.chunks(empty) == []
        assert view.vectors(empty).shape == (0, DIMENSION)
        assert view.scores(np.ones(DIMENSION, np.float32), empty).shape == (0,)
        assert view.lexical_scores("owl", empty).shape == (0,)


def test_an_empty_collection(tmp_path: Path) -> None:
    twins = Twins(tmp_path / "c.nf")
    with twins.view() as view:
        assert len(view.nearest(np.ones(DIMENSION, np.float32), 3).keys) == 0
        assert len(view.lexical("owl", 3).keys) == 0
        assert view.sample(3) == []


@pytest.mark.parametrize("text", ["not n < 5", "n >= 0", "n is null", 'tag != "x"'])
def test_an_older_view_judges_what_was_deleted_before_columns_took_it_in(
    tmp_path: Path, text: str
) -> None:
    """Columns know nothing of a slot that is dead by then; the view's own state has it alive."""
    path, where = tmp_path / "c.nf", parse(text)
    LocalStore.create(path, dimension=4).close()
    rows = np.eye(4, dtype=np.float32)[np.arange(40) % 4]
    chunks = [
        Chunk(f"p{n}", "d", "t", 0, 1, metadata={"n": n, "tag": "xy"[n % 2]}) for n in range(40)
    ]
    with LocalStore.open(path) as reader, LocalStore.open(path, mode="w") as writer:
        writer.add(chunks, rows)
        with reader.view() as older:
            writer.delete([f"p{n}" for n in range(20)])
            writer.close()  # derives everything: the first twenty slots are dead
            found = older.nearest(rows[0], 40, where=where)
            ids = {chunk.id for chunk in older.chunks(found.keys)}
            assert ids == {c.id for c in chunks if matches(where, c.fields())}
    with LocalStore.open(path) as fresh:
        left = {c.id for c in chunks[20:] if matches(where, c.fields())}
        assert {hit.chunk.id for hit in fresh.search(rows[:1], 40, where=where)[0]} == left


@pytest.mark.parametrize("compacted", [False, True])
def test_an_older_view_filters_what_it_saw_whatever_is_written_since(
    tmp_path: Path, compacted: bool
) -> None:
    """Deletes, upserts and the columns of another handle change nothing of what it shows."""
    twins = Twins(tmp_path / "c.nf")
    twins.grow(60)
    wheres = [where for where in FILTERS if where is not None]
    wheres += [parse(f"not ({text})") for text in ('lang = "en"', "tags = 3", "rare is null")]
    with LocalStore.open(twins.path) as reader, LocalStore.open(twins.path, mode="w") as writer:
        twins.write(writer, 30)  # a part of the state is in no column yet
        before = {chunk.id: chunk for chunk, _ in twins.oracle.scan()}
        with reader.view() as older:
            twins.write(writer, 20, upsert=25, delete=30)
            if compacted:
                writer.compact()
            writer.close()
            for where in wheres:
                found = older.nearest(np.ones(DIMENSION, np.float32), 200, where=where)
                shown = {chunk.id: chunk for chunk in older.chunks(found.keys)}
                due = {id_: c for id_, c in before.items() if matches(where, c.fields())}
                assert shown == due
