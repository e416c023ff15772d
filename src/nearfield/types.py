"""The data that travels: frozen dataclasses from a file on disk to a hit on screen.

Nothing here computes; everything here can be compared, hashed by value where its fields
can, and printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from nearfield.errors import InputError

__all__ = [
    "BM25",
    "FILE_FIELD",
    "Answer",
    "BatchReport",
    "Chunk",
    "Citation",
    "Document",
    "FloatArray",
    "Hit",
    "IntArray",
    "Message",
    "Metadata",
    "MetadataValue",
    "Modality",
    "ModelCard",
    "Piece",
    "Problem",
    "Ranking",
    "Role",
    "Section",
    "SectionKind",
    "Speaker",
    "Statement",
    "TokenVectors",
    "Usage",
    "Word",
]

FloatArray: TypeAlias = npt.NDArray[np.float32]
IntArray: TypeAlias = npt.NDArray[np.int64]
Scalar: TypeAlias = str | int | float | bool
MetadataValue: TypeAlias = Scalar | Sequence[Scalar] | None
Metadata: TypeAlias = Mapping[str, MetadataValue]


FILE_FIELD = "_source"
"""Name under which filters see a chunk's source whatever its metadata calls ``source``."""


def _setters(cls: type, first: int, last: int) -> list[Callable[[object, object], None]]:
    """What sets the fields of a slotted dataclass, frozen or not."""
    return [cls.__dict__[each.name].__set__ for each in fields(cls)[first:last]]


class Word(StrEnum):
    """Base of enums whose members callers may name by a plain word."""

    @classmethod
    def of(cls, value: str) -> Self:
        """The member that a caller's word names.

        Raises
        ------
        InputError
            It names none; the message lists those there are.

        Examples
        --------
        >>> Role.of("query")
        <Role.QUERY: 'query'>
        """
        try:
            return cls(value)
        except ValueError:
            noun = re.findall("[A-Z][a-z]*", cls.__name__)[-1].lower()  # SearchPath: path
            raise InputError(f"{noun} is {value!r}, expected one of {', '.join(cls)}") from None


class Role(Word):
    """What a text is to the model: asymmetric models prompt the two sides differently."""

    QUERY = "query"
    DOCUMENT = "document"


class Modality(StrEnum):
    """What an encoder takes."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"


class SectionKind(StrEnum):
    """Why a span of a document belongs together."""

    HEADING = "heading"
    PAGE = "page"
    SLIDE = "slide"
    SHEET = "sheet"
    SYMBOL = "symbol"
    CELL = "cell"


@dataclass(frozen=True, slots=True)
class Section:
    """A span of a document's text that belongs together.

    Attributes
    ----------
    start, end : int
        Character offsets into ``Document.text``, half open. A heading's span starts at the
        heading itself and ends where the next heading of the same or a higher rank starts.
    kind : SectionKind
        Heading, page, function …
    title : str
        Heading text, symbol name, sheet name; for a page the printed number as text.
    level : int
        1 is the highest rank; nested sections have greater levels.
    """

    start: int
    end: int
    kind: SectionKind
    title: str = ""
    level: int = 1


@dataclass(frozen=True, slots=True)
class Document:
    """One readable unit: a file, a row of a JSONL file, a mail of a mailbox.

    Attributes
    ----------
    id : str
        Unique in a collection; for files ``source``, for records ``source::record``.
    text : str
        The text that every offset below counts in (Unicode code points).
    source : str
        Where it came from: an absolute path, or empty for texts that were added by hand.
    title : str
        Title as the document states it; empty when it states none.
    sections : tuple of Section
        Headings, pages, functions; in order of ``start``.
    metadata : mapping
        Values that filters can ask for.
    """

    id: str
    text: str
    source: str = ""
    title: str = ""
    sections: tuple[Section, ...] = ()
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read, with the reason; the rest goes on.

    Attributes
    ----------
    source : str
        File, or ``file::record`` where one record of many is bad.
    reason : str
        One line for a person.
    """

    source: str
    reason: str


