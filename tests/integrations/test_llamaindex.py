"""LlamaIndex: nodes come back whole, every filter and query mode, models that are refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llama_index.core", reason="LlamaIndex is missing: make test-hosts")

from llama_index.core import MockEmbedding, StorageContext, VectorStoreIndex
from llama_index.core.schema import (
    BaseNode,
    ImageNode,
    IndexNode,
    NodeRelationship,
    NodeWithScore,
    ObjectType,
    QueryBundle,
    RelatedNodeInfo,
    TextNode,
)
from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)
from llama_index.core.vector_stores.utils import build_metadata_filter_fn

import nearfield as nf
from nearfield.errors import FingerprintMismatch
from nearfield.integrations.llamaindex import (
    NearfieldEmbedding,
    NearfieldRerank,
    NearfieldRetriever,
    NearfieldVectorStore,
)
from nearfield.models import rerank

pytestmark = pytest.mark.hosts

TEXTS = {
    "w1": "snow and ice",
    "w2": "a cold parka",
    "k1": "cook a steak",
    "k2": "a pan for bread",
    "s1": "sun and sand",
}
METADATA: dict[str, dict[str, Any]] = {
    "w1": {"theme": "winter", "year": 2019, "tags": ["a", "b"], "title": "White 100%"},
    "w2": {"theme": "winter", "year": 2021, "id": "mine", "title": "white_paper"},
    "k1": {"theme": "kitchen", "year": 2020, "by": {"name": "Ada"}, "title": "Pans"},
    "k2": {"theme": "kitchen", "year": 2022, "tags": [], "title": ""},
    "s1": {"theme": "sea", "tags": ["b", "c"], "score": 1.5},
}


@pytest.fixture
def embedding(words_file: Path) -> NearfieldEmbedding:
    return NearfieldEmbedding(str(words_file))


def nodes_of(embedding: NearfieldEmbedding) -> list[TextNode]:
    nodes = []
    for id_, text in TEXTS.items():
        document = RelatedNodeInfo(
            node_id=f"doc-{id_[0]}", node_type=ObjectType.DOCUMENT, metadata={"file": "a.txt"}
        )
        relations: dict[NodeRelationship, Any] = {NodeRelationship.SOURCE: document}
        if id_.endswith("2"):
            relations[NodeRelationship.PREVIOUS] = RelatedNodeInfo(node_id=id_.replace("2", "1"))
        node = TextNode(
            id_=id_,
            text=text,
            metadata=METADATA[id_],
            relationships=relations,
            start_char_idx=3,
            end_char_idx=3 + len(text),
            excluded_llm_metadata_keys=["year"],
        )
        node.embedding = embedding.get_text_embedding(text)
        nodes.append(node)
    return nodes


@pytest.fixture
def store(embedding: NearfieldEmbedding) -> Iterator[NearfieldVectorStore]:
    made = NearfieldVectorStore(embed_model=embedding)
    assert made.add(nodes_of(embedding)) == list(TEXTS)
    yield made
    made.close()


def ids_of(nodes: list[BaseNode]) -> list[str]:
    return [node.node_id for node in nodes]


def test_embedding_is_the_models_own(embedding: NearfieldEmbedding, words_file: Path) -> None:
    model = nf.load(str(words_file))
    texts = list(TEXTS.values())
    assert embedding.get_text_embedding_batch(texts) == model.encode(texts).tolist()
    assert embedding.get_query_embedding("ice") == model.encode(["ice"], role="query")[0].tolist()
    assert embedding.fingerprint == model.card.fingerprint
    again = NearfieldEmbedding(**{k: embedding.to_dict()[k] for k in ("model_name", "precision")})
    assert again.fingerprint == embedding.fingerprint


async def test_embedding_asynchronously(embedding: NearfieldEmbedding) -> None:
    assert await embedding.aget_text_embedding("ice") == embedding.get_text_embedding("ice")
    assert await embedding.aget_query_embedding("ice") == embedding.get_query_embedding("ice")
    many = await embedding.aget_text_embedding_batch(["ice", "snow"])
    assert many == embedding.get_text_embedding_batch(["ice", "snow"])


def test_nodes_come_back_whole(store: NearfieldVectorStore, embedding: NearfieldEmbedding) -> None:
    wanted = nodes_of(embedding)
    got = store.get_nodes()
    for found, node in zip(got, wanted, strict=True):
        assert found.embedding == np.float32(node.embedding).tolist()
        assert found.model_dump(exclude={"embedding"}) == node.model_dump(exclude={"embedding"})
    assert got[0].ref_doc_id == "doc-w"
    assert got[1].prev_node is not None
    assert got[1].prev_node.node_id == "w1"


def test_kinds_of_nodes_come_back_as_such(embedding: NearfieldEmbedding) -> None:
    store = NearfieldVectorStore()
    assert store.client is None
    assert store.query(VectorStoreQuery([1.0] * 16)).nodes == []
    assert store.get_nodes() == []
    vector = embedding.get_text_embedding("ice")
    store.add(
        [
            IndexNode(id_="i", text="an index", index_id="other", embedding=vector),
            ImageNode(id_="p", text="", image="aGk=", embedding=vector),
        ]
    )
    index, image = store.get_nodes(["i", "p"])
    assert isinstance(index, IndexNode)
    assert index.index_id == "other"
    assert isinstance(image, ImageNode)
    assert image.image == "aGk="
    store.close()


def where(key: str, operator: str, value: Any = None) -> MetadataFilter:
    return MetadataFilter(key=key, operator=FilterOperator(operator), value=value)


FILTERS = [
    where("theme", "==", "winter"),
    where("theme", "!=", "winter"),
    where("year", ">", 2020),
    where("year", ">=", 2020),
    where("year", "<", 2020),
    where("year", "<=", 2020),
    where("score", ">", 1.25),
    where("theme", "in", ["sea", "winter"]),
    where("theme", "nin", ["sea", "winter"]),
    where("tags", "any", ["a", "c"]),
    where("tags", "all", ["a", "b"]),
    where("tags", "contains", "b"),
    where("title", "text_match", "hite"),
    where("title", "text_match", "100%"),
    where("title", "text_match", "_"),
    where("title", "text_match_insensitive", "WHITE"),
    where("year", "is_empty"),
    where("tags", "is_empty"),
    where("title", "is_empty"),
    where("id", "==", "mine"),
]


@pytest.mark.parametrize("asked", FILTERS, ids=lambda f: f"{f.key} {f.operator.value} {f.value}")
@pytest.mark.parametrize("condition", list(FilterCondition))
def test_filters_mean_what_llamaindex_means(
    asked: MetadataFilter, condition: FilterCondition, store: NearfieldVectorStore
) -> None:
    filters = MetadataFilters(filters=[asked, where("theme", "!=", "sea")], condition=condition)
    oracle = build_metadata_filter_fn(METADATA.__getitem__, filters)
    assert ids_of(store.get_nodes(filters=filters)) == [id_ for id_ in TEXTS if oracle(id_)]


def test_nested_filters_and_dotted_names(store: NearfieldVectorStore) -> None:
    inner = MetadataFilters(
        filters=[where("theme", "==", "sea"), where("by.name", "==", "Ada")],
        condition=FilterCondition.OR,
    )
    outer = MetadataFilters(filters=[inner, where("year", ">", 0)])
    assert ids_of(store.get_nodes(filters=outer)) == ["k1"]
    assert ids_of(store.get_nodes(filters=MetadataFilters(filters=[]))) == list(TEXTS)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (where("year", ">", ["a"]), "one value"),
        (where("theme", "in", "winter"), "takes a list"),
        (where("theme", "==", ["winter"]), "'any' or 'all'"),
        (where("year", "text_match", 2), "takes a text"),
    ],
)
def test_what_does_not_fit_is_refused(
    asked: MetadataFilter, said: str, store: NearfieldVectorStore
) -> None:
    with pytest.raises(ValueError, match=said):
        store.get_nodes(filters=MetadataFilters(filters=[asked]))


def test_query_modes(store: NearfieldVectorStore, embedding: NearfieldEmbedding) -> None:
    vector = embedding.get_query_embedding("ice")
    dense = store.query(VectorStoreQuery(vector, 2))
    assert dense.ids == ["w1", "w2"]
    rows = np.array([embedding.get_text_embedding(t) for t in TEXTS.values()])
    cosines = rows @ vector / np.linalg.norm(rows, axis=1) / np.linalg.norm(vector)
    np.testing.assert_allclose(dense.similarities, np.sort(cosines)[::-1][:2], atol=1e-6)
    for mode in (VectorStoreQueryMode.SPARSE, VectorStoreQueryMode.TEXT_SEARCH):
        assert store.query(VectorStoreQuery(query_str="bread", mode=mode)).ids == ["k2"]
    hybrid = VectorStoreQuery(
        vector, 1, query_str="bread", mode=VectorStoreQueryMode.HYBRID, alpha=0.0, hybrid_top_k=5
    )
    words = store.query(hybrid)
    assert words.ids is not None
    assert (words.ids[0], len(words.ids)) == ("k2", 5)
    hybrid.alpha = 1.0
    assert store.query(hybrid).ids[:2] == ["w1", "w2"]  # type: ignore[index]
    with pytest.raises(ValueError, match="'svm' is not offered"):
        store.query(VectorStoreQuery(vector, mode=VectorStoreQueryMode.SVM))
    with pytest.raises(ValueError, match="give a query in words"):
        store.query(VectorStoreQuery(vector, mode=VectorStoreQueryMode.HYBRID))


def test_queries_within_documents_and_nodes(
    store: NearfieldVectorStore, embedding: NearfieldEmbedding
) -> None:
    vector = embedding.get_query_embedding("ice")
    assert set(store.query(VectorStoreQuery(vector, 9, doc_ids=["doc-k"])).ids or ()) == {
        "k1",
        "k2",
    }
    assert store.query(VectorStoreQuery(vector, 9, node_ids=["w2"])).ids == ["w2"]
    only = MetadataFilters(filters=[where("year", "<", 2021)])
    asked = VectorStoreQuery(vector, 9, doc_ids=["doc-k", "doc-w"], filters=only)
    assert set(store.query(asked).ids or ()) == {"w1", "k1"}


@pytest.mark.parametrize("threshold", [0.0, 0.4, 0.8, 1.0])
def test_diversity_by_its_definition(
    threshold: float, store: NearfieldVectorStore, embedding: NearfieldEmbedding
) -> None:
    """Of the paper: the nearest of all that were chosen counts, not the last one alone."""
    vector = np.array(embedding.get_query_embedding("ice in a pan"))
    rows = {id_: np.array(embedding.get_text_embedding(text)) for id_, text in TEXTS.items()}

    def cosine(a: Any, b: Any) -> float:
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    by_relevance = sorted(rows, key=lambda id_: -cosine(rows[id_], vector))
    wanted: list[str] = []
    while len(wanted) < 3:
        gain = {
            id_: threshold * cosine(rows[id_], vector)
            - (1 - threshold) * max((cosine(rows[id_], rows[o]) for o in wanted), default=0.0)
            for id_ in by_relevance
            if id_ not in wanted
        }
        wanted.append(max(gain, key=gain.__getitem__))
    asked = VectorStoreQuery(
        vector.tolist(), 3, mode=VectorStoreQueryMode.MMR, mmr_threshold=threshold
    )
    assert store.query(asked).ids == wanted


def test_delete_and_clear(store: NearfieldVectorStore) -> None:
    store.delete("doc-w")
    assert ids_of(store.get_nodes()) == ["k1", "k2", "s1"]
    store.delete("nobody")
    store.delete_nodes(filters=MetadataFilters(filters=[where("theme", "==", "sea")]))
    store.delete_nodes(["k1", "nobody"])
    assert ids_of(store.get_nodes()) == ["k2"]
    with pytest.raises(ValueError, match=r"clear\(\)"):
        store.delete_nodes()
    store.clear()
    assert store.get_nodes() == []


async def test_asynchronously(embedding: NearfieldEmbedding, tmp_path: Path) -> None:
    store = NearfieldVectorStore(tmp_path / "a.nf", embed_model=embedding)
    await store.async_add(nodes_of(embedding))
    vector = await embedding.aget_query_embedding("ice")
    assert (await store.aquery(VectorStoreQuery(vector, 1))).ids == ["w1"]
    await store.adelete("doc-w")
    await store.adelete_nodes(["s1"])
    assert ids_of(await store.aget_nodes()) == ["k1", "k2"]
    await store.aclear()
    assert await store.aget_nodes() == []
    store.close()


def test_it_is_there_again_and_refuses_other_models(
    embedding: NearfieldEmbedding, tmp_path: Path, words_file: Path
) -> None:
    place = tmp_path / "store.nf"
    first = NearfieldVectorStore(place, embed_model=embedding)
    first.add(nodes_of(embedding))
    first.close()
    again = NearfieldVectorStore(place)
    assert ids_of(again.get_nodes()) == list(TEXTS)
    again.close()
    for other in (NearfieldEmbedding(str(words_file), dimensions=8), MockEmbedding(16)):
        with pytest.raises(FingerprintMismatch):
            NearfieldVectorStore(place, embed_model=other)
    with nf.open(place) as collection:  # and for Nearfield it is a collection like any other
        assert collection.search("snow and ice", k=1)[0].chunk.text == TEXTS["w1"]


def test_an_index_over_it(embedding: NearfieldEmbedding) -> None:
    store = NearfieldVectorStore(embed_model=embedding)
    context = StorageContext.from_defaults(vector_store=store)
    bare = [TextNode(id_=i, text=t, metadata=METADATA[i]) for i, t in TEXTS.items()]
    index = VectorStoreIndex(bare, storage_context=context, embed_model=embedding)
    only = MetadataFilters(filters=[where("theme", "==", "kitchen")])
    found = index.as_retriever(similarity_top_k=1, filters=only).retrieve("bread and steak")
    assert found[0].node.metadata["theme"] == "kitchen"
    again = VectorStoreIndex.from_vector_store(store, embed_model=embedding)
    assert again.as_retriever(similarity_top_k=1).retrieve("snow ice")[0].node.node_id == "w1"
    store.close()


def test_retriever_over_files(tmp_path: Path, words_file: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "winter.md").write_text("# Winter\n\nTake a parka: snow and frost.")
    with nf.open(tmp_path / "notes.nf", encoder=str(words_file)) as collection:
        collection.index(tmp_path / "notes")
    for mode in ("dense", "lexical", "hybrid"):
        retriever = NearfieldRetriever(
            tmp_path / "notes.nf", mode=mode, where='format = "markdown"'
        )
        (found,) = retriever.retrieve("snow")
        assert found.node.metadata["headings"] == ["Winter"]
        source = str(tmp_path / "notes" / "winter.md")
        assert found.node.ref_doc_id == found.node.metadata["source"] == source
        retriever.collection.close()
    store = NearfieldVectorStore(tmp_path / "notes.nf")
    store.delete(source)
    assert store.get_nodes() == []
    store.close()


def test_reranker(reranker_path: Path) -> None:
    nodes = [NodeWithScore(node=TextNode(text=text), score=0.5) for text in TEXTS.values()]
    reranker = NearfieldRerank(top_n=2)
    question = "What keeps me warm in winter?"
    best = reranker.postprocess_nodes(nodes, query_str=question)
    logits = rerank.load().score(question, list(TEXTS.values()))
    assert [each.score for each in best] == np.sort(logits)[::-1][:2].tolist()
    assert reranker.postprocess_nodes([], QueryBundle(question)) == []
    with pytest.raises(ValueError, match="reads the question"):
        reranker.postprocess_nodes(nodes)
