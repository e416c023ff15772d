"""Haystack: what its suites do not ask, components in pipelines, serialisation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("haystack", reason="Haystack is missing: make test-hosts")

from haystack import Pipeline
from haystack.components.writers import DocumentWriter
from haystack.dataclasses import ByteStream, Document, SparseEmbedding
from haystack.document_stores.errors import DocumentStoreError, DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy, FilterPolicy
from haystack.errors import FilterError

import nearfield as nf
from nearfield.errors import FingerprintMismatch, InputError, UnsupportedOperation
from nearfield.integrations.haystack import (
    NearfieldBM25Retriever,
    NearfieldDocumentEmbedder,
    NearfieldDocumentStore,
    NearfieldEmbeddingRetriever,
    NearfieldHybridRetriever,
    NearfieldRanker,
    NearfieldTextEmbedder,
)
from nearfield.models import rerank

pytestmark = pytest.mark.hosts

DOCUMENTS = [
    Document(id="w1", content="snow and ice", meta={"theme": "winter", "year": 2019}),
    Document(id="w2", content="a cold parka", meta={"theme": "winter", "id": "mine"}),
    Document(id="k1", content="cook a steak", meta={"theme": "kitchen", "by": {"name": "Ada"}}),
    Document(id="k2", content="a pan for bread", meta={"theme": "kitchen", "tags": ["a", "b"]}),
    Document(id="s1", content="sun and sand", meta={"date": "2024-03-01T12:00:00"}),
]


@pytest.fixture
def store(words_file: Path) -> Iterator[NearfieldDocumentStore]:
    made = NearfieldDocumentStore(model=str(words_file))
    assert made.write_documents(DOCUMENTS) == 5
    yield made
    made.close()


def ids_of(documents: list[Document]) -> list[str]:
    return [document.id for document in documents]


def test_a_store_with_a_model_embeds_what_comes_without(
    store: NearfieldDocumentStore, words_file: Path
) -> None:
    model = nf.load(str(words_file))
    found = store.filter_documents()
    rows = model.encode([str(document.content) for document in DOCUMENTS])
    np.testing.assert_array_equal([d.embedding for d in found], rows)
    assert [d.meta for d in found] == [d.meta for d in DOCUMENTS]


def test_everything_of_a_document_comes_back(tmp_path: Path) -> None:
    place = str(tmp_path / "store.nf")
    store = NearfieldDocumentStore(place, dimension=3, embedding_model="mine")
    document = Document(
        id="all",
        content=None,
        blob=ByteStream(b"\x00\xff", meta={"a": 1}, mime_type="image/png"),
        meta={"nested": {"list": [{"a": 1}], "n": None}, "number": 1.5},
        embedding=[0.5, 0.25, -1.0],
        sparse_embedding=SparseEmbedding(indices=[1, 7], values=[0.5, 0.25]),
    )
    store.write_documents([document, Document(id="empty", content="")])
    store.close()
    again = NearfieldDocumentStore(place)
    assert again.filter_documents() == [document, Document(id="empty", content="")]
    again.close()
    with pytest.raises(FingerprintMismatch):
        NearfieldDocumentStore(place, dimension=3, embedding_model="another")


def test_what_has_no_embedding_is_found_by_words_only() -> None:
    store = NearfieldDocumentStore(dimension=2)
    bare = Document(id="bare", content="snow")
    store.write_documents([bare, Document(id="full", content="ice snow", embedding=[0.6, 0.8])])
    by_vector = NearfieldEmbeddingRetriever(store).run([1.0, 0.0])["documents"]
    assert ids_of(by_vector) == ["full"]
    assert by_vector[0].score == pytest.approx(0.6)
    assert set(ids_of(NearfieldBM25Retriever(store).run("snow")["documents"])) == {"bare", "full"}
    hybrid = NearfieldHybridRetriever(store)
    assert ids_of(hybrid.run("snow", [1.0, 0.0])["documents"]) == ["full"]
    with pytest.raises(UnsupportedOperation, match="hand over a vector"):
        hybrid.run("snow")
    store.close()


def test_duplicates_within_a_call() -> None:
    store = NearfieldDocumentStore(dimension=2)
    twice = [Document(id="1", content="first"), Document(id="1", content="last")]
    with pytest.raises(DuplicateDocumentError, match="more than once"):
        store.write_documents(twice)
    assert store.count_documents() == 0
    assert store.write_documents(twice, DuplicatePolicy.SKIP) == 1
    assert store.filter_documents()[0].content == "first"
    assert store.write_documents(twice, DuplicatePolicy.OVERWRITE) == 2
    assert store.filter_documents()[0].content == "last"
    store.close()


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (Document(id="x", content="a", embedding=[1.0]), "has shape"),
        (Document(id="x", content="a", embedding=[float("nan"), 1.0]), "NaN"),
        (Document(id="x", content="a", meta={"at": datetime(2024, 3, 1)}), "ISO texts"),
    ],
)
def test_nothing_is_written_where_something_is_wrong(document: Document, said: str) -> None:
    store = NearfieldDocumentStore(dimension=2)
    with pytest.raises(DocumentStoreError, match=said):
        store.write_documents([Document(id="good", content="fine"), document])
    assert store.count_documents() == 0
    store.close()


@pytest.mark.parametrize(
    ("field", "operator", "value", "found"),
    [
        ("id", "==", "mine", []),
        ("id", "in", ["w2", "s1", "mine"], ["w2", "s1"]),
        ("id", "not in", ["w1", "w2", "k1"], ["k2", "s1"]),
        ("meta.id", "==", "mine", ["w2"]),
        ("meta.by.name", "==", "Ada", ["k1"]),
        ("theme", "==", "winter", ["w1", "w2"]),
        ("meta.tags", "in", ["b", "z"], ["k2"]),
        ("meta.theme", "in", ["winter", None], ["w1", "w2", "s1"]),
        ("meta.date", ">", datetime(2024, 3, 1, 11), ["s1"]),
        ("meta.date", "<=", "2024-03-01T11:59:59", []),
        ("meta.year", "!=", None, ["w1"]),
    ],
)
def test_filters(
    field: str, operator: str, value: Any, found: list[str], store: NearfieldDocumentStore
) -> None:
    filters = {"field": field, "operator": operator, "value": value}
    assert ids_of(store.filter_documents(filters)) == found


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"field": "content", "operator": "==", "value": "a"}, "BM25"),
        ({"field": "meta.a", "operator": "like", "value": "a"}, "no comparison"),
        ({"field": "meta.a", "operator": "==", "value": ["a"]}, "'in'"),
        ({"field": "meta.a", "operator": ">", "value": True}, "no order"),
        ({"operator": "XOR", "conditions": []}, "joins no conditions"),
        ({"operator": "AND", "conditions": ["a"]}, "a dictionary"),
        ({"field": "meta.a", "operator": "==", "value": float("inf")}, "finite"),
    ],
)
def test_what_is_no_filter_is_refused(
    filters: dict[str, Any], said: str, store: NearfieldDocumentStore
) -> None:
    with pytest.raises(FilterError, match=said):
        store.filter_documents(filters)


def test_embedders_are_the_models_own(words_file: Path) -> None:
    model = nf.load(str(words_file))
    texts, documents = (
        NearfieldTextEmbedder(str(words_file)),
        NearfieldDocumentEmbedder(str(words_file), meta_fields_to_embed=["theme", "none"]),
    )
    wanted = model.encode(["ice"], role="query")[0].tolist()
    assert texts.run("ice") == {"embedding": wanted}
    result = documents.run(DOCUMENTS[:2])
    rows = model.encode(["winter\nsnow and ice", "winter\na cold parka"])
    assert [d.embedding for d in result["documents"]] == rows.tolist()
    assert result["meta"]["fingerprint"] == model.card.fingerprint
    assert DOCUMENTS[0].embedding is None
    assert documents.run([])["documents"] == []
    with pytest.raises(TypeError, match="documents have their own"):
        texts.run(DOCUMENTS)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="texts have their own"):
        documents.run(["a"])  # type: ignore[list-item]
    with pytest.raises(InputError, match="without content"):
        documents.run([Document(id="e", content=" ")])


def test_filters_of_a_run_replace_or_narrow(store: NearfieldDocumentStore) -> None:
    winter = {"field": "meta.theme", "operator": "==", "value": "winter"}
    late = {"field": "meta.year", "operator": "==", "value": 2019}
    vector = store.embed("snow")
    replacing = NearfieldEmbeddingRetriever(store, winter, return_embedding=True)
    assert ids_of(replacing.run(vector)["documents"]) == ["w1", "w2"]
    found = replacing.run(vector, {**winter, "value": "kitchen"}, top_k=1)["documents"]
    assert found[0].meta["theme"] == "kitchen"
    assert found[0].embedding is not None
    merging = NearfieldEmbeddingRetriever(store, winter, filter_policy=FilterPolicy.MERGE)
    assert ids_of(merging.run(vector, late)["documents"]) == ["w1"]
    with pytest.raises(ValueError, match="top_k is 0"):
        replacing.run(vector, top_k=0)
    with pytest.raises(TypeError, match="document_store is a dict"):
        NearfieldBM25Retriever({})  # type: ignore[arg-type]


def test_components_come_back_from_dictionaries(tmp_path: Path, words_file: Path) -> None:
    place = str(tmp_path / "store.nf")
    store = NearfieldDocumentStore(place, model=str(words_file), metric="dot", language="german")
    store.write_documents(DOCUMENTS)
    pipeline = Pipeline()
    pipeline.add_component("text", NearfieldTextEmbedder(str(words_file)))
    pipeline.add_component("vector", NearfieldEmbeddingRetriever(store, top_k=3))
    pipeline.add_component("words", NearfieldBM25Retriever(store, filter_policy="merge"))
    pipeline.add_component("both", NearfieldHybridRetriever(store, dense_weight=0.25))
    pipeline.add_component("rank", NearfieldRanker(top_k=2))
    pipeline.add_component("embed", NearfieldDocumentEmbedder(str(words_file), dimensions=8))
    pipeline.connect("text.embedding", "vector.query_embedding")
    written = pipeline.dumps()
    again = Pipeline.loads(written, allowed_modules=["nearfield.integrations.haystack.*"])
    assert again.dumps() == written
    asked = {"text": {"text": "frost"}, "words": {"query": "sand"}, "both": {"query": "sand"}}
    found = again.run(
        {**asked, "rank": {"query": "x", "documents": []}, "embed": {"documents": []}}
    )
    assert len(found["vector"]["documents"]) == 3
    assert ids_of(found["words"]["documents"]) == ["s1"]
    store.close()


def test_a_pipeline_that_writes_and_one_that_finds(tmp_path: Path, words_file: Path) -> None:
    store = NearfieldDocumentStore(str(tmp_path / "store.nf"), model=str(words_file))
    writing = Pipeline()
    writing.add_component("embed", NearfieldDocumentEmbedder(str(words_file)))
    writing.add_component("write", DocumentWriter(store, policy=DuplicatePolicy.OVERWRITE))
    writing.connect("embed.documents", "write.documents")
    assert writing.run({"embed": {"documents": DOCUMENTS}})["write"]["documents_written"] == 5
    with nf.open(tmp_path / "store.nf") as collection:
        assert collection.search("snow and ice", k=1)[0].chunk.id == "w1"
        assert collection.count(where='theme = "winter"') == 2
    store.close()


async def test_components_asynchronously(store: NearfieldDocumentStore, words_file: Path) -> None:
    vector = (await NearfieldTextEmbedder(str(words_file)).run_async("ice"))["embedding"]
    embedding, words, both = (
        await NearfieldEmbeddingRetriever(store, top_k=1).run_async(vector),
        await NearfieldBM25Retriever(store, top_k=1).run_async("bread"),
        await NearfieldHybridRetriever(store, top_k=1).run_async("steak"),
    )
    found = [*embedding["documents"], *words["documents"], *both["documents"]]
    assert ids_of(found) == ["w1", "k2", "k1"]


def test_ranker(reranker_path: Path) -> None:
    ranker = NearfieldRanker(top_k=2)
    question = "What keeps me warm in winter?"
    best = ranker.run(question, [*DOCUMENTS, DOCUMENTS[0]])["documents"]
    logits = rerank.load().score(question, [str(d.content) for d in DOCUMENTS])
    assert [each.score for each in best] == np.sort(logits)[::-1][:2].tolist()
    assert DOCUMENTS[0].score is None
    assert ranker.run(question, [])["documents"] == []
    with pytest.raises(ValueError, match="top_k is 0"):
        NearfieldRanker(top_k=0)


def test_a_folder_indexed_by_nearfield(tmp_path: Path, words_file: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "winter.md").write_text("# Winter\n\nTake a parka: snow and frost.")
    with nf.open(tmp_path / "notes.nf", encoder=str(words_file)) as collection:
        collection.index(tmp_path / "notes")
    store = NearfieldDocumentStore(str(tmp_path / "notes.nf"))
    (document,) = NearfieldHybridRetriever(store).run("frost")["documents"]
    assert document.meta["headings"] == ["Winter"]
    filters = {"field": "meta.format", "operator": "==", "value": "markdown"}
    assert ids_of(store.filter_documents(filters)) == [document.id]
    store.close()
