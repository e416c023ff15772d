"""What LangChain's own suites do not ask: filters, modes, diversity, models, chains."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("langchain_core", reason="LangChain is missing: make test-hosts")

from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_core.runnables import RunnableLambda
from langchain_core.vectorstores.utils import maximal_marginal_relevance

import nearfield as nf
from nearfield.errors import DuplicateId, FilterSyntaxError, FingerprintMismatch, StoreNotFound
from nearfield.filters import parse, render
from nearfield.integrations.langchain import (
    NearfieldEmbeddings,
    NearfieldReranker,
    NearfieldRetriever,
    NearfieldVectorStore,
)
from nearfield.integrations.langchain.filters import to_filter
from nearfield.models import rerank

pytestmark = pytest.mark.hosts

TEXTS = ["snow and ice", "a cold parka", "cook a steak", "a pan for bread", "sun and sand"]
METADATA: list[dict[str, Any]] = [
    {"theme": "winter", "year": 2019, "tags": ["a", "b"]},
    {"theme": "winter", "year": 2021},
    {"theme": "kitchen", "year": 2020, "by": {"name": "Ada"}},
    {"theme": "kitchen", "year": 2022, "tags": []},
    {"theme": "sea"},
]
IDS = ["w1", "w2", "k1", "k2", "s1"]


@pytest.fixture
def embeddings(words_file: Path) -> NearfieldEmbeddings:
    return NearfieldEmbeddings(str(words_file))


@pytest.fixture
def store(embeddings: NearfieldEmbeddings) -> Iterator[NearfieldVectorStore]:
    made = NearfieldVectorStore.from_texts(TEXTS, embeddings, METADATA, ids=IDS)
    yield made
    made.close()


def ids_of(documents: list[Document]) -> list[str | None]:
    return [document.id for document in documents]


def test_embeddings_are_the_models_own(embeddings: NearfieldEmbeddings, words_file: Path) -> None:
    model = nf.load(str(words_file))
    assert embeddings.embed_documents(TEXTS) == model.encode(TEXTS).tolist()
    assert embeddings.embed_query("ice") == model.encode(["ice"], role="query")[0].tolist()
    assert embeddings.fingerprint == model.card.fingerprint
    assert len(NearfieldEmbeddings(str(words_file), dimensions=4).embed_query("ice")) == 4


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ('theme = "kitchen"', {"k1", "k2"}),
        (parse("year > 2020"), {"w2", "k2"}),
        ({"theme": "winter"}, {"w1", "w2"}),
        ({"theme": "winter", "year": {"$gte": 2020}}, {"w2"}),
        ({"year": {"$gt": 2019, "$lt": 2022}}, {"w2", "k1"}),
        ({"year": {"$between": [2020, 2021]}}, {"w2", "k1"}),
        ({"theme": {"$in": ["sea", "winter"]}}, {"w1", "w2", "s1"}),
        ({"theme": {"$nin": ["sea", "winter"]}}, {"k1", "k2"}),
        ({"theme": {"$ne": "winter"}}, {"k1", "k2", "s1"}),
        ({"year": {"$exists": False}}, {"s1"}),
        ({"year": None}, {"s1"}),
        ({"theme": {"$like": "k%"}}, {"k1", "k2"}),
        ({"tags": "b"}, {"w1"}),
        ({"by.name": "Ada"}, {"k1"}),
        ({"$or": [{"theme": "sea"}, {"year": {"$lte": 2019}}]}, {"s1", "w1"}),
        ({"$and": [{"theme": "kitchen"}, {"$not": {"year": 2020}}]}, {"k2"}),
        ({}, set(IDS)),
    ],
)
def test_filters(given: Any, found: set[str], store: NearfieldVectorStore) -> None:
    assert set(ids_of(store.similarity_search("snow", k=9, filter=given))) == found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"year": {"$near": 3}}, r"\$near"),
        ({"$xor": []}, r"\$xor"),
        ({"$or": []}, "list of dictionaries"),
        ({"$not": []}, "dictionary"),
        ({"theme": ["a"]}, r"\$in"),
        ({"theme": {"$in": "a"}}, "take a list"),
        ({"year": {"$between": [1]}}, "two borders"),
        (lambda document: True, "function"),
    ],
)
def test_what_is_no_filter_is_refused(given: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        to_filter(given)


def test_a_fault_in_a_text_has_its_place(store: NearfieldVectorStore) -> None:
    with pytest.raises(FilterSyntaxError, match="position 8"):
        store.similarity_search("snow", filter="theme = winter")


def test_negation_of_a_missing_field() -> None:
    assert render(to_filter({"a": {"$ne": None}})) == "a is not null"  # type: ignore[arg-type]


def test_scores_are_cosines_and_relevance_is_a_share(store: NearfieldVectorStore) -> None:
    found = store.similarity_search_with_score("snow and ice", k=5)
    assert found[0][0].id == "w1"
    assert found[0][1] == pytest.approx(1.0, abs=1e-6)
    shares = store.similarity_search_with_relevance_scores("snow and ice", k=5)
    assert [share for _, share in shares] == [(score + 1) / 2 for _, score in found]
    kept = store.similarity_search_with_relevance_scores("snow and ice", k=5, score_threshold=0.9)
    assert ids_of([document for document, _ in kept]) == ["w1", "w2"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_diversity_is_what_langchain_means_by_it(
    share: float, store: NearfieldVectorStore, embeddings: NearfieldEmbeddings
) -> None:
    query = embeddings.embed_query("ice in a pan")
    found = store.max_marginal_relevance_search("ice in a pan", k=3, fetch_k=5, lambda_mult=share)
    rows = embeddings.embed_documents(TEXTS)
    chosen = maximal_marginal_relevance(np.array(query), rows, lambda_mult=share, k=3)
    assert ids_of(found) == [IDS[at] for at in chosen]


def test_words_count_where_they_are_asked_for(store: NearfieldVectorStore) -> None:
    assert ids_of(store.similarity_search("bread", mode="lexical")) == ["k2"]
    hybrid = store.similarity_search_with_score("steak", k=2, mode="hybrid")
    assert hybrid[0][0].id == "k1"
    retriever = store.as_retriever(search_kwargs={"k": 1, "mode": "lexical"})
    assert ids_of(retriever.invoke("sand")) == ["s1"]
    with pytest.raises(ValueError, match="NearfieldRetriever"):
        store.similarity_search("sand", mode="late")


def test_what_is_not_understood_is_refused(store: NearfieldVectorStore) -> None:
    with pytest.raises(ValueError, match="fetch_kk"):
        store.similarity_search("snow", fetch_kk=3)
    with pytest.raises(ValueError, match="lambda_mult is 2"):
        store.max_marginal_relevance_search("snow", lambda_mult=2)
    with pytest.raises(ValueError, match="k is 0"):
        store.similarity_search("snow", k=0)
    with pytest.raises(ValueError, match="1 ids for 2 texts"):
        store.add_texts(["a", "b"], ids=["1"])


def test_nothing_is_written_where_something_is_wrong(store: NearfieldVectorStore) -> None:
    with pytest.raises(DuplicateId, match="more than once"):
        store.add_texts(["snow", "ice"], ids=["x", "x"])
    with pytest.raises(ValueError, match="ISO texts"):
        store.add_texts(["snow", "ice"], [{}, {"f": object()}])
    assert store.collection.count() == 5


def test_delete_by_filter_and_all(store: NearfieldVectorStore) -> None:
    store.delete(filter={"theme": "winter"})
    assert store.collection.count() == 3
    store.delete(["k1", "nobody"])
    assert ids_of(store.get_by_ids(["s1", "k1", "k2"])) == ["s1", "k2"]
    store.delete()
    assert store.collection.count() == 0


def test_it_is_there_again_and_knows_its_model(
    embeddings: NearfieldEmbeddings, tmp_path: Path, words_file: Path
) -> None:
    place = tmp_path / "store.nf"
    NearfieldVectorStore.from_texts(TEXTS, embeddings, METADATA, ids=IDS, path=place).close()
    again = NearfieldVectorStore(path=place)
    assert again.similarity_search("ice", k=1)[0] == Document(
        id="w1", page_content=TEXTS[0], metadata=METADATA[0]
    )
    again.close()
    cut = NearfieldEmbeddings(str(words_file), dimensions=8)
    for other in (cut, DeterministicFakeEmbedding(size=16)):
        with pytest.raises(FingerprintMismatch):
            NearfieldVectorStore(other, place)


def test_a_folder_indexed_by_nearfield(tmp_path: Path, words_file: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "winter.md").write_text("# Winter\n\nTake a parka: snow and frost.")
    with nf.open(tmp_path / "notes.nf", encoder=str(words_file)) as collection:
        collection.index(tmp_path / "notes")
    store = NearfieldVectorStore(path=tmp_path / "notes.nf")
    (document,) = store.similarity_search("ice", k=1)
    assert document.metadata["source"] == str(tmp_path / "notes" / "winter.md")
    assert document.metadata["headings"] == ["Winter"]
    retriever = NearfieldRetriever(collection=str(tmp_path / "notes.nf"), mode="hybrid")
    assert retriever.invoke("frost") == [document]
    store.close()


class _Asynchronous(Embeddings):
    """A model that is only to be used asynchronously, once it is known."""

    def __init__(self) -> None:
        self.fake = DeterministicFakeEmbedding(size=6)
        self.known = False

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        assert not self.known, "called synchronously"
        return self.fake.embed_documents(texts)

    def embed_query(self, text: str) -> list[float]:
        raise AssertionError("called synchronously")

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.fake.embed_documents(texts)

    async def aembed_query(self, text: str) -> list[float]:
        return self.fake.embed_query(text)


async def test_asynchronous_models_are_awaited() -> None:
    model = _Asynchronous()
    store = NearfieldVectorStore(model)
    model.known = True
    assert await store.aadd_texts(["foo", "bar"], ids=["1", "2"]) == ["1", "2"]
    assert ids_of(await store.asimilarity_search("bar", k=1)) == ["2"]
    assert ids_of(await store.amax_marginal_relevance_search("bar", k=1)) == ["2"]
    store.close()


async def test_searches_side_by_side(store: NearfieldVectorStore) -> None:
    found = await asyncio.gather(*(store.asimilarity_search(text, k=1) for text in TEXTS * 4))
    assert [documents[0].id for documents in found] == IDS * 4


@pytest.mark.parametrize("mode", ["dense", "lexical", "hybrid", "sparse", "late"])
def test_the_retriever_finds_what_the_collection_finds(
    mode: str, tmp_path: Path, words_file: Path, splade_path: Path, reranker_path: Path
) -> None:
    with nf.open(tmp_path / "c.nf", encoder=str(words_file)) as collection:
        years = [{"year": each.get("year")} for each in METADATA]
        collection.add(TEXTS, ids=IDS, metadata=years)
        rerank_too = mode == "hybrid"
        retriever = NearfieldRetriever(
            collection=collection, mode=mode, k=2, filter={"year": {"$gt": 0}}, rerank=rerank_too
        )
        hits = collection.search(
            "bread and steak", mode=mode, k=2, where="year > 0", rerank=rerank_too
        )
        assert ids_of(retriever.invoke("bread and steak")) == [hit.chunk.id for hit in hits]
        assert hits


def test_the_retriever_refuses_at_once(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFound):
        NearfieldRetriever(collection=tmp_path / "none.nf")
    with pytest.raises(ValueError, match="collection is 3"):
        NearfieldRetriever(collection=3)


def test_reranker_in_a_chain(store: NearfieldVectorStore, reranker_path: Path) -> None:
    reranker = NearfieldReranker(top_n=2)
    documents = [Document(page_content=text, metadata={"n": at}) for at, text in enumerate(TEXTS)]
    question = "What keeps me warm in winter?"
    best = reranker.compress_documents(documents, question)
    logits = rerank.load().score(question, TEXTS)
    assert [each.metadata["n"] for each in best] == np.argsort(-logits)[:2].tolist()
    assert best[0].metadata["relevance_score"] == logits.max()
    assert "relevance_score" not in documents[1].metadata
    assert reranker.compress_documents([], "anything") == []
    chain = store.as_retriever() | RunnableLambda(
        lambda found: reranker.compress_documents(found, "winter clothes")
    )
    assert len(chain.invoke("cold")) == 2
