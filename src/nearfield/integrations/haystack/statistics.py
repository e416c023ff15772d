"""What the metadata of a document store hold: names, kinds, ranges and values."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from haystack.dataclasses import Document

__all__ = ["Filters", "MetadataStatistics"]

Filters = dict[str, Any] | None

_KINDS: dict[type, str] = {bool: "boolean", int: "int", float: "float"}


class MetadataStatistics(ABC):
    """Questions about metadata, each answered by one pass over the documents that match.

    Names of fields may begin with ``meta.``. Values of different types are different values.
    """

    @abstractmethod
    def filter_documents(self, filters: Filters = None) -> list[Document]:
        """Documents that match."""

    def count_unique_metadata_by_filter(
        self, filters: Filters, metadata_fields: list[str]
    ) -> dict[str, int]:
        """How many different values each field has among the documents that match."""
        documents = self.filter_documents(filters)
        names = [name.removeprefix("meta.") for name in metadata_fields]
        return {name: len(_unique(documents, name)) for name in names}

    def get_metadata_fields_info(self) -> dict[str, dict[str, str]]:
        """Kind of each field: boolean, int, float or keyword; of several kinds the last written."""
        return {
            name: {"type": _KINDS.get(type(value), "keyword")}
            for document in self.filter_documents()
            for name, value in document.meta.items()
            if value is not None
        }

    def get_metadata_field_min_max(self, metadata_field: str) -> dict[str, Any]:
        """Least and greatest value; both None where there are none, or none that have an order."""
        name = metadata_field.removeprefix("meta.")
        found = [d.meta.get(name) for d in self.filter_documents()]
        values = [value for value in found if isinstance(value, int | float | str)]
        if not values or len({isinstance(value, str) for value in values}) > 1:
            return {"min": None, "max": None}
        return {"min": min(values), "max": max(values)}

    def get_metadata_field_unique_values(
        self,
        metadata_field: str,
        search_term: str | None = None,
        from_: int = 0,
        size: int = 10,
        filters: Filters = None,
    ) -> tuple[list[Any], int]:
        """A page of a field's different values, by their texts, and how many there are in all."""
        name = metadata_field.removeprefix("meta.")
        unique = _unique(self.filter_documents(filters), name)
        wanted = (search_term or "").lower()
        fitting = [(str(v), kind, v) for (kind, _), v in unique.items() if wanted in str(v).lower()]
        fitting.sort(key=lambda each: each[:2])
        return [value for *_, value in fitting[from_ : from_ + size]], len(fitting)

    async def count_unique_metadata_by_filter_async(
        self, filters: Filters, metadata_fields: list[str]
    ) -> dict[str, int]:
        return await asyncio.to_thread(
            self.count_unique_metadata_by_filter, filters, metadata_fields
        )

    async def get_metadata_fields_info_async(self) -> dict[str, dict[str, str]]:
        return await asyncio.to_thread(self.get_metadata_fields_info)

    async def get_metadata_field_min_max_async(self, metadata_field: str) -> dict[str, Any]:
        return await asyncio.to_thread(self.get_metadata_field_min_max, metadata_field)

    async def get_metadata_field_unique_values_async(
        self,
        metadata_field: str,
        search_term: str | None = None,
        from_: int = 0,
        size: int = 10,
        filters: Filters = None,
    ) -> tuple[list[Any], int]:
        return await asyncio.to_thread(
            self.get_metadata_field_unique_values, metadata_field, search_term, from_, size, filters
        )


def _unique(documents: list[Document], name: str) -> dict[tuple[str, str], Any]:
    """Each value of a field once, by its type and its JSON."""
    found: dict[tuple[str, str], Any] = {}
    for document in documents:
        value = _at(document.meta, name)
        if value is not None:
            key = type(value).__name__, json.dumps(value, sort_keys=True, default=str)
            found.setdefault(key, value)
    return found


def _at(meta: Mapping[str, Any], name: str) -> Any:
    """A field by its name, or inside mappings by a dotted one."""
    if name in meta or "." not in name:
        return meta.get(name)
    first, _, rest = name.partition(".")
    inner = meta.get(first)
    return _at(inner, rest) if isinstance(inner, Mapping) else None
