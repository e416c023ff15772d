"""The space of pipelines: every combination of what is worth trying, as far as it makes sense."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from nearfield.collection.asking import Expansion
from nearfield.collection.options import Chunking
from nearfield.errors import InputError
from nearfield.models import catalog
from nearfield.models.catalog import Task
from nearfield.models.listing import State, listing
from nearfield.models.resolve import default_model
from nearfield.registry import CHUNKERS
from nearfield.search.options import Mode
from nearfield.selection.pipeline import ModelChoice, Pipeline, SearchChoice, Storage
from nearfield.stores.local import SearchPath
from nearfield.types import ModelCard, Role, Word

__all__ = ["Grid", "NotTried", "Prompts", "chunkers_of", "dimensions_of", "storages_of"]

_MANY = 10_000
"""Passages from which the store makes quantised codes by itself."""


class Prompts(Word):
    """Which prompts go before a text: those of the model's card, or none."""

    CARD = "card"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class NotTried:
    """Something that was left out, and why.

    Attributes
    ----------
    what, why : str
    """

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Grid:
    """What is combined with what.

    Attributes
    ----------
    models : tuple of str
    chunkers : tuple of Chunking
    dimensions : tuple of int or None
        None keeps all; empty means all, and the sizes that a model was trained to be cut to.
    precisions : tuple of str
    prompts : tuple of Prompts
        ``none`` concerns models whose card has prompts.
    storages : tuple of Storage
        Empty means ``exact``, and ``quantised`` beside it for many passages.
    modes : tuple of Mode
    rerankers : tuple of str
        Tried behind the leading candidates.
    expansions : tuple of Expansion
        What `generator` makes of questions; tried behind the leading candidates.
    generator : str
    """

    models: tuple[str, ...]
    chunkers: tuple[Chunking, ...] = (
        Chunking("recursive", 200, 0),
        Chunking("recursive", 100, 0),
        Chunking("sentences", 200, 50),
    )
    dimensions: tuple[int | None, ...] = ()
    precisions: tuple[str, ...] = ("auto",)
    prompts: tuple[Prompts, ...] = (Prompts.CARD, Prompts.NONE)
    storages: tuple[Storage, ...] = ()
    modes: tuple[Mode, ...] = (Mode.DENSE, Mode.LEXICAL, Mode.HYBRID)
    rerankers: tuple[str, ...] = ()
    expansions: tuple[Expansion, ...] = ()
    generator: str = ""

    @classmethod
    def installed(cls) -> Grid:
        """Every installed model of texts, and the default reranker where it is installed.

        Raises
        ------
        InputError
            No model is installed.
        """
        there = [status for status in listing() if status.state is State.INSTALLED]
        models = [status.name for status in there if status.task in (Task.TEXT, None)]
        models = models or [status.name for status in there if status.task is Task.WORDS]
        if not models:
            raise InputError(
                f"no model is installed: run `nearfield models install {default_model()}`"
            )
        return cls.of(tuple(models))

    @classmethod
    def of(cls, models: tuple[str, ...]) -> Grid:
        """Some models, and the default reranker where it is installed."""
        from nearfield.models.rerank import DEFAULT_RERANKER

        there = any(s.name == DEFAULT_RERANKER and s.state is State.INSTALLED for s in listing())
        return cls(models, rerankers=(DEFAULT_RERANKER,) if there else ())

    def pipelines(
        self, cards: Mapping[tuple[str, str], ModelCard], passages: int
    ) -> tuple[list[Pipeline], list[NotTried]]:
        """All combinations that make sense: first every model with the first of everything else.

        So where time runs out, what is missing are variants and not whole models.

        Parameters
        ----------
        cards : mapping of (str, str) to ModelCard
            By model and precision asked for; models without one are left out.
        passages : int
            Passages that there will be, about.
        """
        found: dict[str, tuple[int, Pipeline]] = {}
        left: list[NotTried] = []
        storages = self.storages or self._storages(passages)
        spaces = [pair for pair in product(self.models, self.precisions) if pair in cards]
        for place, (model, precision) in enumerate(spaces):
            card = cards[model, precision]
            choices, refused = self._choices(model, precision, card)
            left += refused
            for choice, chunking, storage, mode in product(
                choices, self.chunkers, storages, self.modes
            ):
                depth = (
                    choices.index(choice) + self.chunkers.index(chunking) + storages.index(storage)
                )
                if mode is Mode.LEXICAL:
                    # Words need no model; the first one, which is the fastest, carries them.
                    if place or choice != choices[0] or storage != storages[0]:
                        continue
                    plain = Storage(path=SearchPath.EXACT)
                    pipeline = Pipeline(choice, chunking, plain, SearchChoice(mode=mode))
                else:
                    pipeline = Pipeline(choice, chunking, storage, SearchChoice(mode=mode))
                found.setdefault(pipeline.key, (depth, pipeline))
        ordered = sorted(found.values(), key=lambda pair: pair[0])
        return [pipeline for _, pipeline in ordered], left

    def _choices(
        self, model: str, precision: str, card: ModelCard
    ) -> tuple[list[ModelChoice], list[NotTried]]:
        """How one model can be used."""
        sizes: Sequence[int | None] = self.dimensions
        if not sizes:
            entry = catalog.get(model)
            trained = entry.matryoshka if entry is not None else ()
            sizes = (None, *sorted((s for s in trained if s < card.dimension), reverse=True)[:1])
        refused = [
            NotTried(f"{model}@{size}", f"it has {card.dimension} dimensions")
            for size in sizes
            if size is not None and size > card.dimension
        ]
        sizes = [
            s if s != card.dimension else None for s in sizes if s is None or s <= card.dimension
        ]
        bare = not any(card.prompts.values())
        both = all(card.prompts.get(role) for role in Role)
        choices = []
        for size, prompts in product(dict.fromkeys(sizes), self.prompts):
            if prompts is Prompts.NONE and (bare or both):
                if both:
                    refused.append(NotTried(f"{model} without prompts", "it prompts every input"))
                if Prompts.CARD in self.prompts:
                    continue
            none = prompts is Prompts.NONE and not bare and not both
            choices.append(
                ModelChoice(
                    model,
                    size,
                    precision,
                    query_prompt="" if none else None,
                    document_prompt="" if none else None,
                )
            )
        return choices, refused

    def _storages(self, passages: int) -> tuple[Storage, ...]:
        exact = Storage(path=SearchPath.EXACT)
        return (exact, Storage(path=SearchPath.QUANTISED)) if passages > _MANY else (exact,)


