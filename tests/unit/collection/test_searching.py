"""Every mode of searching a collection, over a small real model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from nearfield.collection import Collection, open_collection
from nearfield.collection.explaining import explain
from nearfield.errors import DimensionMismatch, InputError, UnknownId, UnsupportedOperation
from nearfield.metric import pairwise
from nearfield.models.late import max_similarity
from nearfield.models.resolve import load
from nearfield.models.sparse import SparseEncoder, SparseVector
from nearfield.protocols import Encoder
from nearfield.search.options import Mode, SearchOptions
from nearfield.stores.local import LocalStore
from nearfield.types import Hit

TEXTS = {
    "cat": "A cat sleeps on the warm windowsill all afternoon.",
    "kitten": "The kitten chases a ball of yarn across the floor.",
    "dog": "Dogs need to be walked twice a day, whatever the weather.",
    "bread": "Knead the dough, let it rise, and bake the bread for forty minutes.",
    "soup": "Simmer carrots and leeks for a plain winter soup.",
    "tax": "The deadline for filing your income tax return is the end of July.",
    "bank": "Interest rates on savings accounts rose again this spring.",
    "orbit": "The probe entered orbit around Jupiter after a journey of five years.",
    "comet": "A comet's tail always points away from the sun.",
    "error": "Error E4021 means that the heater does not reach its temperature.",
}
TOPICS = {"cat": "pets", "kitten": "pets", "dog": "pets", "bread": "food", "soup": "food"}


@pytest.fixture(scope="module")
def model(minilm_path: Path) -> Encoder:
    return load(minilm_path)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, model: Encoder) -> Path:
    place = tmp_path_factory.mktemp("searched") / "c.nf"
    with open_collection(place, encoder=model) as collection:
        topics = [{"topic": TOPICS.get(id_, "other")} for id_ in TEXTS]
        collection.add([*TEXTS.values()], ids=[*TEXTS], metadata=topics)
    return place


@pytest.fixture
def collection(place: Path, model: Encoder) -> Iterator[Collection]:
    with Collection(place, encoder=model) as collection:
        yield collection


def ids(hits: Sequence[Hit]) -> list[str]:
    return [hit.chunk.id for hit in hits]


def test_dense_and_lexical_and_both(collection: Collection, model: Encoder) -> None:
    question = "young felines playing"
    dense = collection.search(question, k=10)
    query = model.encode([question], role="query")
    cosines = pairwise(query, model.encode([*TEXTS.values()]), collection.store.metric)[0]
    assert ids(dense)[0] == "kitten"
    assert [hit.score for hit in dense] == pytest.approx(sorted(cosines.tolist())[::-1], abs=1e-6)
    assert collection.search(question, mode="lexical") == []  # no common word
    assert ids(collection.search("E4021", mode="lexical")) == ["error"]
    both = collection.search("E4021 heater", k=3, mode=Mode.HYBRID)
    assert ids(both)[0] == "error"
    assert set(both[0].parts) == {"dense", "lexical"}


def test_filters_in_every_mode(collection: Collection, splade_path: Path) -> None:
    for mode in ("dense", "lexical", "hybrid", "sparse", "late"):
        hits = collection.search("the warm winter weather", where='topic = "food"', mode=mode)
        assert set(ids(hits)) <= {"bread", "soup"}
        assert hits


def test_similar_by_examples(collection: Collection, model: Encoder) -> None:
    hits = collection.similar(["cat", "dog"], k=3)
    assert ids(hits)[0] == "kitten"
    assert not {"cat", "dog"} & set(ids(hits))
    assert [hit.rank for hit in hits] == [1, 2, 3]
    vectors = collection.store.vectors(["cat", "dog"]).astype(np.float64)
    wanted = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).mean(axis=0)
    kitten = collection.store.vectors(["kitten"])[0]
    cosine = wanted @ kitten / np.linalg.norm(wanted) / np.linalg.norm(kitten)
    assert hits[0].score == pytest.approx(cosine, abs=1e-6)
    away = collection.similar(["soup"], unlike=["bread"], k=9)
    assert not {"soup", "bread"} & set(ids(away))
    assert ids(collection.similar(["cat"], k=5, where='topic = "pets"')) == ["kitten", "dog"]
    # Of a group whose first hit would be an example, another passage is taken.
    grouped = collection.similar(["cat"], k=3, options=SearchOptions(group_by="topic"))
    assert ids(grouped)[0] == "kitten"
    assert len(grouped) == 3


def test_similar_to_what(collection: Collection) -> None:
    with pytest.raises(UnknownId, match="'nobody'"):
        collection.similar(["nobody"])
    with pytest.raises(InputError, match="no positive example"):
        collection.similar([], unlike=["cat"])


class Counting(SparseEncoder):
    """A sparse model that notes what it encodes."""

    encoded: list[str]

    def encode(self, inputs: Sequence[str], *, role: object = "document") -> list[SparseVector]:
        self.encoded.extend(inputs)
        return super().encode(inputs, role=role)  # type: ignore[arg-type]


def counted(collection: Collection) -> Counting:
    """The collection's sparse model, made to count."""
    index = collection._following.now.searcher.sparse
    made = index.model
    made.__class__ = Counting
    made.encoded = []  # type: ignore[attr-defined]
    return made  # type: ignore[return-value]


