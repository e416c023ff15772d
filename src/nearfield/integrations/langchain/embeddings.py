"""A model of Nearfield as LangChain's ``Embeddings``."""

from __future__ import annotations

from langchain_core.embeddings import Embeddings

from nearfield.integrations.common.model import open_model
from nearfield.models.precision import AUTO
from nearfield.protocols import Encoder
from nearfield.types import Role

__all__ = ["NearfieldEmbeddings"]


class NearfieldEmbeddings(Embeddings):
    """Embeds on this machine; prompts for questions and documents are the model's own.

    The asynchronous methods run in LangChain's thread pool, where encoding leaves the event loop
    free.

    Parameters
    ----------
    model : str
        A name as :func:`nearfield.load` takes it; by default the default model.
    dimensions : int, optional
        Keep only the first so many components (Matryoshka truncation).
    precision : {"auto", "exact", "fast"}

    Raises
    ------
    ModelNotInstalled, UnknownName
        As :func:`nearfield.load`.

    Examples
    --------
    >>> embeddings = NearfieldEmbeddings("all-MiniLM-L6-v2")  # doctest: +SKIP
    >>> len(embeddings.embed_query("cold weather gear"))  # doctest: +SKIP
    384
    """

    def __init__(
        self, model: str = "", *, dimensions: int | None = None, precision: str = AUTO
    ) -> None:
        self.opened = open_model(model, dimensions=dimensions, precision=precision)

    def __repr__(self) -> str:
        card = self.encoder.card
        return f"NearfieldEmbeddings({card.name!r}, precision={card.precision!r})"

    @property
    def encoder(self) -> Encoder:
        """The model itself."""
        return self.opened.encoder

    @property
    def model(self) -> str:
        """Name of the model, with its dimension where it was cut."""
        return self.encoder.card.name

    @property
    def fingerprint(self) -> str:
        """Identity of the model's space, 64 hexadecimal characters."""
        return self.encoder.card.fingerprint

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of texts that are to be found."""
        found: list[list[float]] = self.encoder.encode(texts, role=Role.DOCUMENT).tolist()
        return found

    def embed_query(self, text: str) -> list[float]:
        """Vector of a question."""
        found: list[float] = self.encoder.encode([text], role=Role.QUERY)[0].tolist()
        return found
