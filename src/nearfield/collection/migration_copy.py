"""The copying part of a migration: passages from a collection to its shadow, batch by batch."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nearfield.collection.options import Chunking, chunker_for
from nearfield.collection.reasons import TRUNCATED, UNUSABLE
from nearfield.errors import UnknownId
from nearfield.models.cache import CachedEncoder
from nearfield.passage import embedding_text
from nearfield.protocols import Encoder
from nearfield.stores.local import LocalStore, SourceState, chunk_digest
from nearfield.types import BatchReport, Chunk, Problem, Role

__all__ = ["Copied", "Copy", "Target", "respecified"]

_BATCH = 256

Listener = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Target:
    """A model to move to.

    Attributes
    ----------
    name : str
        As the collection will find it again.
    encoder : Encoder
    dimensions : int or None
        Components that stay; None for all.
    """

    name: str
    encoder: Encoder
    dimensions: int | None = None


@dataclass(frozen=True, slots=True)
class Copied:
    """What a round of copying did.

    Attributes
    ----------
    written : int
        Passages that were embedded and stored.
    kept : int
        Passages that were there already.
    deleted : int
        Passages that the collection no longer has.
    truncated, left_out : int
        Passages that the new model cuts at its limit, and that it has no vector for, in all.
    """

    written: int = 0
    kept: int = 0
    deleted: int = 0
    truncated: int = 0
    left_out: int = 0

    def __add__(self, later: Copied) -> Copied:
        """Both rounds: what was done adds up, and the later one says how things are."""
        return Copied(
            self.written + later.written,
            later.kept - self.written,
            self.deleted + later.deleted,
            later.truncated,
            later.left_out,
        )


class Copy:
    """A shadow that takes in what it lacks.

    Parameters
    ----------
    shadow : LocalStore
        Open for writing.
    chosen : Target
    ledger : Path
        File of what the new model cuts or cannot read, a JSON object a line; written before the
        passages are, so that a killed run has noted all that it stored.
    """

    def __init__(self, shadow: LocalStore, chosen: Target, ledger: Path) -> None:
        self._shadow = shadow
        self._chosen = chosen
        self._encoder = CachedEncoder(chosen.encoder)
        self._ledger = ledger
        self._noted = _read(ledger)

    def take(self, here: LocalStore, listener: Listener | None) -> Copied:
        """Bring the shadow up to the state of the collection."""
        ids = [chunk.id for chunk, _ in here.scan()]
        written = kept = 0
        for start in range(0, len(ids), _BATCH):
            part = ids[start : start + _BATCH]
            fresh = self._lacking(here, part)
            kept += len(part) - len(fresh)
            if fresh:
                written += self._write(fresh)
            if listener is not None:
                listener(start + len(part), len(ids))
        known = set(ids)
        gone = [chunk.id for chunk, _ in self._shadow.scan() if chunk.id not in known]
        deleted = self._shadow.delete(gone) if gone else 0
        reasons = Counter(why for id_, (_, why) in self._noted.items() if id_ in known)
        return Copied(written, kept, deleted, reasons[TRUNCATED], reasons[UNUSABLE])

    def finish(self, here: LocalStore, spec: Respecify | None) -> None:
        """Take over the ledger of files, with what the new model cuts instead of the old one."""
        states = here.sources()
        rename = None if spec is None else spec(states, here, self._chosen.encoder)
        known = {state.path for state in states}
        of_source: dict[str, list[Problem]] = {}
        for chunk, _ in here.scan():
            if chunk.id in self._noted:
                problem = Problem(chunk.id, self._noted[chunk.id][1])
                of_source.setdefault(chunk.source, []).append(problem)
        for state in states:
            others = [p for p in state.problems if p.reason not in (TRUNCATED, UNUSABLE)]
            problems = (*others, *of_source.get(state.path, ()))
            self._shadow.record_source(
                replace(
                    state,
                    spec=state.spec if rename is None else rename(state.spec),
                    problems=problems,
                )
            )
        for state in self._shadow.sources():
            if state.path not in known:
                self._shadow.remove_source(state.path)

    def _lacking(self, here: LocalStore, ids: Sequence[str]) -> list[Chunk]:
        wanted, have = here.existing(ids), self._shadow.existing(ids)
        missing = [id_ for id_ in ids if id_ in wanted and wanted[id_] != have.get(id_)]
        missing = [id_ for id_ in missing if self._noted.get(id_) != (wanted[id_], UNUSABLE)]
        if not missing:
            return []
        try:
            return here.get(missing)
        except UnknownId:  # deleted meanwhile; the next round sees what is left
            return []

    def _write(self, chunks: Sequence[Chunk]) -> int:
        cut: set[int] = set()

        def observe(report: BatchReport) -> None:
            cut.update(report.truncated)

        texts = [embedding_text(chunk) for chunk in chunks]
        rows = self._encoder.encode(texts, role=Role.DOCUMENT, observe=observe)
        sound = np.isfinite(rows).all(axis=1) & rows.any(axis=1)
        why = dict.fromkeys(sorted(cut), TRUNCATED)
        why |= dict.fromkeys(np.flatnonzero(~sound).tolist(), UNUSABLE)
        self._note({chunks[at].id: (chunk_digest(chunks[at]), said) for at, said in why.items()})
        kept = np.flatnonzero(sound)
        self._shadow.upsert([chunks[at] for at in kept.tolist()], np.ascontiguousarray(rows[kept]))
        return len(kept)

    def _note(self, reasons: dict[str, tuple[str, str]]) -> None:
        fresh = {id_: why for id_, why in reasons.items() if self._noted.get(id_) != why}
        if not fresh:
            return
        with self._ledger.open("a", encoding="utf-8") as out:
            for id_, (digest, reason) in fresh.items():
                out.write(json.dumps({"id": id_, "digest": digest, "reason": reason}) + "\n")
            out.flush()
            os.fsync(out.fileno())
        self._noted |= fresh


Rename = Callable[[str], str]
Respecify = Callable[[Sequence[SourceState], LocalStore, Encoder], Rename]


def respecified(states: Sequence[SourceState], here: LocalStore, encoder: Encoder) -> Rename:
    """How files are noted so that the next ``index`` takes unchanged ones for unchanged.

    The settings of a file name the vocabulary that its passages were sized in. Passages are kept
    as they are, so files that were up to date are noted with the new model's vocabulary; those that
    were not are left to be read again.
    """
    specs = Counter(state.spec for state in states if state.chunks)
    if not specs:
        return str
    (current, _), *_ = specs.most_common(1)
    chunking = Chunking(**json.loads(here.properties["chunking"]))
    found = re.fullmatch(r"(\S+ ).*( ReadLimits\(.*\))", current)
    if found is None:
        return str
    renewed = f"{found[1]}{chunker_for(chunking, encoder).spec}{found[2]}"
    return lambda spec: renewed if spec == current else spec


def _read(ledger: Path) -> dict[str, tuple[str, str]]:
    return dict(_entries(ledger)) if ledger.is_file() else {}


def _entries(ledger: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    for line in ledger.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
            yield str(entry["id"]), (str(entry["digest"]), str(entry["reason"]))
        except (ValueError, LookupError, TypeError):  # the end of a line that a kill cut off
            continue
