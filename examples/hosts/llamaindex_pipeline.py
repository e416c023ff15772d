"""An index for LlamaIndex: chosen, stored, measured, written down.

pip install "nearfield[llamaindex]"
python -m examples.hosts.llamaindex_pipeline FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from examples.hosts import shop
from llama_index.core import StorageContext, VectorStoreIndex
from llama_index.core.schema import TextNode
from llama_index.core.vector_stores.types import (
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)

from nearfield.integrations.llamaindex import NearfieldEmbedding, NearfieldVectorStore


def main(folder: Path) -> shop.Measured:
    """Build the index in a folder, and return how well it finds."""
    choice = shop.choose()
    embedding = NearfieldEmbedding(choice.model, dimensions=choice.dimensions)
    store = NearfieldVectorStore(folder / "llamaindex.nf", embed_model=embedding)
    nodes = [
        TextNode(
            id_=each.id,
            text=each.text,
            metadata={"department": each.department, "price": each.price},
            # What the vector should not know of, so that measures mean the text.
            excluded_embed_metadata_keys=["department", "price"],
        )
        for each in shop.products()
    ]
    context = StorageContext.from_defaults(vector_store=store)
    index = VectorStoreIndex(nodes, storage_context=context, embed_model=embedding)

    def finder(mode: str) -> shop.Find:
        retriever = index.as_retriever(similarity_top_k=10, vector_store_query_mode=mode)
        return lambda question: [found.node.node_id for found in retriever.retrieve(question)]

    measured = shop.measure({mode: finder(mode) for mode in ("default", "hybrid")})
    shop.document(folder / "llamaindex.md", "LlamaIndex", choice, measured)

    below = MetadataFilter(key="price", operator=FilterOperator.LT, value=50)
    cheap = index.as_retriever(similarity_top_k=1, filters=MetadataFilters(filters=[below]))
    print(cheap.retrieve("What keeps my hands warm?")[0].node.get_content())
    store.close()
    return measured


if __name__ == "__main__":
    main(Path(sys.argv[1]))
