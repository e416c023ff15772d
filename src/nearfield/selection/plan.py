"""Fit an experiment into its budget before it begins: which candidates, on how many documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nearfield.collection.options import Chunking, chunker_for
from nearfield.errors import InputError, NearfieldError
from nearfield.models.cache import VectorCache
from nearfield.passage import embedding_text
from nearfield.protocols import Encoder
from nearfield.search.options import Mode
from nearfield.selection import toml
from nearfield.selection.budget import Budget, Clock
from nearfield.selection.candidates import Grid, NotTried
from nearfield.selection.data import Source
from nearfield.selection.forecast import (
    ModelForecast,
    Rate,
    forecast_model,
    rate_of,
    sampled,
)
from nearfield.selection.hosted import hosted_tokens, is_hosted, price_of
from nearfield.selection.late.joining import LateForecast
from nearfield.selection.limits import Limits
from nearfield.selection.pipeline import ModelChoice, Pipeline
from nearfield.types import ModelCard

__all__ = ["Plan", "make_plan"]

_EMBEDDING_SHARE = 0.55
"""Of the budget; the rest is for asking, for held-out questions and for the record."""

_FEWEST = 1000
"""Documents below which a sample is not drawn: models are left out instead."""

_LOOKED_AT = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be tried.

    Attributes
    ----------
    pipelines : tuple of Pipeline
        Every model with the usual settings first, then variants.
    sample : int or None
        Documents to keep; None keeps all.
    not_tried : tuple of NotTried
    seconds : mapping of (model, precision, chunking) to float
        Forecast of embedding each.
    forecasts : tuple of ModelForecast
        For all documents.
    late : tuple of LateForecast
        Of rerankers and forms of the question.
    """

    pipelines: tuple[Pipeline, ...]
    sample: int | None
    not_tried: tuple[NotTried, ...]
    seconds: Mapping[tuple[str, str, str], float]
    forecasts: tuple[ModelForecast, ...] = ()
    late: tuple[LateForecast, ...] = ()

    def estimate(self, pipeline: Pipeline) -> float:
        """Seconds that making a candidate's vectors takes."""
        model = pipeline.model
        return self.seconds.get((model.name, model.precision, str(pipeline.chunking)), 0.0)

    @property
    def total(self) -> float:
        """Seconds of all embedding."""
        return sum(self.seconds.values())

    def to_event(self) -> dict[str, Any]:
        """As a journal keeps it."""
        return {
            "pipelines": [toml.dumps(pipeline, head="") for pipeline in self.pipelines],
            "sample": self.sample,
            "not_tried": [[each.what, each.why] for each in self.not_tried],
            "seconds": [[*key, value] for key, value in self.seconds.items()],
            "forecasts": [
                [f.model, f.chunking.name, f.chunking.size, f.chunking.overlap, f.passages,
                f.tokens,
                 f.fresh, f.seconds, f.disk, f.memory, f.money, f.rate.tokens_per_second,
                 f.rate.query_seconds, f.rate.load_seconds]
                for f in self.forecasts
            ],
            "late": [[f.name, f.seconds, f.money, f.why] for f in self.late],
        }  # fmt: skip

    @classmethod
    def of_event(cls, event: Mapping[str, Any]) -> Plan:
        """Read what a journal keeps."""
        return cls(
            tuple(toml.loads(text) for text in event["pipelines"]),
            event["sample"],
            tuple(NotTried(what, why) for what, why in event["not_tried"]),
            {(a, b, c): value for a, b, c, value in event["seconds"]},
            tuple(_forecast_of(f) for f in event["forecasts"]),
            tuple(LateForecast(*f) for f in event["late"]),
        )


@dataclass(slots=True)
class _Space:
    """A model in one precision, as far as it is known before the experiment."""

    name: str
    precision: str
    card: ModelCard
    rate: Rate
    forecasts: list[ModelForecast]


