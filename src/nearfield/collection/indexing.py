"""Files into a collection: only what changed is read, and a killed run goes on where it was.

A file is unchanged when its bytes hash as before and it was cut with the same settings. Small
files are replaced in one transaction, many at a time; a file of many passages is written slice
by slice, and passages that an interrupted run stored already are not embedded again.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from nearfield.collection.meter import Meter
from nearfield.collection.options import IndexOptions
from nearfield.collection.reasons import TRUNCATED, UNUSABLE
from nearfield.collection.report import IndexReport, ProgressListener
from nearfield.documents.readers import holds_records, read
from nearfield.documents.walk import FoundFile, walk
from nearfield.errors import InputError
from nearfield.passage import embedding_text
from nearfield.protocols import Chunker, Encoder
from nearfield.stores.local import LocalStore, SourceState, chunk_digest
from nearfield.types import BatchReport, Chunk, Document, FloatArray, Problem, Role

__all__ = ["Indexer", "recipe", "sha256_of"]

_RECIPE = "passage/1"
"""Version of the way from file to encoder input; a new one re-reads every file."""

_LARGE_FILE = 100_000
"""Bytes from which a file of records is read twice, so that progress can tell its share."""


@dataclass(slots=True)
class _Work:
    """A file on its way into the store."""

    file: FoundFile
    sha256: str
    known: bool
    chunks: list[Chunk] = field(default_factory=list)
    stored: set[str] = field(default_factory=set)
    """Ids of its chunks that are in the store and current."""
    sliced: bool = False
    documents: int = 0
    passages: int = 0
    problems: list[Problem] = field(default_factory=list)
    done: bool = False


class Indexer:
    """One run over some roots.

    Parameters
    ----------
    store : LocalStore
        Open for writing.
    encoder : Encoder
    chunker : Chunker
    options : IndexOptions
    listener : callable, optional
        Told where the run stands, several times a second at most.
    """

    def __init__(
        self,
        store: LocalStore,
        encoder: Encoder,
        chunker: Chunker,
        options: IndexOptions,
        listener: ProgressListener | None = None,
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._chunker = chunker
        self._options = options
        self._listener = listener
        self._spec = recipe(chunker, options)
        self._queue: list[_Work] = []
        self._queued = 0
        self._report = IndexReport()
        self._meter = Meter(listener, ())

    def run(self, roots: Sequence[Path]) -> IndexReport:
        """Bring the store up to date with the files under `roots`.

        Raises
        ------
        InputError
            A root does not exist; nothing was changed.
        StoreError
            The store cannot be written; everything before is kept.
        """
        begun = time.monotonic()
        real = [self._existing(root) for root in roots]
        files, unreadable = self._find(real)
        self._report.files = len(files)
        self._meter = Meter(self._listener, files)
        for file in files:
            self._meter.begin(file)
            self._take(file)
            self._meter.read(1.0)
            if self._queued >= self._options.batch:
                self._flush()
            elif not self._queue:
                self._meter.settle(self._stored())
        self._flush()
        self._remove_gone(real, {str(file.path) for file in files}, unreadable)
        self._report.seconds = time.monotonic() - begun
        return self._report

    @staticmethod
    def _existing(root: Path) -> Path:
        if not root.exists():
            raise InputError(f"{root} does not exist: name an existing file or folder")
        return root.resolve()

    def _find(self, roots: Sequence[Path]) -> tuple[list[FoundFile], list[str]]:
        files: dict[Path, FoundFile] = {}
        unreadable: list[str] = []
        for root in roots:
            found_here = walk(root, options=self._options.walk)
            for found in found_here:
                if isinstance(found, Problem):
                    self._report.problems.append(found)
                    unreadable.append(found.source)
                else:
                    files.setdefault(found.path, found)
            self._report.ignored += sum(found_here.skipped.values())
        return list(files.values()), unreadable

    def _take(self, file: FoundFile) -> None:
        state = self._store.source(str(file.path))
        same_stat = state is not None and (state.size, state.mtime_ns) == (file.size, file.mtime_ns)
        if state and state.spec == self._spec and same_stat and self._options.trust_stat:
            self._leave(file, state)
            return
        try:
            sha256 = sha256_of(file.path)
        except OSError as error:
            self._fail(file, state, [Problem(str(file.path), _reason(error))])
            return
        if state and state.spec == self._spec and state.sha256 == sha256:
            if not same_stat:
                now = replace(state, size=file.size, mtime_ns=file.mtime_ns)
                self._store.record_source(now)
            self._leave(file, state)
            return
        self._read(_Work(file, sha256, known=state is not None), state)

    def _leave(self, file: FoundFile, state: SourceState) -> None:
        self._report.unchanged += 1
        self._report.problems.extend(state.problems)

    def _read(self, work: _Work, state: SourceState | None) -> None:
        file = work.file
        characters = self._characters(file)
        unread: list[Problem] = []
        self._queue.append(work)
        for item in read(file.path, limits=self._options.limits):
            if isinstance(item, Problem):
                unread.append(item)
                continue
            work.documents += 1
            self._add(work, self._chunker.chunk(item))
            characters.read += len(item.text)
            self._meter.read(characters.share)
            if self._queued >= self._options.batch:
                self._flush()
        if not work.documents and file.size:
            self._queue.pop()
            self._fail(file, state, unread)
            return
        work.done = True
        if not file.size:
            self._report.empty += 1  # no problem: an empty file is no loss, and folders hold many
            return
        work.problems.extend(unread)
        self._report.problems.extend(unread)
        self._report.documents += work.documents
        self._report.changed += work.known
        self._report.added += not work.known

    def _characters(self, file: FoundFile) -> _Share:
        if not self._meter.listens or file.size < _LARGE_FILE or not holds_records(file.path):
            return _Share()
        items = read(file.path, limits=self._options.limits)
        return _Share(sum(len(item.text) for item in items if isinstance(item, Document)))

    def _add(self, work: _Work, chunks: list[Chunk]) -> None:
        work.chunks.extend(chunks)
        self._queued += len(chunks)

    def _fail(self, file: FoundFile, state: SourceState | None, problems: list[Problem]) -> None:
        """List a file that gave nothing, and keep what an earlier run stored of it."""
        if state and state.chunks:
            kept = f"the {state.chunks} passages of its last readable version are kept"
            problems = [Problem(p.source, f"{p.reason}; {kept}") for p in problems]
        self._report.failed += 1
        self._report.problems.extend(problems)
        known = state or SourceState(
            path=str(file.path),
            size=file.size,
            mtime_ns=file.mtime_ns,
            sha256="",
            spec="unread",
            documents=0,
            chunks=0,
            problems=(),
            indexed_at=_now(),
        )
        # The old hash and settings stay with the old passages, so that the next run tries again.
        self._store.record_source(replace(known, problems=tuple(problems)))

    def _flush(self) -> None:
        """Embed what is queued and commit it."""
        queue, self._queue, self._queued = self._queue, [], 0
        fresh = [self._unwritten(work) for work in queue]
        vectors = self._encode(
            [(work, chunk) for work, own in zip(queue, fresh, strict=True) for chunk in own]
        )
        whole = _Whole()
        at = 0
        for work, unwritten in zip(queue, fresh, strict=True):
            encoded = vectors[at : at + len(unwritten)]
            at += len(unwritten)
            chunks, rows = self._sound(work, unwritten, encoded)
            work.passages += len(chunks)
            self._report.passages += len(chunks)
            if work.sliced or not work.done:
                self._replace(whole)  # first, so that passages are stored in the order of files
                whole = _Whole()
                self._write_slice(work, chunks, rows)
            else:
                whole.sources.append((self._state(work), chunks, rows))
                whole.kept |= work.stored
            work.chunks = []
            if not work.done:
                self._queue.append(work)
        self._replace(whole)
        self._meter.settle(self._stored())

    def _replace(self, whole: _Whole) -> None:
        if whole.sources:
            self._report.deleted += self._store.replace(whole.sources, keep=whole.kept)

    def _stored(self) -> int:
        return self._report.passages + self._report.kept

    def _unwritten(self, work: _Work) -> list[Chunk]:
        """Chunks that are not stored already, be it by an interrupted run or before an edit."""
        digests = self._store.existing([chunk.id for chunk in work.chunks])
        fresh = [chunk for chunk in work.chunks if digests.get(chunk.id) != chunk_digest(chunk)]
        kept = {chunk.id for chunk in work.chunks} - {chunk.id for chunk in fresh}
        work.stored |= kept
        work.passages += len(kept)
        self._report.kept += len(kept)
        return fresh

    def _write_slice(self, work: _Work, chunks: Sequence[Chunk], rows: FloatArray) -> None:
        """Write a part of a file that is too large for one transaction."""
        work.sliced = True
        self._store.upsert(chunks, rows)
        work.stored |= {chunk.id for chunk in chunks}
        if work.done:
            self._report.deleted += self._store.finish_source(self._state(work), work.stored)

    def _encode(self, owned: Sequence[tuple[_Work, Chunk]]) -> FloatArray:
        stored, encoded = self._stored(), 0

        def observe(batch: BatchReport) -> None:
            nonlocal encoded
            encoded += len(batch.indices)
            self._meter.tell(stored + encoded, encoded / len(owned))
            self._report.tokens += batch.tokens
            for position in batch.truncated:
                self._report.truncated += 1
                work, chunk = owned[position]
                self._note(work, chunk, TRUNCATED)

        texts = [embedding_text(chunk) for _, chunk in owned]
        return self._encoder.encode(texts, role=Role.DOCUMENT, observe=observe)

    def _sound(
        self, work: _Work, chunks: Sequence[Chunk], rows: FloatArray
    ) -> tuple[list[Chunk], FloatArray]:
        """Leave out passages without a usable vector, such as text in an unknown script."""
        sound = np.isfinite(rows).all(axis=1) & rows.any(axis=1)
        for position in np.flatnonzero(~sound).tolist():
            self._note(work, chunks[position], UNUSABLE)
        return [chunks[position] for position in np.flatnonzero(sound).tolist()], rows[sound]

    def _note(self, work: _Work, chunk: Chunk, reason: str) -> None:
        problem = Problem(chunk.id, reason)
        work.problems.append(problem)
        self._report.problems.append(problem)

    def _state(self, work: _Work) -> SourceState:
        return SourceState(
            path=str(work.file.path),
            size=work.file.size,
            mtime_ns=work.file.mtime_ns,
            sha256=work.sha256,
            spec=self._spec,
            documents=work.documents,
            chunks=work.passages,
            problems=tuple(work.problems),
            indexed_at=_now(),
        )

    def _remove_gone(
        self, roots: Sequence[Path], seen: set[str], unreadable: Sequence[str]
    ) -> None:
        """Drop files that are gone, but none from a folder that could not be looked into."""
        for state in self._gone(roots, seen, unreadable):
            self._report.deleted += self._store.remove_source(state.path)
            self._report.removed += 1

    def _gone(
        self, roots: Sequence[Path], seen: set[str], unreadable: Sequence[str]
    ) -> Iterator[SourceState]:
        shut = tuple(folder.rstrip(os.sep) + os.sep for folder in unreadable)
        for root in roots:
            for state in self._store.sources(under=str(root)):
                unseen = state.path not in seen and state.path not in unreadable
                if unseen and not state.path.startswith(shut):
                    yield state


@dataclass(slots=True)
class _Whole:
    """Files that are written in one transaction."""

    sources: list[tuple[SourceState, Sequence[Chunk], FloatArray]] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Share:
    """How much of a large file has been read, in characters."""

    total: int = 0
    read: int = 0

    @property
    def share(self) -> float:
        return self.read / self.total if self.total else 0.0


def recipe(chunker: Chunker, options: IndexOptions) -> str:
    """Everything but the bytes that decides how a file becomes passages, in one line."""
    return f"{_RECIPE} {chunker.spec} {options.limits}"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
