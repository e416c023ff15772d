"""The roles: what each exchangeable part promises, and nothing else.

Code accepts these, never a concrete class. Every implementation is registered by name
(:mod:`nearfield.registry`) and passes its role's contract suite in ``tests/contracts``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

from nearfield.filters import Filter
from nearfield.metric import Metric
from nearfield.types import (
    BM25,
    BatchReport,
    Chunk,
    Document,
    FloatArray,
    Hit,
    IntArray,
    Message,
    ModelCard,
    Piece,
    Problem,
    Ranking,
    Role,
    TokenVectors,
)

__all__ = [
    "Capabilities",
    "Chunker",
    "Encoder",
    "Generator",
    "Observer",
    "ReadLimits",
    "Reader",
    "Reranker",
    "SearchView",
    "TokenEncoder",
    "Tokenizer",
    "VectorStore",
]

Observer: TypeAlias = Callable[[BatchReport], None]


@runtime_checkable
class Tokenizer(Protocol):
    """Cuts text into the tokens of one vocabulary."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) of everything that decides how texts are cut."""

    def spans(self, text: str) -> IntArray:
        """Character offsets of each token, shape (tokens, 2), special tokens left out."""

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens left out, before any truncation."""


@runtime_checkable
class Encoder(Protocol):
    """Turns inputs into vectors whose distances mean something."""

    @property
    def card(self) -> ModelCard:
        """Identity, limits and prompts."""

    @property
    def tokenizer(self) -> Tokenizer:
        """The vocabulary that the model reads, used to size chunks."""

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        """Encode texts.

        Parameters
        ----------
        inputs : sequence of str
            May be empty, may hold empty strings. A bare string is refused.
        role : {"query", "document"}
            Which of the card's prompts is applied.
        observe : callable, optional
            Called after each batch, for progress and for the ledger of truncations.
            Without one, truncation raises a :class:`~nearfield.errors.TruncationWarning`
            that counts.

        Returns
        -------
        ndarray of float32, shape (n, card.dimension), C-contiguous
            Row i belongs to input i. Batch size, order and company of a text never change
            its vector beyond the precision class's bound (``exact``: 1e-5 cosine distance).
        """


@runtime_checkable
class TokenEncoder(Protocol):
    """An encoder that can also show the vector of every token."""

    def encode_tokens(
        self, inputs: Sequence[str], *, role: Role | str = Role.DOCUMENT
    ) -> list[TokenVectors]:
        """Vectors of each token in its context, special tokens and prompts left out."""


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What a reader may take in before it refuses a file or a record.

    Attributes
    ----------
    file_bytes : int
        Largest file that is read whole, after decompression.
    record_bytes : int
        Largest record (line, row, mail) of a file that is read as a stream.
    """

    file_bytes: int = 100_000_000
    record_bytes: int = 10_000_000


class Reader(Protocol):
    """Turns one file into documents."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Lower-case endings it answers for, such as ``(".md", ".markdown")``."""

    def read(self, path: Path, limits: ReadLimits) -> Iterator[Document | Problem]:
        """Stream the file's documents; a bad record becomes a Problem and the rest goes on.

        Raises
        ------
        ReadError
            The file as a whole cannot be read; the message is the reason shown to the user.
        """


class Chunker(Protocol):
    """Cuts a document into passages."""

    @property
    def spec(self) -> str:
        """Name and settings in one line; equal specs cut equal documents equally."""

    def chunk(self, document: Document) -> list[Chunk]:
        """Passages in order of ``start``; ``document.text[c.start:c.end] == c.text``."""


