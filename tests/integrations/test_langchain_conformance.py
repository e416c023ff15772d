"""LangChain's own suites for embeddings, vector stores and retrievers, sync and async."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain_tests", reason="LangChain's tests are missing: make test-hosts")

from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import VectorStore
from langchain_tests.integration_tests import (
    EmbeddingsIntegrationTests,
    RetrieversIntegrationTests,
    VectorStoreIntegrationTests,
)
from langchain_tests.unit_tests import EmbeddingsUnitTests

import nearfield as nf
from nearfield.integrations.langchain import (
    NearfieldEmbeddings,
    NearfieldRetriever,
    NearfieldVectorStore,
)

pytestmark = pytest.mark.hosts


class _Embeddings:
    @pytest.fixture(autouse=True)
    def _words(self, words_file: Path) -> None:
        self.words = str(words_file)

    @property
    def embeddings_class(self) -> type[Embeddings]:
        return NearfieldEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": self.words}


class TestEmbeddingsUnit(_Embeddings, EmbeddingsUnitTests):
    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return {"NEARFIELD_MODEL": self.words}, {}, {"model": Path(self.words).name}


class TestEmbeddings(_Embeddings, EmbeddingsIntegrationTests):
    pass


class TestTemporaryStore(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self) -> Iterator[VectorStore]:
        store = NearfieldVectorStore(self.get_embeddings())
        yield store
        store.close()
        assert not store.collection.path.exists()


class TestDurableStore(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, tmp_path: Path) -> Iterator[VectorStore]:
        store = NearfieldVectorStore(self.get_embeddings(), tmp_path / "store.nf")
        yield store
        store.close()
        assert store.collection.path.exists()


class _Retriever(RetrieversIntegrationTests):
    mode = "dense"

    @pytest.fixture(autouse=True)
    def _collection(self, tmp_path: Path, words_file: Path) -> Iterator[None]:
        with nf.open(tmp_path / "words.nf", encoder=str(words_file)) as collection:
            collection.add(["snow and ice", "ice and frost", "a cold parka", "winter ice", "sea"])
            self.collection = collection
            yield

    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return NearfieldRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return {"collection": self.collection, "mode": self.mode}

    @property
    def retriever_query_example(self) -> str:
        return "ice snow frost"


class TestDenseRetriever(_Retriever):
    pass


class TestLexicalRetriever(_Retriever):
    mode = "lexical"


class TestHybridRetriever(_Retriever):
    mode = "hybrid"


del _Retriever  # a suite of its own it is not
