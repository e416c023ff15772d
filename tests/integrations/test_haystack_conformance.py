"""Haystack's own suites for document stores, sync and async."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("haystack", reason="Haystack is missing: make test-hosts")

from haystack.dataclasses import Document
from haystack.document_stores.errors import DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy
from haystack.testing import document_store as sync
from haystack.testing import document_store_async as asynchronous

from nearfield.integrations.haystack import NearfieldDocumentStore

pytestmark = pytest.mark.hosts


class _Store:
    """Embeddings are float32 in the store, so they are compared as such."""

    @pytest.fixture
    def document_store(self, tmp_path: Path) -> Iterator[NearfieldDocumentStore]:
        store = NearfieldDocumentStore(str(tmp_path / "store.nf"), dimension=768)
        yield store
        store.close()

    @staticmethod
    def assert_documents_are_equal(received: list[Document], expected: list[Document]) -> None:
        for got, wanted in zip(received, expected, strict=True):
            assert replace(got, embedding=None) == replace(wanted, embedding=None)
            assert (got.embedding is None) == (wanted.embedding is None)
            if wanted.embedding is not None:
                assert got.embedding == np.float32(wanted.embedding).tolist()


class TestDocumentStore(
    _Store,
    sync.DocumentStoreBaseExtendedTests,
    sync.CountDocumentsByFilterTest,
    sync.CountUniqueMetadataByFilterTest,
    sync.GetMetadataFieldsInfoTest,
    sync.GetMetadataFieldMinMaxTest,
    sync.GetMetadataFieldUniqueValuesTest,
):
    def test_write_documents(self, document_store: NearfieldDocumentStore) -> None:
        """What no policy means is left to the store: here, duplicates fail."""
        document = Document(content="test doc")
        assert document_store.write_documents([document]) == 1
        with pytest.raises(DuplicateDocumentError):
            document_store.write_documents([document], policy=DuplicatePolicy.NONE)
        self.assert_documents_are_equal(document_store.filter_documents(), [document])


class TestDocumentStoreAsync(
    _Store,
    asynchronous.CountDocumentsAsyncTest,
    asynchronous.WriteDocumentsAsyncTest,
    asynchronous.DeleteDocumentsAsyncTest,
    asynchronous.FilterDocumentsAsyncTest,
    asynchronous.DeleteAllAsyncTest,
    asynchronous.DeleteByFilterAsyncTest,
    asynchronous.UpdateByFilterAsyncTest,
    asynchronous.CountDocumentsByFilterAsyncTest,
    asynchronous.CountUniqueMetadataByFilterAsyncTest,
    asynchronous.GetMetadataFieldsInfoAsyncTest,
    asynchronous.GetMetadataFieldMinMaxAsyncTest,
    asynchronous.GetMetadataFieldUniqueValuesAsyncTest,
):
    async def test_write_documents_async(self, document_store: NearfieldDocumentStore) -> None:
        """As in the synchronous suite."""
        document = Document(content="test doc")
        assert await document_store.write_documents_async([document]) == 1
        with pytest.raises(DuplicateDocumentError):
            await document_store.write_documents_async([document], policy=DuplicatePolicy.NONE)
