"""Values that filters can ask for, out of whatever a file states."""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Mapping, Sequence

from nearfield.documents.decode import clean
from nearfield.types import MetadataValue, Scalar

__all__ = ["flatten", "iso_date", "scalar", "stated", "typed_cell"]

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})\Z")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,14})\.[0-9]{1,15}\Z")
_LARGEST = 2**63


def scalar(value: object) -> Scalar | None:
    """A value that a filter compares; None when there is nothing to compare.

    Numbers that no 64-bit type holds become text; NaN and infinities become None.

    Examples
    --------
    >>> scalar(3), scalar("x"), scalar(float("nan")), scalar(10**30)
    (3, 'x', None, '1000000000000000000000000000000')
    """
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -_LARGEST <= value < _LARGEST else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return None


def flatten(fields: Mapping[str, object], prefix: str = "") -> dict[str, MetadataValue]:
    """Nested fields as one level: ``{"a": {"b": 1}}`` becomes ``{"a.b": 1}``.

    Lists of scalars stay lists (as tuples), other lists become JSON text, and fields
    without a value are left out.

    Examples
    --------
    >>> flatten({"year": 2020, "by": {"name": "Ada"}, "tags": ["a", "b"], "none": None})
    {'year': 2020, 'by.name': 'Ada', 'tags': ('a', 'b')}
    """
    flat: dict[str, MetadataValue] = {}
    for key, value in fields.items():
        name = prefix + clean(str(key))
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{name}."))
        elif isinstance(value, list | tuple):
            flat[name] = _listed(value)
        elif (single := scalar(value)) is not None:
            flat[name] = single
    return flat


def stated(**fields: object) -> dict[str, MetadataValue]:
    """Keep only the fields that a document states.

    Examples
    --------
    >>> stated(format="pdf", author="  ", date=None)
    {'format': 'pdf'}
    """
    trimmed = {k: v.strip() if isinstance(v, str) else v for k, v in fields.items()}
    return flatten({k: v for k, v in trimmed.items() if v not in ("", None, (), [])})


def typed_cell(cell: str) -> Scalar:
    """A table cell as the number or truth value it spells, else as its text.

    Numbers with leading zeros are codes, not numbers.

    Examples
    --------
    >>> [typed_cell(c) for c in ("12", "-0.50", "007", "TRUE", "12 kg")]
    [12, -0.5, '007', True, '12 kg']
    """
    text = cell.strip()
    if _INTEGER.match(text):
        return int(text)
    if _DECIMAL.match(text):
        return float(text)
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return clean(text)


def iso_date(value: datetime.datetime | datetime.date | None) -> str:
    """ISO 8601 text, or empty.

    Examples
    --------
    >>> iso_date(datetime.datetime(2024, 2, 29, 12, 30))
    '2024-02-29T12:30:00'
    """
    return value.isoformat() if value else ""


def _listed(values: Sequence[object]) -> MetadataValue:
    singles = [scalar(v) for v in values]
    if any(v is None for v in singles):
        return clean(json.dumps(values, ensure_ascii=False, default=str))
    return tuple(v for v in singles if v is not None)
