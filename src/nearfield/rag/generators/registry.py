"""Which generators there are, and how a name becomes one.

A name is a local model (``smollm2-135m-instruct``, or the path of a GGUF file), or the kind of an
endpoint and its own model after a colon (``openai:gpt-4o-mini``). Each kind's loader takes what
stands after the colon. Other packages add kinds through entry points of the group
``nearfield.generators``.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import cast

from nearfield.errors import UnknownName
from nearfield.models.catalog import CATALOG, Task, get
from nearfield.models.resolve import known_location
from nearfield.protocols import Generator
from nearfield.registry import Part, Registry, suggest

__all__ = ["DEFAULT_GENERATOR", "GENERATORS", "default_generator", "is_local", "load"]

DEFAULT_GENERATOR = "smollm2-135m-instruct"
"""The local model that answers where nothing else is named and it is installed."""

_LOCAL = "llama"

GENERATORS = Registry(
    "generators",
    {
        _LOCAL: Part("nearfield.rag.generators.llama:load", "rag"),
        "openai": Part("nearfield.rag.generators.openai:load", "remote"),
        "anthropic": Part("nearfield.rag.generators.anthropic:load", "remote"),
    },
)
"""Loaders by kind: each takes the model's name and returns a Generator."""


def load(name: str) -> Generator:
    """Open a generator.

    Parameters
    ----------
    name : str
        A local model of the catalog, the path of a GGUF file, or ``kind:model`` such as
        ``openai:gpt-4o-mini``, ``anthropic:claude-sonnet-4-5`` or ``llama:model.gguf``.

    Raises
    ------
    UnknownName
        No generator is called that.
    MissingExtra, ModelNotInstalled
        A package or the model's files are not here.
    """
    kind, colon, model = name.partition(":")
    if not colon or kind not in GENERATORS.names():
        entry = get(name)
        if not name.lower().endswith(".gguf") and (
            entry is None or entry.task is not Task.GENERATE
        ):
            local = [e.name for e in CATALOG.values() if e.task is Task.GENERATE]
            kinds = [f"{each}:MODEL" for each in GENERATORS.names()]
            raise UnknownName(
                f"no generator is called {name!r}; {suggest(name, ['extractive', *local, *kinds])}"
            )
        kind, model = _LOCAL, name
    return cast("Callable[[str], Generator]", GENERATORS.load(kind))(model)


def default_generator() -> str | None:
    """Name of the local default where it can run here, or None."""
    present = known_location(CATALOG[DEFAULT_GENERATOR]) is not None
    return DEFAULT_GENERATOR if present and importlib.util.find_spec("xllamacpp") else None


def is_local(name: str) -> bool:
    """Whether a generator runs here: a model of the catalog or a GGUF file."""
    name = name.removeprefix(f"{_LOCAL}:")
    entry = get(name)
    return name.lower().endswith(".gguf") or (entry is not None and entry.task is Task.GENERATE)


def _names() -> list[str]:
    local = [entry.name for entry in CATALOG.values() if entry.task is Task.GENERATE]
    return [*local, *(f"{kind}:MODEL" for kind in GENERATORS.names())]
