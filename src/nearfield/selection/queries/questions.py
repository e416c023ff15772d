"""What question making gives: a task, and everything about how it came to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from nearfield.evaluation.tasks import RetrievalTask
from nearfield.types import Word

__all__ = ["Kind", "Questions", "Reject", "Span"]


class Kind(Word):
    """What a question was made of.

    ``title`` asks a document's title for its body, ``heading`` a heading for its section, and
    ``sentence`` a sentence for the passage around it, each taken out of what is searched.
    ``generated`` has a language model ask about a passage, which stays whole.
    """

    TITLE = "title"
    HEADING = "heading"
    SENTENCE = "sentence"
    GENERATED = "generated"


class Reject(Word):
    """Why a draft is no question."""

    TOO_SHORT = "too few telling words"
    NO_PROSE = "no prose"
    BOILERPLATE = "boilerplate"
    DUPLICATE = "stands elsewhere too"
    AMBIGUOUS = "many passages answer it"
    VERBATIM = "stands in its own answer"
    MALFORMED = "no question was written"


class Span(NamedTuple):
    """Where an answer stands in a document of the task: characters, half open."""

    document: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Questions:
    """Questions that documents ask about themselves.

    Attributes
    ----------
    task : RetrievalTask
        Every document, changed where something was taken out to be asked; each question's one
        relevant document is the one it was made of.
    spans : mapping of str to Span
        Question id → where its answer stands in the changed document. Of a sentence that is the
        sentences before and after it.
    kinds : mapping of str to Kind
        Question id → what it was made of.
    rejected : mapping of Reject to int
        How many drafts were left out, by reason.
    drafted : int
        Drafts that were judged; the rest became questions.
    """

    task: RetrievalTask
    spans: Mapping[str, Span]
    kinds: Mapping[str, Kind]
    rejected: Mapping[Reject, int]
    drafted: int

    def of(self, kind: Kind | str) -> tuple[str, ...]:
        """Ids of the questions of one kind."""
        wanted = Kind.of(kind)
        return tuple(id_ for id_, found in self.kinds.items() if found is wanted)

    def summary(self) -> str:
        """One line for a person.

        Examples
        --------
        >>> task = RetrievalTask("t", {}, {}, {})
        >>> Questions(task, {}, {"s-0": Kind.SENTENCE}, {Reject.DUPLICATE: 2}, 3).summary()
        '1 question (1 sentence); 2 of 3 drafts left out: 2 stands elsewhere too'
        """
        kinds = Counter(self.kinds.values())
        made = ", ".join(f"{kinds[kind]} {kind}" for kind in Kind if kinds[kind])
        noun = "question" if len(self.kinds) == 1 else "questions"
        first = f"{len(self.kinds):,} {noun} ({made})" if made else "no questions"
        out = sum(self.rejected.values())
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in self.rejected.items())
        return f"{first}; {out:,} of {self.drafted:,} drafts left out: {reasons}" if out else first
