"""Options that say how to search, shared by commands that do."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import click

from nearfield.collection.defaults import SearchDefaults
from nearfield.search.options import Fusion, Mode, SearchOptions

__all__ = ["Asked", "mode"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Asked:
    """How to search, as a person asked for it.

    Attributes
    ----------
    mode : str or None
        None where nothing was said: the collection's own defaults hold.
    rerank : str, bool or None
        Name of a reranker, True for the default one, None for none.
    options : SearchOptions
        The rest.
    """

    mode: str | None = None
    rerank: str | bool | None = None
    options: SearchOptions = field(default_factory=SearchOptions)

    def over(self, defaults: SearchDefaults) -> Asked:
        """What was asked for, and the collection's defaults where nothing was."""
        if self.mode is None and self.options == SearchOptions():
            mode, rerank = defaults.options.mode.value, self.rerank or defaults.rerank or None
            return Asked(mode, rerank, defaults.options)
        return replace(self, mode=self.mode or Mode.DENSE.value)


def mode(command: _Command) -> _Command:
    """``--mode``, ``--rerank``, ``--diversity`` and the like, as one argument ``asked``."""

    @click.option(
        "--mode",
        type=click.Choice([each.value for each in Mode]),
        help="Compare meanings (dense, the default), words, both, learned word weights, or token "
        "by "
        "token.",
    )
    @click.option("--rerank", is_flag=True, help="Read the best hits again with the question.")
    @click.option("--reranker", metavar="NAME", help="Reranker to use instead of the default one.")
    @click.option(
        "--fusion",
        type=click.Choice([each.value for each in Fusion]),
        default=SearchOptions().fusion.value,
        show_default=True,
        help="How mode hybrid mixes: scores, or reciprocal ranks.",
    )
    @click.option(
        "--diversity",
        type=click.FloatRange(0, 1),
        default=0.0,
        show_default=True,
        help="From 0, relevance alone, to 1, difference alone.",
    )
    @click.option("--group-by", metavar="FIELD", help="One hit for each document, author …")
    @click.option(
        "--per-group",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Hits of one group.",
    )
    @functools.wraps(command)
    def wrapped(
        *args: Any,  # noqa: ANN401  whatever the command takes
        mode: str | None,
        rerank: bool,
        reranker: str | None,
        fusion: str,
        diversity: float,
        group_by: str | None,
        per_group: int,
        **kwargs: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        options = SearchOptions(
            fusion=Fusion(fusion), diversity=diversity, group_by=group_by, per_group=per_group
        )
        asked = Asked(mode, reranker or rerank or None, options)
        return command(*args, asked=asked, **kwargs)

    return wrapped  # type: ignore[return-value]
