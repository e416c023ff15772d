"""How a collection is searched where a caller says nothing: kept with it as a property."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from nearfield.search.options import SearchOptions

__all__ = ["SEARCH", "SEARCH_FIELDS", "SearchDefaults"]

SEARCH = "search"
"""Property that holds them."""

SEARCH_FIELDS = (
    "k", "mode", "path", "candidates", "fusion", "dense_weight", "rerank_weight", "diversity",
    "group_by", "per_group",
)  # fmt: skip
"""Options that are kept."""


@dataclass(frozen=True, slots=True)
class SearchDefaults:
    """Everything about a search but the question and its filter.

    Attributes
    ----------
    options : SearchOptions
    rerank : str
        Name of the reranker; empty for none.

    Examples
    --------
    >>> kept = SearchDefaults(SearchOptions(mode="hybrid")).properties()
    >>> SearchDefaults.of(kept).options.mode
    <Mode.HYBRID: 'hybrid'>
    """

    options: SearchOptions = field(default_factory=SearchOptions)
    rerank: str = ""

    def properties(self) -> dict[str, str]:
        """What a collection keeps of it."""
        kept = {name: getattr(self.options, name) for name in SEARCH_FIELDS}
        return {SEARCH: json.dumps({**kept, "rerank": self.rerank})}

    @classmethod
    def of(cls, properties: Mapping[str, str]) -> SearchDefaults:
        """Read what a collection keeps; the usual where it keeps nothing."""
        found = json.loads(properties.get(SEARCH, "{}"))
        rerank = found.pop("rerank", "")
        return cls(SearchOptions(**found), rerank)
