"""An old model against a new one on the same passages: neighbourhoods, hits, and quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nearfield.collection.calibrating import Removed, remove_sentence
from nearfield.collection.reader import CollectionReader
from nearfield.errors import InputError
from nearfield.evaluation.significance import LEVEL, Interval, bootstrap, randomisation_test
from nearfield.metric import pairwise
from nearfield.types import Role

__all__ = ["ModelComparison", "compare_models"]

_DEPTH = 10
_FEWEST = 10


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """What changes when one collection takes the place of another.

    Attributes
    ----------
    old, new : str
        Models.
    passages : int
        Passages whose ten nearest were compared.
    overlap : Interval
        Mean share of the ten nearest passages that stay.
    questions : int
        Given questions.
    hits_overlap : Interval or None
        Mean share of their ten hits that stay; None without questions.
    asked : int
        Sentences that were taken out of their passages and asked.
    old_quality, new_quality : Interval or None
        nDCG@10 of finding the passage again; None where too few passages have three sentences.
    p : float or None
        Of the paired test whether the two differ.
    """

    old: str
    new: str
    passages: int
    overlap: Interval
    questions: int
    hits_overlap: Interval | None
    asked: int
    old_quality: Interval | None
    new_quality: Interval | None
    p: float | None

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, ``tie``, or ``unknown``."""
        if self.old_quality is None or self.new_quality is None or self.p is None:
            return "unknown"
        if self.p >= LEVEL:
            return "tie"
        return "better" if self.new_quality.mean > self.old_quality.mean else "worse"


def compare_models(
    old: CollectionReader,
    new: CollectionReader,
    *,
    questions: Sequence[str] = (),
    sampled: int = 200,
    seed: int = 0,
) -> ModelComparison:
    """Compare two collections of the same passages by two models.

    Quality needs no labels: a sentence is taken out of a passage and asked, and the passage
    without it should be found again among all others.

    Parameters
    ----------
    old, new : CollectionReader
    questions : sequence of str
        Real questions, whose hits are compared.
    sampled : int
        Passages that are looked at.
    seed : int

    Raises
    ------
    InputError
        The two have fewer than 12 passages in common.
    """
    with old.store.view() as view:
        sample = view.sample(sampled)
    known = new.store.existing([chunk.id for chunk in sample])
    sample = [chunk for chunk in sample if chunk.id in known]
    ids = [chunk.id for chunk in sample]
    if min(old.count(), new.count()) <= _DEPTH + 1 or not ids:
        raise InputError(
            f"{old.count()} and {new.count()} passages are too few to compare ten neighbours of"
        )
    overlaps = _shared(_near(old, ids), _near(new, ids))
    hits = _shared(_hits(old, questions), _hits(new, questions)) if questions else None
    chance = np.random.default_rng(seed)
    removed = [each for each in (remove_sentence(c, chance) for c in sample) if each is not None]
    first = second = p = None
    if len(removed) >= _FEWEST:
        before, after = _found_again(old, removed), _found_again(new, removed)
        first, second, p = bootstrap(before), bootstrap(after), randomisation_test(before, after)
    return ModelComparison(
        old=old.model,
        new=new.model,
        passages=len(ids),
        overlap=bootstrap(overlaps),
        questions=len(questions),
        hits_overlap=None if hits is None else bootstrap(hits),
        asked=len(removed),
        old_quality=first,
        new_quality=second,
        p=p,
    )


def _near(collection: CollectionReader, ids: Sequence[str]) -> list[set[str]]:
    """Ids of the ten passages nearest to each, without itself."""
    found = collection.store.search(collection.store.vectors(ids), _DEPTH + 1)
    return [
        set([hit.chunk.id for hit in hits if hit.chunk.id != own][:_DEPTH])
        for own, hits in zip(ids, found, strict=True)
    ]


def _hits(collection: CollectionReader, questions: Sequence[str]) -> list[set[str]]:
    vectors = collection.encoder.encode(list(questions), role=Role.QUERY)
    return [{hit.chunk.id for hit in hits} for hits in collection.store.search(vectors, _DEPTH)]


def _shared(before: list[set[str]], after: list[set[str]]) -> npt.NDArray[np.float64]:
    return np.array(
        [len(a & b) / max(1, min(_DEPTH, len(a))) for a, b in zip(before, after, strict=True)]
    )


def _found_again(
    collection: CollectionReader, removed: Sequence[Removed]
) -> npt.NDArray[np.float64]:
    """nDCG@10 of each passage, without its sentence, among all others."""
    store, encoder = collection.store, collection.encoder
    questions = encoder.encode([each.sentence for each in removed], role=Role.QUERY)
    rests = encoder.encode(
        [each.rest for each in removed], role=Role.DOCUMENT, observe=lambda _: None
    )
    found = store.search(questions, _DEPTH + 1)
    gains = np.zeros(len(removed))
    for at, (each, hits) in enumerate(zip(removed, found, strict=True)):
        others = [hit.score for hit in hits if hit.chunk.id != each.chunk.id][:_DEPTH]
        own = float(pairwise(questions[at : at + 1], rests[at : at + 1], store.metric)[0, 0])
        rank = 1 + sum(score > own for score in others)
        gains[at] = 1.0 / np.log2(1 + rank) if rank <= _DEPTH else 0.0
    return gains
