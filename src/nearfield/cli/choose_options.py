"""Options that say what ``choose`` combines with what."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import click

from nearfield.collection.asking import Expansion
from nearfield.errors import InputError
from nearfield.search.options import Mode
from nearfield.selection.candidates import Grid, Prompts, chunkers_of, dimensions_of, storages_of

__all__ = ["AskedGrid", "grid"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class AskedGrid:
    """What the user said about the space of candidates; None where nothing was said."""

    models: tuple[str, ...] | None
    chunkers: str | None
    dimensions: str | None
    precisions: str | None
    prompts: str | None
    storages: str | None
    modes: str | None
    rerankers: str | None
    expansions: str | None
    generator: str | None

    def over(self, usual: Grid) -> Grid:
        found = usual
        if self.chunkers is not None:
            found = replace(found, chunkers=chunkers_of(self.chunkers))
        if self.dimensions is not None:
            found = replace(found, dimensions=dimensions_of(self.dimensions))
        if self.precisions is not None:
            found = replace(found, precisions=_split(self.precisions))
        if self.prompts is not None:
            found = replace(found, prompts=tuple(map(Prompts.of, _split(self.prompts))))
        if self.storages is not None:
            found = replace(found, storages=storages_of(self.storages))
        if self.modes is not None:
            found = replace(found, modes=tuple(map(Mode.of, _split(self.modes))))
        if self.rerankers is not None:
            names = () if self.rerankers == "none" else _split(self.rerankers)
            found = replace(found, rerankers=names)
        if self.expansions is not None:
            asked = map(Expansion.of, _split(self.expansions))
            forms = tuple(form for form in asked if form is not Expansion.NONE)
            found = replace(found, expansions=forms, generator=self._writer() if forms else "")
        return found

    def _writer(self) -> str:
        """What writes: the generator that was named, or the local default."""
        from nearfield.rag.generators.registry import DEFAULT_GENERATOR, default_generator

        name = self.generator or default_generator()
        if name is None:
            raise InputError(
                "forms of a question are written by a generator, and none is here: name one with "
                f"--generator, or run `nearfield models install {DEFAULT_GENERATOR}`"
            )
        return name


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def grid(command: _Command) -> _Command:
    """``--models``, ``--chunkers`` and the like, as one argument ``asked``."""

    @click.option("--models", metavar="A,B", help="Models to try.  [default: every installed one]")
    @click.option(
        "--chunkers",
        metavar="LIST",
        help="Such as recursive:200,sentences:128+16: name, tokens, overlap.",
    )
    @click.option("--dimensions", metavar="LIST", help="Such as full,128.")
    @click.option("--precisions", metavar="LIST", help="auto, exact, fast.")
    @click.option("--prompts", metavar="LIST", help="card, none.")
    @click.option(
        "--storages",
        metavar="LIST",
        help="exact, quantised, graph; quantised:0.9 is tuned to a recall of 0.9.",
    )
    @click.option("--modes", metavar="LIST", help="dense, lexical, hybrid.")
    @click.option("--rerankers", metavar="LIST", help="Names, or none.")
    @click.option(
        "--query-forms",
        "expansions",
        metavar="LIST",
        help="hyde, multi-query, decompose: searched for in the question's place; a generator "
        "writes them, which takes time or money.  [default: none]",
    )
    @click.option("--generator", metavar="NAME", help="Writes the query forms.")
    @functools.wraps(command)
    def wrapper(
        *,
        models: str | None,
        chunkers: str | None,
        dimensions: str | None,
        precisions: str | None,
        prompts: str | None,
        storages: str | None,
        modes: str | None,
        rerankers: str | None,
        expansions: str | None,
        generator: str | None,
        **others: object,
    ) -> object:
        asked = AskedGrid(
            _split(models) if models else None,
            chunkers, dimensions, precisions, prompts, storages, modes, rerankers,
            expansions, generator,
        )  # fmt: skip
        return command(asked=asked, **others)

    return cast("_Command", wrapper)