def _forecast_of(fields: Sequence[Any]) -> ModelForecast:
    """Read a forecast as :meth:`Plan.to_event` wrote it."""
    model, name, size, overlap, passages, tokens, fresh, seconds, disk, memory, money = fields[:11]
    return ModelForecast(
        model,
        Chunking(name, size, overlap),
        passages,
        tokens,
        fresh,
        seconds,
        disk,
        memory,
        money,
        Rate(*fields[11:]),
    )


def make_plan(
    source: Source,
    grid: Grid,
    load: Callable[[ModelChoice], Encoder],
    *,
    budget: Budget,
    reserved: float = 0.0,
    sample: int | None = None,
    limits: Limits | None = None,
    cache: VectorCache | None = None,
    tell: Callable[[str], None] | None = None,
) -> Plan:
    """Measure the models, and choose candidates and a sample that fit.

    Parameters
    ----------
    source : Source
    grid : Grid
    load : callable
    budget : Budget
    reserved : float
        Seconds that embedding must leave for late steps.
    sample : int, optional
        Documents to keep, whatever the budget says.
    limits : Limits, optional
        Models that cannot keep them are left out at once.
    cache : VectorCache, optional
    tell : callable, optional
        Told what is being measured.

    Raises
    ------
    InputError
        Not even the cheapest candidate fits, with the numbers; or no model can be loaded.
    """
    left: list[NotTried] = []
    allowed = (limits or Limits()).money
    spaces: list[_Space] = []
    for name in grid.models:
        for precision in grid.precisions:
            if tell is not None:
                tell(f"Measuring {name}")
            try:
                if is_hosted(name):
                    allowed -= _affordable(name, grid, source, allowed)
                spaces.append(_measured(name, precision, grid, source, load, cache, budget.clock))
            except (NearfieldError, OSError, RuntimeError) as error:
                left.append(NotTried(name, " ".join(str(error).split())[:400]))
    if not spaces:
        reasons = "; ".join(f"{each.what}: {each.why}" for each in left)
        raise InputError(f"no model can be tried. {reasons}")
    spaces.sort(key=lambda space: -space.rate.tokens_per_second)
    spaces, refused = _within(spaces, limits or Limits(), grid.modes)
    left += refused
    if not spaces:
        reasons = "; ".join(f"{each.what}: {each.why}" for each in left)
        raise InputError(f"no model keeps the limits. {reasons}")
    available = budget.seconds * _EMBEDDING_SHARE - reserved
    kept, documents, more = _fitted(spaces, source, available, sample, budget.seconds)
    return _planned(grid, kept, documents, source, [*left, *more])


def _affordable(name: str, grid: Grid, source: Source, allowed: float) -> float:
    """What a hosted model will cost; refused where that is more than allowed, or not known."""
    looked_at = sampled(source.documents, most=_LOOKED_AT)
    tokens = sum(
        hosted_tokens(chunking, looked_at, of=len(source.documents))[1]
        for chunking in grid.chunkers
    )
    money = price_of(name, tokens)
    if money is None:
        raise InputError(f"nothing is sent to {name}: its price is not known")
    if money > allowed:
        raise InputError(
            f"nothing was sent to {name}: about {tokens:,} tokens would cost ${money:.2f} and "
            f"${allowed:.2f} are allowed; raise --max-money"
        )
    return money


def _measured(
    name: str,
    precision: str,
    grid: Grid,
    source: Source,
    load: Callable[[ModelChoice], Encoder],
    cache: VectorCache | None,
    clock: Clock,
) -> _Space:
    begun = clock()
    encoder = load(ModelChoice(name, precision=precision))
    loading = clock() - begun
    looked_at = sampled(source.documents, most=_LOOKED_AT)
    chunker = chunker_for(grid.chunkers[0], encoder)
    texts = [embedding_text(c) for document in looked_at[:32] for c in chunker.chunk(document)]
    rate = rate_of(encoder, texts, cache=cache, load_seconds=loading, clock=clock)
    forecasts = [
        forecast_model(
            encoder,
            chunking,
            looked_at,
            of=len(source.documents),
            name=name,
            rate=rate,
            cache=cache,
        )
        for chunking in grid.chunkers
    ]
    return _Space(name, precision, encoder.card, rate, forecasts)


