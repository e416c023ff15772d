"""A retriever for LangChain: chosen, stored, measured, written down.

pip install "nearfield[langchain]"
python -m examples.hosts.langchain_pipeline FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from examples.hosts import shop
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough

from nearfield.integrations.langchain import NearfieldEmbeddings, NearfieldVectorStore


def main(folder: Path) -> shop.Measured:
    """Build the store in a folder, and return how well it finds."""
    choice = shop.choose()
    embeddings = NearfieldEmbeddings(choice.model, dimensions=choice.dimensions)
    store = NearfieldVectorStore(embeddings, folder / "langchain.nf")
    products = shop.products()
    store.add_texts(
        [each.text for each in products],
        [{"department": each.department, "price": each.price} for each in products],
        ids=[each.id for each in products],
    )

    def finder(mode: str) -> shop.Find:
        retriever = store.as_retriever(search_kwargs={"k": 10, "mode": mode})
        return lambda question: [str(found.id) for found in retriever.invoke(question)]

    measured = shop.measure({mode: finder(mode) for mode in ("dense", "hybrid")})
    shop.document(folder / "langchain.md", "LangChain", choice, measured)

    # The chain up to the language model: what it would read.
    cheap = store.as_retriever(search_kwargs={"k": 2, "filter": {"price": {"$lt": 50}}})
    context = cheap | RunnableLambda(lambda found: "\n".join(d.page_content for d in found))
    prompt = ChatPromptTemplate.from_template("Answer from these:\n{context}\n\n{question}")
    chain = {"context": context, "question": RunnablePassthrough()} | prompt
    print(chain.invoke("What keeps my hands warm?").to_string())
    store.close()
    return measured


if __name__ == "__main__":
    main(Path(sys.argv[1]))
