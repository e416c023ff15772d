"""Rankings of systems over several tasks of one kind.

On each task systems are ranked, equal figures share their mean rank, and the ranks are added up.
Only figures that everybody has are added: a system that lacks a task is listed, not ranked.

References
----------
Borda, "Mémoire sur les élections au scrutin", 1781. Colombo et al., "What are the best systems? New
perspectives on NLP benchmarking", 2022, on ranks in place of means of figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from nearfield.errors import InputError
from nearfield.evaluation.metrics.correlation import ranks
from nearfield.evaluation.records import Origin, Record
from nearfield.evaluation.tasks.task import TaskKind
from nearfield.types import Word

__all__ = ["Board", "Method", "Place", "leaderboard"]

_DECIMALS = 4
"""Figures that agree so far are equal: more than any published one has."""

_SAME = {"stsb": "stsbenchmark", "stsbenchmark": "stsbenchmark"}
_ENDINGS = re.compile(r"(classification|clustering|reranking|retrieval|bitextmining)(v\d+)?$")


class Method(Word):
    """How ranks are added up."""

    BORDA = "borda"
    MEAN_RANK = "mean-rank"


@dataclass(frozen=True, slots=True)
class Place:
    """One system's row.

    Attributes
    ----------
    system : str
    place : float or None
        From 1, ties share their mean; None for a system that lacks a task.
    points : float or None
        Borda points (systems beaten, over all tasks) or the mean rank.
    figures : dict of str to Record
        By task.
    missing : tuple of str
        Tasks that it lacks.
    """

    system: str
    place: float | None
    points: float | None
    figures: dict[str, Record]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Board:
    """The ranking for one kind of task.

    Attributes
    ----------
    kind : TaskKind
    method : Method
    tasks : tuple of str
    places : tuple of Place
        Best first; systems that lack a task come last.
    """

    kind: TaskKind
    method: Method
    tasks: tuple[str, ...]
    places: tuple[Place, ...]


def leaderboard(
    records: Iterable[Record],
    *,
    kind: TaskKind | str | None = None,
    method: Method | str = Method.BORDA,
) -> list[Board]:
    """Rank systems for each kind of task.

    Where a figure was measured here and imported as well, the measured one counts.

    Parameters
    ----------
    records : iterable of Record
    kind : TaskKind or str, optional
        Only this one.
    method : {"borda", "mean-rank"}

    Examples
    --------
    >>> def figure(system, task, value):
    ...     return Record(system, task, TaskKind.STS, "spearman", value, Origin.MEASURED)
    >>> board = leaderboard(
    ...     [figure("a", "one", 0.8), figure("b", "one", 0.7), figure("b", "two", 0.7)]
    ... )[0]
    >>> [(place.system, place.place, place.missing) for place in board.places]
    [('b', 1.0, ()), ('a', None, ('two',))]
    """
    asked, chosen = TaskKind.of(kind) if kind is not None else None, Method.of(method)
    kinds: dict[TaskKind, list[Record]] = {}
    for record in records:
        if asked is None or record.kind is asked:
            kinds.setdefault(record.kind, []).append(record)
    return [_board(each, kinds[each], chosen) for each in TaskKind if each in kinds]


def _board(kind: TaskKind, records: Sequence[Record], method: Method) -> Board:
    figures: dict[str, dict[str, Record]] = {}
    titles: dict[str, str] = {}
    # Imported ones first, so that measured ones take their places; of these the newest.
    for record in sorted(records, key=lambda r: (r.origin is Origin.MEASURED, r.date)):
        key = _key(record.task)
        titles.setdefault(key, record.task)
        figures.setdefault(record.system, {})[key] = record
    _one_measure(figures)
    tasks = tuple(sorted(titles))
    whole = [system for system, found in figures.items() if len(found) == len(tasks)]
    places = _ranked({s: figures[s] for s in whole}, tasks, method, titles)
    for system in sorted(set(figures) - set(whole)):
        lacking = tuple(titles[task] for task in tasks if task not in figures[system])
        named = {titles[task]: record for task, record in figures[system].items()}
        places.append(Place(system, None, None, named, lacking))
    return Board(kind, method, tuple(titles[task] for task in tasks), tuple(places))


def _ranked(
    figures: dict[str, dict[str, Record]],
    tasks: Sequence[str],
    method: Method,
    titles: dict[str, str],
) -> list[Place]:
    if not figures:
        return []
    names = list(figures)
    values = np.array([[figures[s][t].value for t in tasks] for s in names]).round(_DECIMALS)
    by_task = np.stack([ranks(-values[:, column]) for column in range(len(tasks))], axis=1)
    if method is Method.BORDA:
        points = (len(names) - by_task).sum(1)
        final = ranks(-points)
    else:
        points = by_task.mean(1)
        final = ranks(points)
    order = np.lexsort((np.array(names), final))
    return [
        Place(
            names[at],
            float(final[at]),
            float(points[at]),
            {titles[task]: figures[names[at]][task] for task in tasks},
        )
        for at in order
    ]


def _one_measure(figures: dict[str, dict[str, Record]]) -> None:
    """Figures of one task by different measures cannot be ranked."""
    seen: dict[str, Record] = {}
    for found in figures.values():
        for task, record in found.items():
            first = seen.setdefault(task, record)
            if record.measure != first.measure and "main_score" not in (
                record.measure,
                first.measure,
            ):
                raise InputError(
                    f"on {record.task}, {first.system} was measured by {first.measure} and "
                    f"{record.system} by {record.measure}: measure both alike"
                )


def _key(task: str) -> str:
    """One name for a task under its names here and in MTEB: Banking77Classification, banking77."""
    plain = re.sub(r"[^a-z0-9]", "", task.lower())
    plain = _ENDINGS.sub("", plain) or plain
    return _SAME.get(plain, plain)