@dataclass(frozen=True, slots=True, init=False)
class Chunk:
    """A passage: the unit that is embedded, stored and found.

    Attributes
    ----------
    id : str
        Unique in a collection and the same again when the same text is chunked the same
        way: ``{document_id}#{start}-{end}``.
    document_id : str
        The document it was cut from.
    text : str
        Exactly ``document.text[start:end]``.
    start, end : int
        Character offsets into the document's text, half open.
    source : str
        The document's source.
    headings : tuple of str
        Path of titles down to this passage, outermost first; the document's title leads.
    page : int or None
        Page or slide the passage starts on, from 1.
    metadata : mapping
        The document's metadata.
    """

    id: str
    document_id: str
    text: str
    start: int
    end: int
    source: str = ""
    headings: tuple[str, ...] = ()
    page: int | None = None
    metadata: Metadata = field(default_factory=dict)

    # Every hit is a chunk: a frozen dataclass's own __init__ takes twice as long.
    def __init__(
        self,
        id: str,
        document_id: str,
        text: str,
        start: int,
        end: int,
        source: str = "",
        headings: tuple[str, ...] = (),
        page: int | None = None,
        metadata: Metadata | None = None,
    ) -> None:
        _set_id(self, id)
        _set_document_id(self, document_id)
        _set_text(self, text)
        _set_start(self, start)
        _set_end(self, end)
        _set_source(self, source)
        _set_headings(self, headings)
        _set_page(self, page)
        _set_metadata(self, {} if metadata is None else metadata)

    def fields(self) -> dict[str, MetadataValue]:
        """Return what a filter sees: the built-in names, overlaid by the metadata.

        Only ``_source`` is never overlaid.

        Examples
        --------
        >>> Chunk("a#0-2", "a", "Hi", 0, 2, "a", page=3, metadata={"lang": "en"}).fields()
        {'id': 'a#0-2', 'document': 'a', 'source': 'a', 'heading': (), 'page': 3, 'lang': 'en',
         '_source': 'a'}
        """
        return {
            "id": self.id,
            "document": self.document_id,
            "source": self.source,
            "heading": self.headings,
            "page": self.page,
            **self.metadata,
            FILE_FIELD: self.source,
        }


_set_id, _set_document_id, _set_text, _set_start, _set_end = _setters(Chunk, 0, 5)
_set_source, _set_headings, _set_page, _set_metadata = _setters(Chunk, 5, 9)


@dataclass(frozen=True, slots=True, init=False)
class Hit:
    """One search result.

    Attributes
    ----------
    chunk : Chunk
        The passage.
    score : float
        Higher is closer, whatever the metric: cosine in [-1, 1], dot product, or the
        negated Euclidean distance.
    rank : int
        From 1.
    path : str
        The search path that found it, such as ``"exact"``.
    parts : mapping of str to float
        Where several paths were asked, the score that each of them gave.
    confidence : float or None
        Probability, in [0, 1], that a hit of this score is relevant; None where the collection is
        not calibrated.
    """

    chunk: Chunk
    score: float
    rank: int
    path: str
    parts: Mapping[str, float] = field(default_factory=dict)
    confidence: float | None = None

    def __init__(
        self,
        chunk: Chunk,
        score: float,
        rank: int,
        path: str,
        parts: Mapping[str, float] | None = None,
        confidence: float | None = None,
    ) -> None:
        _set_chunk(self, chunk)
        _set_score(self, score)
        _set_rank(self, rank)
        _set_path(self, path)
        _set_parts(self, {} if parts is None else parts)
        _set_confidence(self, confidence)


_set_chunk, _set_score, _set_rank, _set_path, _set_parts, _set_confidence = _setters(Hit, 0, 6)


@dataclass(frozen=True, slots=True)
class Ranking:
    """What one search path found, before any text is fetched.

    Attributes
    ----------
    keys : ndarray of int64, shape (n,)
        A store's own names of chunks, good within one view of it, best first.
    scores : ndarray of float32, shape (n,)
        Higher is closer.
    path : str
        How they were found, such as ``"exact"`` or ``"lexical"``.
    """

    keys: IntArray
    scores: FloatArray
    path: str