def _within(
    spaces: Sequence[_Space], limits: Limits, modes: Sequence[Mode]
) -> tuple[list[_Space], list[NotTried]]:
    """Leave out models that cannot keep the limits, whatever is built around them."""
    kept, left = [], []
    for space in spaces:
        broken = limits.broken(space.rate.query_seconds, space.card.size_bytes)
        if broken and set(modes) != {Mode.LEXICAL}:
            left.append(NotTried(space.name, f"the model alone {broken}"))
        else:
            kept.append(space)
    return kept, left


def _fitted(
    spaces: list[_Space], source: Source, available: float, sample: int | None, budget: float
) -> tuple[list[_Space], int, list[NotTried]]:
    """Fast models that fit with enough documents, and how many documents."""
    total = len(source.documents)
    fewest = min(total, max(_FEWEST, source.needed))
    left: list[NotTried] = []
    while True:
        needed = sum(each.seconds for space in spaces for each in space.forecasts)
        fits = total if needed <= available else int(total * available / needed)
        documents = min(total, sample) if sample is not None else fits
        enough = fits >= (documents if sample is not None else fewest)
        if enough:
            return spaces, max(documents, source.needed), left
        slowest = spaces[-1]
        seconds = sum(each.seconds for each in slowest.forecasts)
        share = (documents if sample is not None else fewest) / total
        if len(spaces) > 1:
            spaces = spaces[:-1]
            left.append(
                NotTried(
                    slowest.name,
                    f"embedding {round(share * total):,} documents for it takes about "
                    f"{seconds * share:,.0f} s at {slowest.rate.tokens_per_second:,.0f} tokens a "
                    f"second; a budget of {budget:,.0f} s leaves {available:,.0f} s for all models",
                )
            )
        elif len(slowest.forecasts) > 1:
            dropped = slowest.forecasts.pop()
            left.append(
                NotTried(
                    f"{slowest.name} · {dropped.chunking}",
                    f"takes about {dropped.seconds * share:,.0f} s, beyond the budget",
                )
            )
        else:
            least = seconds * share * budget / available
            raise InputError(
                f"the budget is too small for one candidate: {slowest.name} with "
                f"{slowest.forecasts[0].chunking} needs about {seconds * share:,.0f} s for "
                f"{round(share * total):,} of {total:,} documents at "
                f"{slowest.rate.tokens_per_second:,.0f} tokens a second, and {budget:,.0f} s leave "
                f"{available:,.0f} s for embedding. Give at least "
                f"--budget {least + 1:.0f}s, a smaller --sample, or a "
                "faster model"
            )


def _planned(
    grid: Grid, spaces: list[_Space], documents: int, source: Source, left: list[NotTried]
) -> Plan:
    share = documents / len(source.documents)
    chunkings = {each.chunking for space in spaces for each in space.forecasts}
    narrowed = replace(
        grid,
        models=tuple(dict.fromkeys(space.name for space in spaces)),
        chunkers=tuple(each for each in grid.chunkers if each in chunkings),
    )
    cards = {(space.name, space.precision): space.card for space in spaces}
    forecasts = [each for space in spaces for each in space.forecasts]
    passages = max(round(each.passages * share) for each in forecasts)
    pipelines, refused = narrowed.pipelines(cards, passages)
    if not pipelines:
        raise InputError("no candidate is left to try: widen the models, chunkers or modes")
    return Plan(
        tuple(pipelines),
        None if documents >= len(source.documents) else documents,
        (*left, *refused),
        {
            (space.name, space.precision, str(each.chunking)): each.seconds * share
            for space in spaces
            for each in space.forecasts
        },
        tuple(forecasts),
    )
