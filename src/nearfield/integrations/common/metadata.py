"""A host's metadata as fields of a passage, and back again without loss.

Fields are texts, numbers, truth values and lists of these. A mapping inside is spread over dotted
names, so that filters see into it, and kept whole beside as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from nearfield.errors import InputError
from nearfield.filters import And, Compare, Filter, In, IsNull, Operator, Or
from nearfield.types import Chunk, Metadata, MetadataValue

__all__ = ["ID_FIELD", "KEPT", "by_id", "described", "equals", "pack", "together", "unpack"]

KEPT = "_kept"
"""Field with the JSON of what fields cannot hold."""

ID_FIELD = "_id"
"""Field with the passage's id, where the metadata have an ``id`` of their own."""


def pack(metadata: Mapping[str, Any], id_: str) -> dict[str, MetadataValue]:
    """Fields of a passage out of a host's metadata.

    Parameters
    ----------
    metadata : mapping
        Anything that JSON can hold.
    id_ : str
        The passage's id.

    Raises
    ------
    InputError
        A value has no JSON form, or a name is taken by Nearfield.

    Examples
    --------
    >>> pack({"year": 2020, "by": {"name": "Ada"}}, "a")
    {'year': 2020, 'by.name': 'Ada', '_kept': '{"by": {"name": "Ada"}}'}
    """
    fields: dict[str, MetadataValue] = {}
    kept: dict[str, Any] = {}
    for name, value in metadata.items():
        if not isinstance(name, str):
            raise InputError(f"metadata key {name!r} of {id_!r} is not a text")
        if name in (KEPT, ID_FIELD):
            raise InputError(f"metadata {name!r} of {id_!r}: Nearfield keeps this name for itself")
        if _is_field(value):
            fields[name] = list(value) if isinstance(value, tuple) else value
        else:
            kept[name] = value
    for name, value in list(kept.items()):
        for path, leaf in _leaves(name, value):
            if path in metadata:  # a name with a dot of its own, which is not spread
                kept[path] = metadata[path]
            else:
                fields[path] = leaf
    if "id" in metadata:
        fields[ID_FIELD] = id_
    if kept:
        fields[KEPT] = _json(kept, id_)
    return fields


def unpack(fields: Metadata) -> dict[str, Any]:
    """The metadata that :func:`pack` was given; lists come back for tuples.

    Examples
    --------
    >>> unpack(pack({"year": 2020, "by": {"name": "Ada"}}, "a"))
    {'year': 2020, 'by': {'name': 'Ada'}}
    """
    kept: dict[str, Any] = json.loads(str(fields[KEPT])) if KEPT in fields else {}
    spread = {path for name, value in kept.items() for path, _ in _leaves(name, value)}
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if name in (KEPT, ID_FIELD) or name in spread:
            continue
        found[name] = list(value) if isinstance(value, tuple) else value
    return found | kept


def described(chunk: Chunk) -> dict[str, Any]:
    """A passage's metadata, with its place where it was cut from a file.

    Examples
    --------
    >>> described(Chunk("a#0-2", "a", "Hi", 0, 2, "/a.pdf", ("Top",), 3, {"lang": "en"}))
    {'source': '/a.pdf', 'headings': ['Top'], 'page': 3, 'start_index': 0, 'lang': 'en'}
    """
    if not chunk.source:
        return unpack(chunk.metadata)
    place: dict[str, Any] = {"source": chunk.source, "headings": list(chunk.headings)}
    if chunk.page is not None:
        place["page"] = chunk.page
    return {**place, "start_index": chunk.start, **unpack(chunk.metadata)}


def by_id(ids: list[str]) -> Filter:
    """Passages with these ids, whatever their metadata call ``id``."""
    plain = And((IsNull(ID_FIELD), In("id", tuple(ids))))
    return Or((In(ID_FIELD, tuple(ids)), plain))


def together(*filters: Filter | None) -> Filter | None:
    """All of these filters; None where there are none.

    Examples
    --------
    >>> together(None, IsNull("page"))
    IsNull(field='page', negated=False)
    """
    given = tuple(each for each in filters if each is not None)
    if not given:
        return None
    return given[0] if len(given) == 1 else And(given)


def equals(name: str, value: Any) -> Filter:
    """``name = value``, or that the field is missing where the value is None.

    Examples
    --------
    >>> equals("page", None)
    IsNull(field='page', negated=False)
    """
    return IsNull(name) if value is None else Compare(name, Operator.EQ, value)


def _is_field(value: Any) -> bool:
    if value is None or isinstance(value, str | int | float):
        return True
    return isinstance(value, list | tuple) and all(
        each is None or isinstance(each, str | int | float) for each in value
    )


def _leaves(name: str, value: Any) -> Iterator[tuple[str, MetadataValue]]:
    """The fields that can be seen inside a value, by dotted names."""
    if isinstance(value, Mapping):
        for inner, leaf in value.items():
            yield from _leaves(f"{name}.{inner}", leaf)
    elif _is_field(value):
        yield name, value


def _json(kept: Mapping[str, Any], id_: str) -> str:
    try:
        return json.dumps(kept, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"metadata {', '.join(kept)} of {id_!r} cannot be kept ({error}): use texts, numbers, "
            "truth values, lists and mappings of these; write dates as ISO texts"
        ) from error
