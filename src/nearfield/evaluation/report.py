"""What an evaluation found, with everything that is needed to find it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from nearfield.errors import InputError
from nearfield.evaluation.intervals import Interval
from nearfield.evaluation.measured import Predictions
from nearfield.evaluation.options import EvaluationOptions
from nearfield.evaluation.tasks.task import TaskKind
from nearfield.types import Problem

__all__ = ["Encoded", "Report", "SystemCard", "TaskCard"]

_FORMAT = 1
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class SystemCard:
    """Who was measured.

    Attributes
    ----------
    name : str
        As tables show it.
    model : str
        The encoder; empty for a search by words alone.
    fingerprint, precision, runtime : str
        Of the encoder.
    dimension : int
    max_tokens : int or None
    search : str
        How documents were ranked, such as ``exact`` or ``hybrid > ms-marco-MiniLM-L-12-v2``.
    """

    name: str
    model: str
    fingerprint: str
    precision: str
    runtime: str
    dimension: int
    max_tokens: int | None
    search: str = "exact"


@dataclass(frozen=True, slots=True)
class TaskCard:
    """What was measured on.

    Attributes
    ----------
    name, split : str
    kind : TaskKind
    digest : str
        SHA-256 of everything that decides the figures; equal digests, equal data.
    sizes : mapping of str to int
    """

    name: str
    kind: TaskKind
    split: str
    digest: str
    sizes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Encoded:
    """What went through the model and what was lost.

    Attributes
    ----------
    texts, truncated, empty : mapping of str to int
        By role: how many, how many lost their tails, how many have no token the model knows.
    tokens : int
    cached : int
        Texts whose vectors came out of the cache.
    """

    texts: Mapping[str, int]
    truncated: Mapping[str, int]
    empty: Mapping[str, int]
    tokens: int
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of one system on one task.

    Attributes
    ----------
    system : SystemCard
    task : TaskCard
    scores : mapping of str to Interval
        By measure, with the interval of each; the first is the main one.
    items : tuple of str
        What was measured one by one, such as query ids.
    each : mapping of str to tuple of float
        Value of each item, in the order of `items`, for measures that are means over them.
    predictions : Predictions or None
        What was predicted, where the main measure is no such mean.
    encoded : Encoded
    seconds : mapping of str to float
        ``encode`` and ``total``, by the clock.
    options : EvaluationOptions
        Seed and level among them.
    versions : mapping of str to str
        Of packages and of Python.
    hardware : mapping
        Processor, cores, memory, system; no names.
    date : str
        ISO 8601, UTC.
    problems : tuple of Problem
        What is wrong with the data.
    notes : tuple of str
        What should be known about the figures.
    """

    system: SystemCard
    task: TaskCard
    scores: Mapping[str, Interval]
    items: tuple[str, ...]
    each: Mapping[str, tuple[float, ...]]
    predictions: Predictions | None
    encoded: Encoded
    seconds: Mapping[str, float]
    options: EvaluationOptions
    versions: Mapping[str, str]
    hardware: Mapping[str, Any]
    date: str
    problems: tuple[Problem, ...] = field(default=())
    notes: tuple[str, ...] = ()

    @property
    def main(self) -> str:
        """The main measure."""
        return next(iter(self.scores))

    @property
    def score(self) -> float:
        """Value of the main measure."""
        return self.scores[self.main].mean

    def to_dict(self) -> dict[str, Any]:
        """As :meth:`to_json`, before it becomes text."""
        whole = asdict(self)
        whole["each"] = {
            name: [round(value, _DECIMALS) for value in values]
            for name, values in self.each.items()
        }
        return {"format": _FORMAT, "main": self.main, "score": self.score, **whole}

    def to_json(self) -> str:
        """One JSON document; :meth:`from_json` reads it again.

        Values of single items are rounded to six decimals; everything else is exact.
        """
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The report that :meth:`to_json` wrote.

        Raises
        ------
        InputError
            It is no report, or one of another format.
        """
        try:
            whole = json.loads(text)
            found = whole.pop("format")
            if found != _FORMAT:
                raise InputError(f"the report has format {found}, this version reads {_FORMAT}")
            del whole["main"], whole["score"]
            task = whole["task"]
            whole |= {
                "system": SystemCard(**whole["system"]),
                "task": TaskCard(**task | {"kind": TaskKind.of(task["kind"])}),
                "scores": {name: Interval(**each) for name, each in whole["scores"].items()},
                "items": tuple(whole["items"]),
                "each": {name: tuple(values) for name, values in whole["each"].items()},
                "predictions": _predictions(whole["predictions"]),
                "encoded": Encoded(**whole["encoded"]),
                "options": _options(whole["options"]),
                "problems": tuple(Problem(**each) for each in whole["problems"]),
                "notes": tuple(whole["notes"]),
            }
            return cls(**whole)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"this is no report of an evaluation: {error!r}") from error

    def __str__(self) -> str:
        """A few lines for people: who, what, every figure with its interval, what was lost."""
        sizes = " · ".join(f"{count:,} {noun}" for noun, count in self.task.sizes.items())
        about = f"{self.task.name} ({self.task.kind}, {self.task.split})"
        lines = [
            f"{self.system.name} on {about}: {sizes}",
            *(
                f"  {name:<18}{each.mean:8.4f}   {self.options.level:.0%} interval "
                f"{each.low:.4f} to {each.high:.4f}"
                for name, each in self.scores.items()
            ),
            *(f"  {line}" for line in self.remarks()),
        ]
        return "\n".join(lines)

    def remarks(self) -> list[str]:
        """What was cut, what is wrong with the data, what should be known; one line each."""
        lines = []
        for role, count in self.encoded.truncated.items():
            if count:
                of = self.encoded.texts[role]
                limit = f"{self.system.max_tokens} tokens" if self.system.max_tokens else "limit"
                lines.append(f"{count:,} of {of:,} texts ({role}) were cut at {limit}")
        for role, count in self.encoded.empty.items():
            if count:
                lines.append(f"{count:,} texts ({role}) have no word that the model knows")
        return [*lines, *(problem.reason for problem in self.problems), *self.notes]


def _predictions(found: Mapping[str, Any] | None) -> Predictions | None:
    if found is None:
        return None
    return Predictions(tuple(found["truth"]), tuple(found["predicted"]))


def _options(found: dict[str, Any]) -> EvaluationOptions:
    return EvaluationOptions(**found | {"measures": tuple(found["measures"])})