class Generator(Protocol):
    """Writes text that goes on from a conversation."""

    @property
    def name(self) -> str:
        """Short name, such as ``smollm2-135m-instruct``."""

    @property
    def context_tokens(self) -> int | None:
        """Tokens that question, context and answer may have together; None when not known."""

    def count(self, text: str) -> int:
        """Tokens of a text; an estimate that is not too low where the vocabulary is not at hand."""

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 512, stop: Sequence[str] = ()
    ) -> Iterator[Piece]:
        """Write an answer piece by piece; the last piece carries the usage.

        Parameters
        ----------
        messages : sequence of Message
            System message first, if any; the last one is the user's.
        max_tokens : int
            Most tokens of the answer.
        stop : sequence of str
            The answer ends before any of these.
        """


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a store can do; asking for anything else raises UnsupportedOperation.

    Attributes
    ----------
    durable : bool
        Rows survive the process.
    exact : bool
        Search returns the true nearest neighbours.
    filters : bool
        ``where`` is honoured with results equal to filtering in plain Python.
    metrics : frozenset of Metric
        Metrics it can be created with.
    """

    durable: bool
    exact: bool
    filters: bool
    metrics: frozenset[Metric]


_BM25 = BM25()


class SearchView(Protocol):
    """One state of a store, asked several times: what is written meanwhile does not show.

    Search paths name chunks by keys, so that several rankings are fused before any text is fetched.
    """

    @property
    def metric(self) -> Metric:
        """How its vectors are compared."""

    def nearest(
        self, vector: FloatArray, k: int, *, where: Filter | None = None, path: str = "auto"
    ) -> Ranking:
        """The `k` chunks whose vectors are nearest to `vector`, shape (dimension,).

        Raises
        ------
        UnsupportedOperation
            The store has no search path of that name, or not yet.
        """

    def lexical(
        self, text: str, k: int, *, where: Filter | None = None, bm25: BM25 = _BM25
    ) -> Ranking:
        """The `k` chunks that share the rarest words with `text`.

        Raises
        ------
        UnsupportedOperation
            The store has no index of words.
        """

    def scores(self, vector: FloatArray, keys: IntArray) -> FloatArray:
        """How near chunks are to `vector`, exactly; shape (len(keys),)."""

    def lexical_scores(self, text: str, keys: IntArray, *, bm25: BM25 = _BM25) -> FloatArray:
        """BM25 of chunks for `text`; 0 without a common word; shape (len(keys),)."""

    def vectors(self, keys: IntArray) -> FloatArray:
        """Stored vectors, shape (len(keys), dimension)."""

    def chunks(self, keys: IntArray) -> list[Chunk]:
        """The chunks themselves, in the order of `keys`."""

    def keys(self, ids: Sequence[str]) -> IntArray:
        """Keys of chunks by id; UnknownId names the ones that are missing."""


class Reranker(Protocol):
    """Reads a query and a text together and says how well the text answers."""

    @property
    def name(self) -> str:
        """As results and reports call it."""

    def score(self, query: str, texts: Sequence[str]) -> FloatArray:
        """Relevance of each text, shape (len(texts),); higher is better within one call."""


class VectorStore(Protocol):
    """Owns chunks and their vectors, and finds the nearest ones."""

    @property
    def dimension(self) -> int:
        """Length of every vector in it."""

    @property
    def metric(self) -> Metric:
        """How its vectors are compared."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    def add(self, chunks: Sequence[Chunk], vectors: FloatArray) -> None:
        """Add new chunks, all or none.

        Raises
        ------
        DuplicateId
            An id is there already or occurs twice.
        DimensionMismatch, VectorRejected
            Before anything is written.
        """

    def upsert(self, chunks: Sequence[Chunk], vectors: FloatArray) -> None:
        """Add or replace by id, all or none."""

    def delete(self, ids: Sequence[str]) -> int:
        """Delete chunks by id; unknown ids are passed over. Returns how many went."""

    def get(self, ids: Sequence[str]) -> list[Chunk]:
        """Chunks in the order of `ids`; UnknownId names the ones that are missing."""

    def vectors(self, ids: Sequence[str]) -> FloatArray:
        """The stored vectors, shape (len(ids), dimension), in the order of `ids`."""

    def search(
        self, queries: FloatArray, k: int, *, where: Filter | None = None
    ) -> list[list[Hit]]:
        """The `k` nearest chunks of each query, best first.

        Parameters
        ----------
        queries : ndarray of float32, shape (q, dimension)
        k : int
            At least 1; fewer hits come back when fewer chunks match.
        where : Filter, optional
            Only chunks whose ``fields()`` match.

        Returns
        -------
        list of q lists of Hit
            Ties are broken by order of insertion.
        """

    def scan(self, *, where: Filter | None = None) -> Iterator[tuple[Chunk, FloatArray]]:
        """Every chunk with its vector, in order of insertion; an upsert keeps the place."""

    def count(self, *, where: Filter | None = None) -> int:
        """How many chunks there are."""

    def close(self) -> None:
        """Release files and locks; closing twice is harmless."""
