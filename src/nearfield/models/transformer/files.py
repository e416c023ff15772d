"""Read the small JSON files of a model folder, with errors that name the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias, TypeVar

from nearfield.errors import UnsupportedModel

__all__ = ["Json", "JsonObject", "field", "read_json", "read_object"]

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = Mapping[str, Json]
T = TypeVar("T", str, int, float, bool)

# A configuration is a few kilobytes; anything far larger is not one and is not read.
_LARGEST = 50_000_000


def read_json(path: Path) -> Json:
    """Parse a JSON file.

    Raises
    ------
    UnsupportedModel
        The file is missing, too large, not UTF-8, or not JSON; the message names it.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise UnsupportedModel(
                f"{path} has {path.stat().st_size:,} bytes, more than the {_LARGEST:,} that a "
                "configuration can need: the model folder is damaged"
            )
        parsed: Json = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnsupportedModel(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UnsupportedModel(f"{path} is not valid JSON: {error}") from error
    return parsed


def read_object(path: Path, *, optional: bool = False) -> JsonObject:
    """Parse a JSON file that holds an object; an absent optional file is an empty object."""
    if optional and not path.is_file():
        return {}
    parsed = read_json(path)
    if not isinstance(parsed, dict):
        raise UnsupportedModel(f"{path} holds {type(parsed).__name__}, expected an object")
    return parsed


def field(config: JsonObject, key: str, kind: type[T], where: Path, default: T | None = None) -> T:
    """Return a typed value of `config`; an absent or null key gives `default`.

    Raises
    ------
    UnsupportedModel
        The key is absent without a default, or its value has another type.

    Examples
    --------
    >>> field({"layers": 6}, "layers", int, Path("config.json"))
    6
    """
    value = config.get(key)
    if value is None:
        if default is None:
            raise UnsupportedModel(f"{where} does not state {key!r}")
        return default
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return kind(value)
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise UnsupportedModel(f"{where} states {key} = {value!r}, expected {kind.__name__}")
    return value
