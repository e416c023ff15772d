"""A pipeline of Haystack: chosen, stored, measured, written down.

pip install "nearfield[haystack]"
python -m examples.hosts.haystack_pipeline FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from examples.hosts import shop
from haystack import Pipeline
from haystack.components.writers import DocumentWriter
from haystack.dataclasses import Document
from haystack.document_stores.types import DuplicatePolicy

from nearfield.integrations.haystack import (
    NearfieldDocumentEmbedder,
    NearfieldDocumentStore,
    NearfieldEmbeddingRetriever,
    NearfieldHybridRetriever,
    NearfieldTextEmbedder,
)


def finding(
    model: str, retriever: NearfieldEmbeddingRetriever | NearfieldHybridRetriever
) -> Pipeline:
    """A pipeline from a question to documents."""
    pipeline = Pipeline()
    pipeline.add_component("embed", NearfieldTextEmbedder(model))
    pipeline.add_component("find", retriever)
    pipeline.connect("embed.embedding", "find.query_embedding")
    return pipeline


def main(folder: Path) -> shop.Measured:
    """Build the store in a folder, and return how well it finds."""
    choice = shop.choose()
    name = f"{choice.model}@{choice.dimensions}"
    store = NearfieldDocumentStore(str(folder / "haystack.nf"), model=name)
    documents = [
        Document(
            id=each.id,
            content=each.text,
            meta={"department": each.department, "price": each.price},
        )
        for each in shop.products()
    ]
    writing = Pipeline()
    writing.add_component("embed", NearfieldDocumentEmbedder(name))
    writing.add_component("write", DocumentWriter(store, policy=DuplicatePolicy.OVERWRITE))
    writing.connect("embed.documents", "write.documents")
    writing.run({"embed": {"documents": documents}})

    dense = finding(name, NearfieldEmbeddingRetriever(store, top_k=10))
    hybrid = finding(name, NearfieldHybridRetriever(store, top_k=10))

    def find_dense(question: str) -> list[str]:
        found = dense.run({"embed": {"text": question}})
        return [document.id for document in found["find"]["documents"]]

    def find_hybrid(question: str) -> list[str]:
        found = hybrid.run({"embed": {"text": question}, "find": {"query": question}})
        return [document.id for document in found["find"]["documents"]]

    measured = shop.measure({"dense": find_dense, "hybrid": find_hybrid})
    shop.document(folder / "haystack.md", "Haystack", choice, measured)

    # The pipeline as a file; whoever loads it says whose classes it may make.
    (folder / "haystack.yaml").write_text(dense.dumps(), encoding="utf-8")
    again = Pipeline.loads(
        (folder / "haystack.yaml").read_text(encoding="utf-8"),
        allowed_modules=["nearfield.integrations.haystack"],
    )
    question = "What keeps my hands warm?"
    cheap = {"field": "meta.price", "operator": "<", "value": 50}
    asked = {"embed": {"text": question}, "find": {"filters": cheap}}
    print(again.run(asked)["find"]["documents"][0].content)
    store.close()
    return measured


if __name__ == "__main__":
    main(Path(sys.argv[1]))
