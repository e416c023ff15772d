"""How to answer, as one value, and who answers: a room above, found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from nearfield.errors import InputError
from nearfield.protocols import Generator
from nearfield.registry import ANSWERERS
from nearfield.search.options import Mode, SearchOptions
from nearfield.types import Answer, Message, Piece, Word

if TYPE_CHECKING:
    from nearfield.collection.reader import CollectionReader

__all__ = ["Answering", "AskOptions", "Expansion", "Order", "Unsupported", "answerer"]


class Expansion(Word):
    """What a generator makes of a question before it is searched for.

    ``none`` searches for the question itself; ``multi-query`` for several wordings of it;
    ``hyde`` for a made-up answer, which is nearer to passages than a question is (Gao et al. 2023,
    https://aclanthology.org/2023.acl-long.99/); ``decompose`` for its parts.
    """

    NONE = "none"
    MULTI_QUERY = "multi-query"
    HYDE = "hyde"
    DECOMPOSE = "decompose"


class Order(Word):
    """Where passages stand in the prompt.

    ``ends`` puts the best first and last and the worst in the middle, which language models read
    least (Liu et al. 2024, https://aclanthology.org/2024.tacl-1.9/); ``rank`` keeps the ranking;
    ``document`` is the order of the documents' own texts.
    """

    ENDS = "ends"
    RANK = "rank"
    DOCUMENT = "document"


class Unsupported(Word):
    """What becomes of a sentence that no passage supports."""

    MARK = "mark"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class AskOptions:
    """Everything about an answer but the question, the generator and the history.

    Attributes
    ----------
    search : SearchOptions
        How passages are found.
    rerank : str, bool or None
        Read the best candidates again: True for the default reranker, or its name. Not with the
        expansion ``hyde``.
    read : bool or None
        Let a reader judge the best passages and find short answers in them: it is made of the
        default reranker, and None reads where that is installed.
    context_tokens : int or None
        Most tokens of all passages together, counted by the generator; None for as many as the
        prompts say, 1,500 or, for small models, 500.
    answer_tokens : int
        Most tokens of the answer.
    neighbours : int
        Passages of the same document that are added before and after each one that was found.
    order : Order
    expansion : Expansion
    unsupported : Unsupported
    threshold : float or None
        Least confidence, in [0, 1], at which an answer is given; None for the one that was learned,
        0 to answer always.
    prompts : str
        Name of a set of prompts that the package carries, or the path of a TOML file; ``auto``
        takes the set ``small`` for a local model of a few hundred million parameters, else
        ``default``.
    sentences : int
        Most sentences of an extractive answer; where passages are read and the confidence is at
        least 0.5, the only one is cut to the words that answer.
    """

    search: SearchOptions = field(default_factory=lambda: SearchOptions(k=5, mode=Mode.HYBRID))
    rerank: str | bool | None = None
    read: bool | None = None
    context_tokens: int | None = None
    answer_tokens: int = 256
    neighbours: int = 0
    order: Order = Order.ENDS
    expansion: Expansion = Expansion.NONE
    unsupported: Unsupported = Unsupported.MARK
    threshold: float | None = None
    prompts: str = "auto"
    sentences: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", Order.of(self.order))
        object.__setattr__(self, "expansion", Expansion.of(self.expansion))
        object.__setattr__(self, "unsupported", Unsupported.of(self.unsupported))
        for name in ("context_tokens", "answer_tokens", "sentences"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} is {value}: expected at least 1")
        if self.expansion is Expansion.HYDE and self.rerank:
            raise InputError(
                "a made-up passage is searched for by its vector, and the hits of a vector are not "
                f"reranked: leave out the expansion {self.expansion} or rerank"
            )
        if self.neighbours < 0:
            raise InputError(f"neighbours is {self.neighbours}: expected 0 or more")
        if self.threshold is not None and not 0.0 <= self.threshold <= 1.0:
            raise InputError(f"threshold is {self.threshold}: expected a probability from 0 to 1")


class Answering(Protocol):
    """Answers questions about one collection."""

    @property
    def name(self) -> str:
        """Of what writes the answers."""

    def ask(
        self, question: str, *, history: Sequence[Message] = (), options: AskOptions | None = None
    ) -> Answer:
        """Answer a question."""

    def stream(
        self, question: str, *, history: Sequence[Message] = (), options: AskOptions | None = None
    ) -> Iterator[Piece | Answer]:
        """Answer piece by piece; the answer itself comes last."""


_Made: TypeAlias = "Callable[[CollectionReader, Generator | str | None], Answering]"


def answerer(collection: CollectionReader, generator: Generator | str | None) -> Answering:
    """What answers questions about a collection; no model is loaded before the first one."""
    return cast("_Made", ANSWERERS.load("passages"))(collection, generator)
