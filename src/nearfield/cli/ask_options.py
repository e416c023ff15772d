"""Options that say how to answer, shared by commands that ask."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click

from nearfield.collection.asking import AskOptions, Expansion, Unsupported
from nearfield.search.options import Mode, SearchOptions

__all__ = ["Asking", "asking"]

_Command = TypeVar("_Command", bound=Callable[..., Any])
_READ_AGAIN = 10


@dataclass(frozen=True, slots=True)
class Asking:
    """How to answer, as a person asked for it.

    Attributes
    ----------
    generator : str or None
        None for the local default where it is installed, else ``extractive``.
    options : AskOptions
    """

    generator: str | None = None
    options: AskOptions = field(default_factory=AskOptions)


def asking(command: _Command) -> _Command:
    """``-k``, ``--generator``, ``--mode`` and the like, as one argument ``asking``."""

    @click.option(
        "-g",
        "--generator",
        metavar="NAME",
        help="extractive, smollm2-135m-instruct, a GGUF file, openai:MODEL, anthropic:MODEL.",
    )
    @click.option("-k", default=5, show_default=True, type=click.IntRange(min=1), help="Passages.")
    @click.option(
        "--mode",
        type=click.Choice([each.value for each in Mode]),
        default=Mode.HYBRID.value,
        show_default=True,
        help="How passages are found.",
    )
    @click.option("--rerank", is_flag=True, help="Read the best passages again with the question.")
    @click.option(
        "--read/--no-read",
        default=None,
        help="Judge the best passages, and find short answers, by reading them; by default where "
        "the reranker is installed.",
    )
    @click.option(
        "--expansion",
        type=click.Choice([each.value for each in Expansion]),
        default=Expansion.NONE.value,
        show_default=True,
        help="What a generator makes of the question before the search.",
    )
    @click.option(
        "--neighbours", default=0, type=click.IntRange(min=0), help="Passages around each."
    )
    @click.option(
        "--context-tokens",
        type=click.IntRange(min=1),
        help="Most tokens of all passages; by default 1500, for small local models 500.",
    )
    @click.option("--threshold", type=click.FloatRange(0, 1), help="Least confidence.")
    @click.option("--drop-unsupported", is_flag=True, help="Leave out sentences without a source.")
    @click.option("--prompts", default="auto", metavar="NAME|FILE", help="Prompts in TOML.")
    @functools.wraps(command)
    def collected(
        *args: Any,  # noqa: ANN401  whatever the command takes
        generator: str | None,
        k: int,
        mode: str,
        rerank: bool,
        read: bool | None,
        expansion: str,
        neighbours: int,
        context_tokens: int | None,
        threshold: float | None,
        drop_unsupported: bool,
        prompts: str,
        **kwargs: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        chosen = AskOptions(
            search=SearchOptions(k=k, mode=Mode(mode), candidates=_READ_AGAIN if rerank else 50),
            rerank=rerank or None,
            read=read,
            expansion=Expansion(expansion),
            neighbours=neighbours,
            context_tokens=context_tokens,
            threshold=threshold,
            unsupported=Unsupported.DROP if drop_unsupported else Unsupported.MARK,
            prompts=prompts,
        )
        return command(*args, asking=Asking(generator, chosen), **kwargs)

    return collected  # type: ignore[return-value]
