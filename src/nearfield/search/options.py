"""How to search: modes and the steps after them, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field

from nearfield.errors import InputError
from nearfield.filters import Filter
from nearfield.types import BM25, Word

__all__ = ["Fusion", "Mode", "SearchOptions"]


class Mode(Word):
    """What decides which passages are found.

    ``dense`` compares meanings (vectors), ``lexical`` words (BM25), ``hybrid`` both; ``sparse``
    compares learned word weights (SPLADE), ``late`` every token with every token (MaxSim).
    """

    DENSE = "dense"
    LEXICAL = "lexical"
    HYBRID = "hybrid"
    SPARSE = "sparse"
    LATE = "late"


class Fusion(Word):
    """How a hybrid search mixes its two rankings."""

    SCORES = "scores"
    RANKS = "ranks"


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """Everything about a search but the question.

    Attributes
    ----------
    k : int
        Most hits, or most groups where hits are grouped.
    mode : Mode or str
    where : Filter or None
    path : str
        How nearest vectors are found: ``auto``, or a path of the store by name, such as
        ``exact`` or ``graph``.
    candidates : int
        How many each path finds before they are fused, reranked, spread or grouped; never
        fewer than `k`.
    bm25 : BM25
        How words weigh: k1, b, and what longer words with a word inside count.
    fusion : Fusion or str
    dense_weight : float
        Share of meaning against words in a hybrid search, 0 to 1.
    rerank_weight : float
        Share of the reranker against the ranking before it, 0 to 1.
    diversity : float
        0 ranks by relevance alone, 1 by difference alone (maximal marginal relevance).
    group_by : str or None
        ``document``, ``source`` or a name of the metadata.
    per_group : int
        Most hits of one group.
    """

    k: int = 10
    mode: Mode = Mode.DENSE
    where: Filter | None = None
    path: str = "auto"
    candidates: int = 50
    fusion: Fusion = Fusion.SCORES
    dense_weight: float = 0.8
    rerank_weight: float = 0.2
    diversity: float = 0.0
    group_by: str | None = None
    per_group: int = 1
    bm25: BM25 = field(default_factory=BM25)

    def __post_init__(self) -> None:
        # Plain words would be equal to members and not be them.
        object.__setattr__(self, "mode", Mode.of(self.mode))
        object.__setattr__(self, "fusion", Fusion.of(self.fusion))
        if self.k < 1:
            raise InputError(f"k is {self.k}: ask for at least 1 hit")
        if self.candidates < 1:
            raise InputError(f"candidates is {self.candidates}: take at least 1")
        for name in ("dense_weight", "rerank_weight", "diversity"):
            share = getattr(self, name)
            if not 0.0 <= share <= 1.0:
                raise InputError(f"{name} is {share}: expected a share from 0 to 1")
        if self.per_group < 1:
            raise InputError(f"per_group is {self.per_group}: keep at least 1")

    @property
    def weights(self) -> dict[str, float]:
        """Share of each ranking of a hybrid search, by the name of its mode."""
        return {Mode.DENSE.value: self.dense_weight, Mode.LEXICAL.value: 1.0 - self.dense_weight}

    @property
    def depth(self) -> int:
        """How many hits the first stage must give for the later ones to choose from."""
        refined = self.diversity > 0 or self.group_by is not None
        return max(self.k, self.candidates) if refined else self.k
