"""Options that several commands share, spelled once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["as_json", "existing", "max_cost", "model", "precision", "where"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def as_json(command: _Command) -> _Command:
    """``--json``: print one JSON document instead of text."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def model(command: _Command) -> _Command:
    """``--model`` and ``--dimensions``."""
    command = click.option(
        "--dimensions",
        type=click.IntRange(min=1),
        help="Keep only the first so many components, renormalised.",
    )(command)
    return click.option("-m", "--model", metavar="NAME", help="Model name, folder or hf:org/name.")(
        command
    )


def precision(command: _Command) -> _Command:
    """``--precision``: how exactly a model is computed."""
    return click.option(
        "--precision",
        type=click.Choice(["auto", "exact", "fast"]),
        default="auto",
        show_default=True,
        help="exact: fp32; fast: bf16; auto: fast where it is as good, or the collection's own.",
    )(command)


def max_cost(command: _Command) -> _Command:
    """``--max-cost``: a cap for what hosted models may cost."""

    def set_cap(context: click.Context, parameter: click.Parameter, value: float | None) -> None:
        if value is not None:
            from nearfield.models import remote

            remote.cap(value)

    return click.option(
        "--max-cost",
        type=click.FloatRange(min=0),
        metavar="DOLLARS",
        expose_value=False,
        callback=set_cap,
        help="Most US dollars that hosted models may cost; stops before.",
    )(command)


def where(command: _Command) -> _Command:
    """``--where``: a filter."""
    return click.option(
        "-w", "--where", metavar="FILTER", help="Such as 'lang = \"en\" and year >= 2020'."
    )(command)


def existing(path: str) -> Path:
    """Check that a path exists, with a message for people."""
    found = Path(path).expanduser()
    if not found.exists():
        raise click.BadParameter(f"{path} does not exist")
    return found