@dataclass(frozen=True, slots=True)
class BM25:
    """How a search by words weighs; see :mod:`nearfield.lexical.scoring` for the formula.

    Attributes
    ----------
    k1 : float
        Saturation of frequencies, ≥ 0. 1.2 is Lucene's, 0.9 Anserini's.
    b : float
        Weight of the text's length, 0 to 1. 0.75 is Lucene's, 0.4 Anserini's.
    inside : float
        Weight of longer words that contain a word, and of words that one is made of, relative to
        the word itself, 0 to 1; 0 looks for none.

    Raises
    ------
    InputError
        One is out of its range.
    """

    k1: float = 1.2
    b: float = 0.75
    inside: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.k1 < float("inf"):
            raise InputError(f"k1 is {self.k1}, expected a number of at least 0")
        for name in ("b", "inside"):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                raise InputError(f"{name} is {share}, expected a number from 0 to 1")


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What one batch of encoding did; callers add these up.

    Attributes
    ----------
    indices : tuple of int
        Positions of the batch's texts in the call's inputs.
    tokens : int
        Tokens that went through the model, special tokens and prompts included.
    truncated : tuple of int
        Positions in the call's inputs of the texts whose tails were cut.
    empty : tuple of int
        Positions of texts without a single token of their own.
    """

    indices: tuple[int, ...]
    tokens: int
    truncated: tuple[int, ...] = ()
    empty: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """The contextual vector of every token of one text.

    Attributes
    ----------
    tokens : tuple of str
        Tokens as the vocabulary spells them, special tokens left out.
    spans : ndarray of int64, shape (tokens, 2)
        Character offsets of each token in the text, half open.
    vectors : ndarray of float32, shape (tokens, hidden)
        Last hidden state (contextual models) or table row (static models).
    """

    tokens: tuple[str, ...]
    spans: IntArray
    vectors: FloatArray


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Who an encoder is: enough to reproduce its vectors, and to refuse to mix them.

    Attributes
    ----------
    name : str
        Short name, such as ``all-MiniLM-L6-v2``.
    dimension : int
        Length of the vectors that ``encode`` returns.
    max_tokens : int or None
        Longest input in tokens, special tokens included; None when unlimited.
    fingerprint : str
        64 hexadecimal characters: SHA-256 over weights, tokenizer, pooling, prompts,
        dimension, normalisation and precision class. Equal fingerprints, equal space.
    normalised : bool
        Whether vectors have unit Euclidean length.
    prompts : mapping of Role to str
        Text put before an input of that role by the encoder itself.
    modality : Modality
        What it takes.
    licence : str
        SPDX identifier, or empty where the files state none.
    parameters : int
        Number of weights.
    size_bytes : int
        Size of the weights on disk.
    precision : str
        Precision class, such as ``exact`` (fp32).
    runtime : str
        What computes, such as ``onnxruntime``.
    source : str
        Folder or package the files came from.
    identity : str
        Like `fingerprint` but without the precision class: models of one identity are the same
        model, computed more or less exactly. Empty where a model has a single class.
    """

    name: str
    dimension: int
    max_tokens: int | None
    fingerprint: str
    normalised: bool
    prompts: Mapping[Role, str] = field(default_factory=dict)
    modality: Modality = Modality.TEXT
    licence: str = ""
    parameters: int = 0
    size_bytes: int = 0
    precision: str = "exact"
    runtime: str = ""
    source: str = ""
    identity: str = ""


class Speaker(Word):
    """Who says a message of a conversation."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation with a generator.

    Attributes
    ----------
    speaker : Speaker
    text : str
    """

    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer, or a batch of vectors, took.

    Attributes
    ----------
    input_tokens, output_tokens : int
        As the model counts them.
    cost : float or None
        In US dollars; None where nothing is charged or the price is not known.
    """

    input_tokens: int
    output_tokens: int = 0
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a generated text, as it comes.

    Attributes
    ----------
    text : str
        May be empty in the last piece.
    usage : Usage or None
        Of the whole text; in the last piece only.
    """

    text: str
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Citation:
    """A place in a stored passage that an answer rests on.

    Attributes
    ----------
    number : int
        As the answer writes it, ``[1]``; numbers count from 1 in the order of first use.
    chunk_id, document_id, source : str
        The passage, its document, and the file that it comes from.
    start, end : int
        Character offsets into the document's text, half open, inside of the passage.
    quote : str
        Exactly the document's text there: data of a stranger, to be escaped where it is shown.
    headings : tuple of str
        Path of titles down to the passage.
    page : int or None
        Page that the passage starts on.
    verified : bool
        Whether the quote was found at these offsets in the passage as it is stored.
    """

    number: int
    chunk_id: str
    document_id: str
    source: str
    start: int
    end: int
    quote: str
    headings: tuple[str, ...] = ()
    page: int | None = None
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of an answer and what it rests on.

    Attributes
    ----------
    text : str
        Without citation marks.
    citations : tuple of int
        Numbers of citations; empty where nothing supports it.
    support : float
        Probability, in [0, 1], that the cited places say this.
    supported : bool
        Whether that is enough.
    """

    text: str
    citations: tuple[int, ...] = ()
    support: float = 0.0
    supported: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found out about a question, and from where.

    Attributes
    ----------
    question : str
        As it was asked.
    text : str
        Plain text with marks such as ``[1]``; links and markup of the model are made inert.
    statements : tuple of Statement
        The sentences of the text.
    citations : tuple of Citation
        In order of their numbers.
    abstained : bool
        Whether the passages seem not to hold an answer, so that none was given.
    confidence : float or None
        Probability, in [0, 1], that the passages hold an answer; None where it was not judged.
    nearest : tuple of Hit
        The passages that were found, best first, whether they were used or not.
    generator : str
        Name of what wrote the text; empty where nothing did.
    usage : Usage or None
        Tokens and cost, where a model wrote it.
    queries : tuple of str
        What was searched for: the question itself, or what it was rewritten to.
    left_out : mapping of str to int
        Counts by reason: passages that repeat others, that found no room, that were cut; sentences
        that were said twice, and those that nothing supports, where these are dropped.
    seconds : mapping of str to float
        Wall time by step.
    """

    question: str
    text: str
    statements: tuple[Statement, ...] = ()
    citations: tuple[Citation, ...] = ()
    abstained: bool = False
    confidence: float | None = None
    nearest: tuple[Hit, ...] = ()
    generator: str = ""
    usage: Usage | None = None
    queries: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
