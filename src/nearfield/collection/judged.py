"""Calibrate a collection with questions whose answers somebody knows.

Each question is asked twice: as it is, and once more with everything left out that answers it. The
first shows what scores look like when there is an answer, the second when there is none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from nearfield.errors import InputError
from nearfield.filters import Filter, In, Not, Or
from nearfield.search.calibration import Calibration, Evidence, evidence, fit
from nearfield.search.options import Mode
from nearfield.types import FILE_FIELD, Hit

__all__ = ["Judged", "calibrate_by_questions", "read_judged"]

Judged: TypeAlias = Mapping[str, Sequence[str]]
"""Question → ids of passages, documents or files that answer it; none where nothing does."""

_SHOWN = 3


def calibrate_by_questions(
    search: Callable[[str, Filter | None], list[Hit]],
    count: Callable[[Filter], int],
    judged: Judged,
    mode: Mode,
) -> Calibration:
    """Fit a calibration of one mode of search on judged questions.

    Parameters
    ----------
    search : callable
        Hits of a question among the passages that match a filter.
    count : callable
        How many passages match a filter.
    judged : mapping of str to sequence of str
    mode : Mode
        What `search` searches by.

    Raises
    ------
    InputError
        An answer is not in the collection, or there are too few examples of either kind.
    """
    answers = sorted({each for named in judged.values() for each in named})
    strange = [each for each in answers if count(_named([each])) == 0]
    if strange:
        raise InputError(
            f"{len(strange)} of {len(answers)} answers are neither passages nor documents nor "
            f"files of the collection ({', '.join(strange[:_SHOWN])}): check their ids"
        )
    found: list[Evidence] = []
    relevant: list[bool] = []
    for question, named in judged.items():
        asked: list[Filter | None] = [None, Not(_named(named))] if named else [None]
        for where in asked:
            hits = search(question, where)
            said = evidence([hit.score for hit in hits])
            if said is not None:
                found.append(said)
                relevant.append(where is None and _answers(hits[0], named))
    return fit(found, relevant, mode=mode.value)


def read_judged(path: Path) -> dict[str, list[str]]:
    """Read questions from JSONL: ``{"question": "…", "relevant": ["id", …]}`` a line.

    Raises
    ------
    InputError
        A line is something else; the message names it.
    """
    judged: dict[str, list[str]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            question, named = record["question"], record["relevant"]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}, line {number}: {error!r}: {_EXPECTED}") from None
        right = isinstance(question, str) and isinstance(named, list)
        if not right or not all(isinstance(each, str) for each in named):
            raise InputError(f"{path}, line {number} holds other types: {_EXPECTED}")
        judged.setdefault(question, []).extend(named)
    return judged


_EXPECTED = 'expected {"question": "…", "relevant": ["id of a passage, document or file", …]}'


def _named(ids: Sequence[str]) -> Filter:
    values = tuple(ids)
    return Or(tuple(In(field, values) for field in ("id", "document", FILE_FIELD)))


def _answers(hit: Hit, named: Sequence[str]) -> bool:
    return not {hit.chunk.id, hit.chunk.document_id, hit.chunk.source}.isdisjoint(named)