def test_sparse_encodes_each_text_once(tmp_path: Path, model: Encoder, splade_path: Path) -> None:
    place = tmp_path / "c.nf"
    with open_collection(place, encoder=model) as collection:
        collection.add([*TEXTS.values()], ids=[*TEXTS])
        sparse = counted(collection)
        question = "savings bank interest"
        hits = collection.search(question, k=3, mode="sparse")
        assert sparse.encoded == [question, *TEXTS.values()]
        assert {hit.path for hit in hits} == {"sparse:splade-tiny"}
        (query,) = sparse.encode([question], role="query")
        expected = {
            id_: query.dot(vector)
            for id_, vector in zip(TEXTS, sparse.encode([*TEXTS.values()]), strict=True)
        }
        best = sorted(expected, key=lambda id_: -expected[id_])
        best = best[: len(hits)]  # some texts share no term with the question
        assert ids(hits) == best
        assert best[0] == "bank"
        # Stored weights are rounded to 1/256.
        for hit in hits:
            assert hit.score == pytest.approx(expected[hit.chunk.id], rel=0.02)
        sparse.encoded.clear()
        assert ids(collection.search(question, k=3, mode="sparse")) == best
        assert sparse.encoded == [question]
        collection.add(["Savings banks pay interest on savings."], ids=["fresh"])
        sparse.encoded.clear()
        assert ids(collection.search(question, k=1, mode="sparse")) == ["fresh"]
        assert sparse.encoded == [question, "Savings banks pay interest on savings."]
        collection.delete(["fresh"])
        assert "fresh" not in ids(collection.search(question, k=99, mode="sparse"))
    with Collection(place, encoder=model) as again:
        sparse = counted(again)
        assert ids(again.search(question, k=3, mode="sparse")) == best
        assert sparse.encoded == [question]
        assert again.verify().whole
        (folder,) = place.glob("derived/*/sparse-*")
        segment = next(folder.glob("segment-*"))
        data = bytearray(segment.read_bytes())
        data[len(data) // 2] ^= 1
        segment.write_bytes(data)
        (finding,) = again.verify().findings
        assert Path(finding.file).name == folder.name


def test_sparse_is_reranked_and_grouped_like_the_others(
    collection: Collection, splade_path: Path
) -> None:
    class Reversed:
        name = "reversed"

        def score(self, query: str, texts: Sequence[str]) -> np.ndarray:
            return np.arange(len(texts), dtype=np.float32)

    options = SearchOptions(rerank_weight=1.0, candidates=4)
    plain = collection.search("winter soup", k=4, mode="sparse")
    turned = collection.search(
        "winter soup", k=4, mode="sparse", rerank=Reversed(), options=options
    )
    assert ids(turned) == ids(plain)[::-1]
    grouped = collection.search(
        "winter soup", k=9, mode="sparse", options=SearchOptions(group_by="topic")
    )
    assert len({TOPICS.get(id_, "other") for id_ in ids(grouped)}) == len(grouped)


def test_late_interaction_reads_what_the_other_paths_find(
    collection: Collection, model: Encoder
) -> None:
    question = "heater error temperature"
    options = SearchOptions(rerank_weight=1.0)
    hits = collection.search(question, k=3, mode="late", options=options)
    assert ids(hits)[0] == "error"
    query, *passages = (
        model.encode_tokens([question], role="query")  # type: ignore[attr-defined]
        + model.encode_tokens([*TEXTS.values()])  # type: ignore[attr-defined]
    )
    expected = {
        id_: max_similarity(query.vectors, passage.vectors)
        for id_, passage in zip(TEXTS, passages, strict=True)
    }
    assert ids(hits) == sorted(expected, key=lambda id_: -expected[id_])[:3]
    with pytest.raises(InputError, match="leave rerank out"):
        collection.search(question, mode="late", rerank=True)


def test_rerank_with_the_default_model(collection: Collection, reranker_path: Path) -> None:
    hits = collection.search("When must I declare my income?", k=3, rerank=True)
    assert ids(hits)[0] == "tax"
    assert hits[0].path == "exact>ms-marco-MiniLM-L-12-v2"
    assert "first_stage" in hits[0].parts
    assert hits[0].confidence is None


def test_bad_questions_are_named(collection: Collection) -> None:
    vector = np.ones(384, dtype=np.float32)
    with pytest.raises(InputError, match="expected one of dense, lexical"):
        collection.search("x", mode="semantic")
    with pytest.raises(InputError, match="compares words"):
        collection.search(vector=vector, mode="lexical")
    with pytest.raises(InputError, match="compares words"):
        collection.search(vector=vector, mode="sparse")
    with pytest.raises(InputError, match="compares words"):
        collection.search(vector=vector, mode="hybrid")
    with pytest.raises(InputError, match="either a query or a vector"):
        collection.search("x", vector=vector)
    with pytest.raises(DimensionMismatch, match="has 3 components"):
        collection.search(vector=[1, 2, 3])
    with pytest.raises(InputError, match="k is 0"):
        collection.search("x", k=0)


@pytest.mark.parametrize("mode", ["dense", "lexical", "hybrid"])
def test_explanations_add_up(collection: Collection, model: Encoder, mode: str) -> None:
    question = "bake bread with winter soup"
    reasons = explain(collection.store, model, question, SearchOptions(k=3, mode=Mode.of(mode)))
    assert ids([each.hit for each in reasons]) == ids(collection.search(question, k=3, mode=mode))
    words = {hit.chunk.id: hit.score for hit in collection.search(question, k=10, mode="lexical")}
    dense = {hit.chunk.id: hit.score for hit in collection.search(question, k=10)}
    for each in reasons:
        assert each.similarity == dense[each.hit.chunk.id]
        assert each.words.score == words.get(each.hit.chunk.id, 0.0)
        assert sum(term.score for term in each.words.terms) == pytest.approx(each.words.score)


@pytest.mark.usefixtures("compiled_search")
def test_the_graph_explains_its_walk(tmp_path: Path, model: Encoder) -> None:
    place = tmp_path / "c.nf"
    with open_collection(place, encoder=model) as collection:
        collection.add([*TEXTS.values()], ids=[*TEXTS])
        query = model.encode(["kitten"], role="query")[0]
        with (
            collection.store.view() as view,
            pytest.raises(UnsupportedOperation, match="nearfield graph"),
        ):
            view.explain_graph(query, 3)
        with LocalStore.open(place, mode="w") as store:
            store.build_graph(m=2)
            store.delete(["kitten"])
        with collection.store.view() as view:
            trace = view.explain_graph(query, 3)
            found = [view.texts(each.slot, 1)[0] for each in trace.kept[:3]]
        assert found == [hit.chunk.text for hit in collection.search("kitten", k=3)]


def test_audit_of_a_small_collection_is_exact(collection: Collection) -> None:
    report = collection.audit(k=3, questions=["pets", "money", "space"])
    assert (report.vectors, report.dead, report.k, report.queries) == (10, 0, 3, 3)
    assert [row.condition for row in report.rows] == ["all", "random 0.5", "random 0.1"]
    assert {(row.path, row.recall, row.worst) for row in report.rows} == {("exact", 1.0, 1.0)}
    assert all(row.low < 1.0 == row.high for row in report.rows)


def test_a_share_of_live_searches_is_audited(collection: Collection, model: Encoder) -> None:
    audit = collection.audit_live(1.0)
    collection.search("heat")
    collection.search("heat", mode="hybrid", k=3)
    collection.search("heat", mode="lexical")  # compares no vectors
    collection.search("heat", options=SearchOptions(path="exact"))  # asked for by name
    audit.wait()
    assert (audit.so_far.seen, audit.so_far.compared, audit.so_far.recall) == (2, 2, 1.0)
    again = collection.audit_live(0.0)  # ends the first
    collection.search("heat")
    assert (audit.so_far.seen, again.so_far.seen, again.so_far.compared) == (2, 1, 0)
