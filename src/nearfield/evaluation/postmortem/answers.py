"""Which passages of a collection answer a question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nearfield.stores.local import LocalStore
from nearfield.types import Chunk

__all__ = ["Answers"]


class Answers:
    """Finds the documents that judgements name.

    Parameters
    ----------
    store : LocalStore
    spans : mapping of str to (str, int, int), optional
        Question id → document and where the answer stands in it.
    """

    def __init__(
        self, store: LocalStore, spans: Mapping[str, tuple[str, int, int]] | None = None
    ) -> None:
        self._store = store
        self._spans = spans or {}
        self._ids = [entry.id for entry in store.documents()]
        self._known = set(self._ids)

    def document(self, name: str) -> str | None:
        """Id of the document that a judgement names: its id, or the end of its path."""
        if name in self._known:
            return name
        ending = "/" + name.replace("\\", "/").lstrip("/")
        ends = [id_ for id_ in self._ids if id_.replace("\\", "/").endswith(ending)]
        return ends[0] if len(ends) == 1 else None

    def passages(self, query: str, names: Iterable[str]) -> list[Chunk]:
        """Passages that answer: of the documents, or named by their own ids.

        Where the answer's place is known they are those that touch it.
        """
        return [chunk for name in names for chunk in self._near(query, name, self.all_of(name))]

    def all_of(self, name: str) -> list[Chunk]:
        """Every passage of a document; of a passage's own id, that one."""
        id_ = self.document(name)
        if id_ is not None:
            return self._store.chunks_of(id_)
        return self._store.get([name]) if self._store.existing([name]) else []

    def is_among(self, query: str, names: Sequence[str], hits: Iterable[Chunk]) -> bool:
        """Whether any of the hits answers: a passage of the document, or at the known place."""
        if query in self._spans:
            wanted = {chunk.id for chunk in self.passages(query, names)}
            return any(chunk.id in wanted for chunk in hits)
        documents = {self.document(name) for name in names}
        return any(chunk.document_id in documents or chunk.id in names for chunk in hits)

    def is_apart(self, query: str, passages: Iterable[Chunk]) -> bool | None:
        """Whether no single passage holds the whole answer; None where its place is not known."""
        if query not in self._spans:
            return None
        _, start, end = self._spans[query]
        return not any(chunk.start <= start and end <= chunk.end for chunk in passages)

    def _near(self, query: str, name: str, chunks: list[Chunk]) -> list[Chunk]:
        document, start, end = self._spans.get(query, (None, 0, 0))
        if document != name:
            return chunks
        touching = [chunk for chunk in chunks if chunk.start < end and start < chunk.end]
        return touching or chunks
