"""What a migration would take, before it begins."""

from __future__ import annotations

import time
from dataclasses import dataclass

from nearfield.collection.migrating import Migration
from nearfield.collection.migration_copy import Target
from nearfield.collection.reader import CollectionReader
from nearfield.models.cache import CachedEncoder
from nearfield.models.paid import PaidEncoder
from nearfield.passage import embedding_text
from nearfield.stores.local.vectors import record_bytes
from nearfield.types import BatchReport, Role

__all__ = ["Plan", "plan"]

_TIMED = 48
"""Passages that are embedded to tell how long all of them take."""

_COUNTED = 1000
"""Passages whose tokens are counted to tell how many would be cut."""

_SPECIAL = 2
"""Tokens that a model adds around a text."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A forecast; nothing was written.

    Attributes
    ----------
    old, new : str
        Models.
    old_dimension, new_dimension : int
    passages, copied : int
        All, and those that an interrupted run copied already.
    seconds : float
        Of embedding the rest, by the speed of a sample.
    size_bytes : int
        Of the new vectors and a second copy of the texts.
    max_tokens : int or None
        What the new model reads.
    truncated : float
        Share of the passages that the new model would cut, in [0, 1], by a sample.
    """

    old: str
    new: str
    old_dimension: int
    new_dimension: int
    passages: int
    copied: int
    seconds: float
    size_bytes: int
    max_tokens: int | None
    truncated: float


def plan(migration: Migration, wanted: Target) -> Plan:
    """Forecast a migration from a sample of the passages.

    Parameters
    ----------
    migration : Migration
    wanted : Target
    """
    stage = migration.stage()
    card = wanted.encoder.card
    with CollectionReader(migration.path) as here:
        with here.store.view() as view:
            texts = [embedding_text(chunk) for chunk in view.sample(_COUNTED)]
        old_dimension = here.store.dimension
    database = (migration.path / "collection.db").stat().st_size
    begun = time.perf_counter()
    # What is bought here is not bought again when the passages are copied.
    paid = isinstance(wanted.encoder, PaidEncoder)
    encoder = CachedEncoder(wanted.encoder) if paid else wanted.encoder
    encoder.encode(texts[:_TIMED], role=Role.DOCUMENT, observe=_truncation_is_counted)
    each = (time.perf_counter() - begun) / max(1, len(texts[:_TIMED]))
    longest = None if card.max_tokens is None else card.max_tokens - _SPECIAL
    counts = wanted.encoder.tokenizer.count(texts) if longest is not None else []
    cut = sum(count > longest for count in counts) if longest is not None else 0
    return Plan(
        old=stage.model,
        new=wanted.name,
        old_dimension=old_dimension,
        new_dimension=card.dimension,
        passages=stage.passages,
        copied=stage.copied,
        seconds=each * max(0, stage.passages - stage.copied),
        size_bytes=database + stage.passages * record_bytes(card.dimension),
        max_tokens=card.max_tokens,
        truncated=cut / len(texts) if texts else 0.0,
    )


def _truncation_is_counted(_: BatchReport) -> None:
    """By the tokens of a larger sample, below."""
