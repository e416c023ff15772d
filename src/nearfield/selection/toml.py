"""``pipeline.toml``: a pipeline as a file that people read and change."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from nearfield.collection.options import Chunking
from nearfield.errors import FormatVersionError, InputError
from nearfield.registry import suggest
from nearfield.selection.pipeline import (
    VERSION,
    AskChoice,
    ModelChoice,
    Pipeline,
    SearchChoice,
    Storage,
)

__all__ = ["dumps", "loads", "read", "write"]

_TABLES: dict[str, type] = {
    "model": ModelChoice,
    "chunking": Chunking,
    "storage": Storage,
    "search": SearchChoice,
    "ask": AskChoice,
}
_HEAD = (
    "# A pipeline of Nearfield, made by `nearfield choose`.\n"
    "#   nearfield index FOLDER --pipeline pipeline.toml\n"
    "#   nearfield check pipeline.toml --min ndcg@10=0.60\n"
)

Table = TypeVar("Table")


def dumps(pipeline: Pipeline, *, head: str = _HEAD) -> str:
    """Write a pipeline as TOML.

    Examples
    --------
    >>> text = dumps(Pipeline(ModelChoice("all-MiniLM-L6-v2")), head="")
    >>> print(text[:47])
    version = 1
    <BLANKLINE>
    [model]
    name = "all-MiniLM-L6-v2"
    >>> loads(text) == Pipeline(ModelChoice("all-MiniLM-L6-v2"))
    True
    """
    lines = [head.rstrip("\n"), f"version = {VERSION}"] if head else [f"version = {VERSION}"]
    for name in _TABLES:
        part = getattr(pipeline, name)
        if part == AskChoice():  # questions go as they are: nothing to say
            continue
        lines += ["", f"[{name}]"]
        for each in fields(part):
            value = getattr(part, each.name)
            if value is not None and (value != "" or each.name.endswith("_prompt")):
                lines.append(f"{each.name} = {_value(value)}")
    return "\n".join(lines) + "\n"


def loads(text: str, *, where: str = "the pipeline") -> Pipeline:
    """Read a pipeline from TOML.

    Parameters
    ----------
    text : str
    where : str
        What errors call it.

    Raises
    ------
    InputError
        It is no TOML, a key is unknown or missing, or a value does not fit.
    FormatVersionError
        It was written by a later version.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where} is no TOML: {error}") from None
    version = found.pop("version", None)
    if version != VERSION:
        if version is None:
            raise InputError(f"{where} states no version: begin it with `version = {VERSION}`")
        raise FormatVersionError(
            f"{where} is of version {version!r} and this Nearfield reads {VERSION}: make it anew "
            "with nearfield choose, or update Nearfield"
        )
    _refuse_unknown(found, _TABLES, where)
    if "model" not in found:
        raise InputError(f"{where} has no table [model]: name one, such as all-MiniLM-L6-v2")
    parts: dict[str, Any] = {}
    for name, kind in _TABLES.items():
        given = found.get(name, {})
        if not isinstance(given, dict):
            raise InputError(f"{name} of {where} is {given!r}: expected a table [{name}]")
        parts[name] = _table(kind, given, f"[{name}] of {where}")
    return Pipeline(**parts)


def read(path: str | Path) -> Pipeline:
    """Read a pipeline from a file; raises as :func:`loads`."""
    place = Path(path).expanduser()
    try:
        text = place.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(
            f"there is no pipeline at {place}: make one with nearfield choose"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{place} cannot be read: {error}") from None
    return loads(text, where=str(place))


def write(pipeline: Pipeline, path: str | Path) -> None:
    """Write a pipeline to a file, in place of what is there."""
    place = Path(path)
    unborn = place.with_name(f".{place.name}.new")
    unborn.write_text(dumps(pipeline), encoding="utf-8")
    unborn.replace(place)


def _value(value: object) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        # JSON's escapes are a part of TOML's, but for the delete character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _table(kind: type[Table], given: Mapping[str, Any], where: str) -> Table:
    known = {each.name: each for each in fields(kind)}  # type: ignore[arg-type]
    _refuse_unknown(given, known, where)
    types = get_type_hints(kind)
    values = {name: _fitting(name, value, types[name], where) for name, value in given.items()}
    for name, each in known.items():
        if name not in values and not _has_default(each):
            raise InputError(f"{where} lacks {name}")
    return kind(**values)


def _has_default(each: Field[Any]) -> bool:
    return each.default is not MISSING or each.default_factory is not MISSING


def _fitting(name: str, value: object, kind: object, where: str) -> object:
    wanted = str(getattr(kind, "__name__", kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        fits = isinstance(value, str)
    elif "float" in wanted:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        value = float(value) if fits else value  # type: ignore[arg-type]
    elif "int" in wanted:
        fits = isinstance(value, int) and not isinstance(value, bool)
    else:
        fits = isinstance(value, str)
    if not fits:
        raise InputError(f"{name} in {where} is {value!r}: expected {_noun(kind)}")
    return value


def _noun(kind: object) -> str:
    wanted = str(getattr(kind, "__name__", kind))
    if "float" in wanted:
        return "a number"
    return "a whole number" if "int" in wanted else "a text in quotes"


def _refuse_unknown(given: Mapping[str, Any], known: Mapping[str, Any], where: str) -> None:
    for name in given:
        if name not in known:
            raise InputError(f"{where} has the unknown key {name!r}; {suggest(name, known)}")