def chunkers_of(text: str) -> tuple[Chunking, ...]:
    """Read chunkers.

    Examples
    --------
    >>> [str(each) for each in chunkers_of("recursive:200,sentences:128+16")]
    ['recursive, 200 tokens, overlap 0', 'sentences, 128 tokens, overlap 16']
    """
    found = []
    for part in _parts(text):
        name, _, limits = part.partition(":")
        size, _, overlap = limits.partition("+")
        CHUNKERS.part(name)
        found.append(Chunking(name, _number(size or "200", part), _number(overlap or "0", part)))
    return tuple(found)


def storages_of(text: str) -> tuple[Storage, ...]:
    """Read storages: a search path, and for the faster ones the recall they are tuned to.

    Examples
    --------
    >>> [str(each) for each in storages_of("exact,quantised:0.95,graph")]
    ['exact', 'quantised, recall 0.95', 'graph']
    """
    found = []
    for part in _parts(text):
        path, _, recall = part.partition(":")
        try:
            found.append(Storage(path=SearchPath.of(path), recall=float(recall or 0.99)))
        except ValueError as error:
            raise InputError(f"{part!r} is no storage: {error}") from None
    return tuple(found)


def dimensions_of(text: str) -> tuple[int | None, ...]:
    """Read dimensions.

    Examples
    --------
    >>> dimensions_of("full,128")
    (None, 128)
    """
    return tuple(None if part == "full" else _number(part, part) for part in _parts(text))


def _parts(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise InputError("a list is empty: name at least one, separated by commas")
    return parts


def _number(text: str, whole: str) -> int:
    if not text.isdecimal():
        raise InputError(f"{text!r} in {whole!r} is no whole number")
    return int(text)
