"""A pipeline: everything between a folder of files and an answer, as one value and one file.

``pipeline.toml`` is what ``nearfield choose`` recommends, what ``nearfield index --pipeline`` makes
a collection of, and what ``nearfield check`` holds to a figure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nearfield.collection.asking import Expansion
from nearfield.collection.options import Chunking
from nearfield.errors import InputError
from nearfield.metric import Metric
from nearfield.search.options import Fusion, Mode, SearchOptions
from nearfield.stores.local import SearchPath
from nearfield.types import Role

__all__ = ["VERSION", "AskChoice", "ModelChoice", "Pipeline", "SearchChoice", "Storage"]

VERSION = 1
"""Of the file's form."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model, and how it is used.

    Attributes
    ----------
    name : str
        A name or folder that :func:`nearfield.load` finds.
    dimensions : int or None
        Components that stay; None keeps all.
    precision : str
        ``auto`` or a class of :class:`nearfield.models.precision.Precision`.
    query_prompt, document_prompt : str or None
        Put before a text instead of what the model's card says; None leaves it to the card.
    fingerprint : str
        Of the encoder as it was measured, cut and prompted; empty where it was not.
    """

    name: str
    dimensions: int | None = None
    precision: str = "auto"
    query_prompt: str | None = None
    document_prompt: str | None = None
    fingerprint: str = ""

    @property
    def prompts(self) -> Mapping[Role, str] | None:
        """The prompts that replace the card's; None where they do not."""
        if self.query_prompt is None and self.document_prompt is None:
            return None
        return {Role.QUERY: self.query_prompt or "", Role.DOCUMENT: self.document_prompt or ""}


@dataclass(frozen=True, slots=True)
class Storage:
    """How vectors are kept and found.

    Attributes
    ----------
    metric : Metric
    path : SearchPath
        ``exact`` compares float32 vectors; ``quantised`` scans codes of one bit a component,
        refines by four bits and compares the best exactly; ``graph`` walks int8 vectors and
        compares the best exactly; ``auto`` leaves it to the store.
    recall : float
        Share of the ten true neighbours that a faster path has to find, in (0, 1].
    links, ef_construction : int
        Of the graph.
    """

    metric: Metric = Metric.COSINE
    path: SearchPath = SearchPath.AUTO
    recall: float = 0.99
    links: int = 16
    ef_construction: int = 128

    def __post_init__(self) -> None:
        object.__setattr__(self, "metric", Metric.of(self.metric))
        object.__setattr__(self, "path", SearchPath.of(self.path))
        if not 0 < self.recall <= 1:
            raise InputError(f"recall is {self.recall}: expected a share above 0, up to 1")

    def __str__(self) -> str:
        if self.path is SearchPath.QUANTISED:
            return f"quantised, recall {self.recall:g}"
        return self.path.value


@dataclass(frozen=True, slots=True)
class SearchChoice:
    """How a question is answered; see :class:`nearfield.search.options.SearchOptions`.

    Attributes
    ----------
    k : int
    mode : Mode
    fusion : Fusion
    dense_weight : float
    candidates : int
    rerank : str
        Name of the reranker; empty for none.
    rerank_weight : float
    """

    k: int = 10
    mode: Mode = Mode.DENSE
    fusion: Fusion = Fusion.SCORES
    dense_weight: float = 0.8
    candidates: int = 50
    rerank: str = ""
    rerank_weight: float = 0.2

    def __post_init__(self) -> None:
        object.__setattr__(self, "mode", Mode.of(self.mode))
        object.__setattr__(self, "fusion", Fusion.of(self.fusion))
        self.options(SearchPath.AUTO)  # refuses what a search would refuse

    def options(self, path: SearchPath) -> SearchOptions:
        """What a search takes, on one path of the store."""
        return SearchOptions(
            k=self.k,
            mode=self.mode,
            path=path.value,
            candidates=self.candidates,
            fusion=self.fusion,
            dense_weight=self.dense_weight,
            rerank_weight=self.rerank_weight,
        )

    def depth(self, wanted: int) -> int:
        """Passages to ask for without changing the search that is measured.

        Fusing and reranking look at so many candidates; asking for more would widen their view.
        """
        if self.rerank or self.mode is Mode.HYBRID:
            return max(self.candidates, self.k)
        return max(wanted, self.k)


@dataclass(frozen=True, slots=True)
class AskChoice:
    """What is searched for in a question's place, when it is asked with ``nearfield ask``.

    Attributes
    ----------
    expansion : Expansion
    generator : str
        Name of what writes it; empty for none.
    """

    expansion: Expansion = Expansion.NONE
    generator: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "expansion", Expansion.of(self.expansion))
        if self.expansion is not Expansion.NONE and not self.generator:
            raise InputError(f"the expansion {self.expansion} needs a generator: name one")


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Model, chunks, storage, search, and what a question is expanded to.

    Attributes
    ----------
    model : ModelChoice
    chunking : Chunking
    storage : Storage
    search : SearchChoice
    ask : AskChoice

    Examples
    --------
    >>> Pipeline(ModelChoice("all-MiniLM-L6-v2", dimensions=128)).label
    'all-MiniLM-L6-v2@128 · recursive 200 · auto · dense'
    """

    model: ModelChoice
    chunking: Chunking = field(default_factory=Chunking)
    storage: Storage = field(default_factory=Storage)
    search: SearchChoice = field(default_factory=SearchChoice)
    ask: AskChoice = field(default_factory=AskChoice)

    @property
    def late_step(self) -> str:
        """Its step that takes long for each question (see the room ``late``); empty for none."""
        expansion = self.ask.expansion
        return self.search.rerank or ("" if expansion is Expansion.NONE else expansion.value)

    @property
    def is_late(self) -> bool:
        """Whether it has such a step."""
        return bool(self.late_step)

    @property
    def plain(self) -> Pipeline:
        """The same without its late step."""
        usual = SearchChoice()
        search = replace(self.search, rerank="", candidates=usual.candidates)
        if not self.search.rerank:
            search = self.search
        return replace(self, search=search, ask=AskChoice())

    @property
    def options(self) -> SearchOptions:
        """What a search takes."""
        return self.search.options(self.storage.path)

    @property
    def label(self) -> str:
        """One line for a person."""
        chunks = f"{self.chunking.name} {self.chunking.size}"
        if self.chunking.overlap:
            chunks += f"+{self.chunking.overlap}"
        mode = self.search.mode.value
        if self.search.rerank:
            mode += f" › {self.search.rerank}"
        if self.ask.expansion is not Expansion.NONE:
            mode = f"{self.ask.expansion.value} › {mode}"
        if self.search.mode is Mode.LEXICAL:
            return f"words only (BM25) · {chunks}" + (
                f" › {self.late_step}" if self.is_late else ""
            )
        return f"{self.model_label} · {chunks} · {self.storage} · {mode}"

    @property
    def model_label(self) -> str:
        """The model as it is used, in a few words."""
        model = self.model.name
        if self.model.dimensions is not None:
            model += f"@{self.model.dimensions}"
        if self.model.precision not in {"auto", "exact"}:
            model += f" {self.model.precision}"
        if self.model.prompts is not None:
            model += " without prompts" if not any(self.model.prompts.values()) else " own prompts"
        return model

    @property
    def key(self) -> str:
        """Twelve hexadecimal characters that name what was chosen, whatever was measured."""
        bare = replace(self, model=replace(self.model, fingerprint=""))
        return hashlib.sha256(repr(bare).encode()).hexdigest()[:12]
