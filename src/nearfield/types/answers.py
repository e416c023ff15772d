"""Conversations with generators, and answers with their sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nearfield.types.models import Usage
from nearfield.types.search import Hit
from nearfield.types.words import Speaker

__all__ = ["Answer", "Citation", "Message", "Piece", "Statement"]


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
