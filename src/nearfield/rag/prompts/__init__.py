"""Prompts as data: TOML files in this folder, or a file of one's own.

A set has a prompt for answering and one for each way to handle a question. ``{question}``,
``{context}``, ``{history}``, ``{count}`` and ``{abstain}`` are filled in; other braces stay as they
are. What is filled in is never searched for names again, so a passage that says ``{question}`` says
just that.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path

from nearfield.errors import InputError, UnknownName
from nearfield.models import catalog
from nearfield.registry import suggest

__all__ = ["Prompt", "Prompts", "load", "name_for", "names"]

_SMALL_BYTES = 1_000_000_000
_NAME = re.compile(r"\{(question|context|history|count|abstain)\}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A system message and a user's message with places to fill.

    Attributes
    ----------
    system, user : str
    """

    system: str
    user: str

    def fill(self, values: Mapping[str, str]) -> tuple[str, str]:
        """Both messages; one pass, so that nothing filled in is filled again.

        Examples
        --------
        >>> Prompt("", "{context} {question}").fill({"context": "{question}", "question": "?"})
        ('', '{question} ?')
        """
        return tuple(  # type: ignore[return-value]
            _NAME.sub(lambda found: values.get(found[1], found[0]), text)
            for text in (self.system, self.user)
        )


@dataclass(frozen=True, slots=True)
class Prompts:
    """One set of prompts.

    Attributes
    ----------
    answer, follow_up, multi_query, hyde, decompose : Prompt
    abstain : str
        What is said when the passages hold no answer.
    stop : tuple of str
        An answer ends before any of these.
    context_tokens : int
        Most tokens of all passages, where the question does not say how many.
    """

    answer: Prompt
    follow_up: Prompt
    multi_query: Prompt
    hyde: Prompt
    decompose: Prompt
    abstain: str
    stop: tuple[str, ...]
    context_tokens: int


def names() -> list[str]:
    """Names of the sets in the package."""
    folder = resources.files(__name__)
    return sorted(
        f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")
    )


def name_for(generator: str) -> str:
    """Name of the set for a generator: ``small`` for local models of a few hundred million weights.

    Examples
    --------
    >>> name_for("smollm2-135m-instruct"), name_for("openai:gpt-4o-mini")
    ('small', 'default')
    """
    entry = catalog.get(generator)
    return "small" if entry is not None and entry.size_bytes < _SMALL_BYTES else "default"


def load(name: str = "default") -> Prompts:
    """Read a set of prompts; what a file of one's own leaves out is taken from the default.

    Parameters
    ----------
    name : str
        Of a set in the package, or the path of a TOML file.

    Raises
    ------
    UnknownName
        There is neither.
    InputError
        The file is no TOML, has an unknown table, or a prompt lacks what it must be given.

    Examples
    --------
    >>> load().abstain
    'The documents do not seem to answer this.'
    """
    default = _parsed((resources.files(__name__) / "default.toml").read_text("utf-8"), "default")
    if name == "default":
        return _checked(default, name)
    path = Path(name).expanduser()
    if name in names():
        text = (resources.files(__name__) / f"{name}.toml").read_text("utf-8")
    elif path.suffix == ".toml" and path.is_file():
        text = path.read_text("utf-8")
    else:
        raise UnknownName(
            f"no prompts are called {name!r}: {suggest(name, names())}; or give a TOML file's path"
        )
    return _checked({**default, **_parsed(text, name)}, name)


def _parsed(text: str, name: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"the prompts {name} are no TOML: {error}") from error


def _checked(tables: Mapping[str, object], name: str) -> Prompts:
    known = {field.name for field in fields(Prompts)}
    unknown = sorted(set(tables) - known)
    if unknown:
        raise InputError(
            f"the prompts {name} have {', '.join(unknown)}; known are {', '.join(sorted(known))}"
        )
    made: dict[str, Prompt] = {}
    for each in sorted(known - {"abstain", "stop", "context_tokens"}):
        table = tables[each]
        if not isinstance(table, Mapping) or set(table) - {"system", "user"}:
            raise InputError(f"[{each}] of the prompts {name} must have 'system' and 'user' only")
        prompt = Prompt(str(table.get("system", "")).strip(), str(table.get("user", "")).strip())
        needed = {"answer": ("question", "context"), "follow_up": ("question", "history")}
        missing = [
            place for place in needed.get(each, ("question",)) if f"{{{place}}}" not in prompt.user
        ]
        if missing:
            raise InputError(f"[{each}].user of the prompts {name} lacks {{{missing[0]}}}")
        made[each] = prompt
    stop = tables.get("stop", ())
    if not isinstance(stop, list | tuple) or not all(isinstance(s, str) and s for s in stop):
        raise InputError(f"'stop' of the prompts {name} is {stop!r}: expected a list of texts")
    most = tables["context_tokens"]
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        raise InputError(f"'context_tokens' of the prompts {name} is {most!r}: expected 1 or more")
    return Prompts(**made, abstain=str(tables["abstain"]), stop=tuple(stop), context_tokens=most)
