"""The facade: one collection of passages, made by one model, searched in plain words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nearfield.collection.calls import as_filter
from nearfield.collection.judged import calibrate_by_questions
from nearfield.collection.model import spent_by
from nearfield.collection.opened import Opened
from nearfield.collection.options import IndexOptions
from nearfield.collection.reader import CollectionReader
from nearfield.collection.report import IndexReport, ProgressListener
from nearfield.collection.roots import present_roots
from nearfield.collection.searching import calibration_property
from nearfield.errors import InputError
from nearfield.filters import Filter
from nearfield.models.paid import PaidEncoder
from nearfield.passage import embedding_text
from nearfield.search.calibration import RANKED, Calibration
from nearfield.search.options import Mode, SearchOptions
from nearfield.stores.local import LocalStore, RepairReport
from nearfield.stores.local import Mode as StoreMode
from nearfield.types import Chunk, FloatArray, Metadata, Role

if TYPE_CHECKING:
    from nearfield.models.remote.prices import Forecast

__all__ = ["Collection"]

_PAID_BATCH = 8192
"""Passages that are queued for a hosted model: enough for several requests at once."""


class Collection(CollectionReader):
    """Passages and their vectors in one directory, and the model that made them.

    Make one with :func:`open_collection` (``nearfield.open``). Reading never blocks and needs
    no lock; each writing call takes the collection's single writer lock while it runs.

    Parameters
    ----------
    path : Path
        The collection's directory; it must exist.
    encoder : Encoder, optional
        Used instead of loading the model that the collection names.
    precision : str
        Class to load that model in; by default the one that made the vectors.
    """

    def add(
        self,
        texts: Sequence[str],
        *,
        ids: Sequence[str] | None = None,
        metadata: Sequence[Metadata] | None = None,
        vectors: npt.ArrayLike | None = None,
    ) -> list[str]:
        """Add texts as one passage each.

        Parameters
        ----------
        texts : sequence of str
            None of them blank.
        ids : sequence of str, optional
            One for each text; without them the text's own SHA-256 names it, so that the same
            text added twice is one passage.
        metadata : sequence of mapping, optional
            One for each text; filters see its names.
        vectors : array-like of shape (n, dimension), optional
            Stored instead of encoding the texts. They must come from the collection's model.

        Returns
        -------
        list of str
            The ids. When this returns, the passages survive a kill.

        Raises
        ------
        DuplicateId
            A given id is there already; nothing was added.
        InputError, VectorRejected, DimensionMismatch
            Lengths differ, a text is blank, or a vector is unusable; nothing was added.
        """
        chunks = _chunks(texts, ids, metadata)

        def added(opened: Opened) -> None:
            rows = _rows(opened, chunks, vectors)
            with _writing(opened) as store:
                if ids is None:
                    places = [*{chunk.id: at for at, chunk in enumerate(chunks)}.values()]
                    store.upsert([chunks[at] for at in places], rows[places])
                else:
                    store.add(chunks, rows)

        self._following.ask(added, ready=vectors is not None)
        return [chunk.id for chunk in chunks]

    def upsert(
        self,
        texts: Sequence[str],
        *,
        ids: Sequence[str],
        metadata: Sequence[Metadata] | None = None,
        vectors: npt.ArrayLike | None = None,
    ) -> None:
        """Add texts or replace the ones with the same ids; see :meth:`add`."""
        chunks = _chunks(texts, ids, metadata)

        def put(opened: Opened) -> None:
            rows = _rows(opened, chunks, vectors)
            with _writing(opened) as store:
                store.upsert(chunks, rows)

        self._following.ask(put, ready=vectors is not None)

    def delete(self, ids: Sequence[str] | None = None, *, where: Filter | str | None = None) -> int:
        """Delete passages by id or by filter; returns how many went."""
        if (ids is None) == (where is None):
            raise InputError("give either ids or a filter to delete by")
        with _writing(self._following.now) as store:
            if ids is None:
                ids = [chunk.id for chunk, _ in store.scan(where=as_filter(where))]
            return store.delete(ids)

    def index(
        self,
        *roots: str | Path,
        options: IndexOptions | None = None,
        listener: ProgressListener | None = None,
    ) -> IndexReport:
        """Bring the collection up to date with files and folders.

        Unchanged files cost a stat and a hash, changed ones are replaced, deleted ones go. A run
        that was killed is taken up where it was; the result equals an uninterrupted one.

        Parameters
        ----------
        *roots : str or Path
            Files and folders; none means the roots of earlier runs.
        options : IndexOptions, optional
            Without them the choices of the last run hold, and a file whose size and time are as
            before counts as unchanged without being hashed.
        listener : callable, optional
            Told where the run stands.

        Returns
        -------
        IndexReport

        Raises
        ------
        InputError
            A root does not exist, or there are no roots.
        StoreError
            Locked, full or read-only; what was committed before is kept.
        """
        # Imported here: searching needs none of the readers.
        from nearfield.collection.indexing import Indexer
        from nearfield.models.cache import CachedEncoder

        paths = self._roots_of(roots)
        chosen = options or self.update_options()
        opened = self._following.now
        encoder = CachedEncoder(opened.writer)
        if isinstance(encoder.inner, PaidEncoder) and chosen.batch == IndexOptions().batch:
            chosen = replace(chosen, batch=_PAID_BATCH)  # what is bought is stored at once anyway
        with _writing(opened) as store:
            # Kept before the work begins: a killed run must be known as one when it is taken up.
            known = {*self.roots, *(str(path.resolve()) for path in paths if path.exists())}
            store.set_properties(
                {
                    "roots": json.dumps(sorted(known)),
                    "walk": json.dumps(asdict(chosen.walk)),
                    "limits": json.dumps(asdict(chosen.limits)),
                }
            )
            before = spent_by(encoder.inner)
            report = Indexer(store, encoder, self.chunker(), chosen, listener).run(paths)
            after = spent_by(encoder.inner)
        if before is not None and after is not None and (after - before).requests:
            bought = after - before
            report.requests = bought.requests
            report.cost = bought.cost if not bought.unpriced_tokens else None
        return report

    def forecast(self, *roots: str | Path, options: IndexOptions | None = None) -> Forecast | None:
        """Tell what :meth:`index` would buy from a hosted model; None for any other model.

        Reads the files that changed. What the collection or the vector cache holds costs nothing.

        Parameters
        ----------
        *roots : str or Path
        options : IndexOptions, optional
            As for :meth:`index`.

        Raises
        ------
        InputError
            A root does not exist, or there are no roots.
        """
        opened = self._following.now
        if not isinstance(opened.writer, PaidEncoder):
            return None
        from nearfield.collection.forecasting import forecast_index
        from nearfield.models.cache import CachedEncoder

        paths = self._roots_of(roots)
        chosen = options or self.update_options()
        encoder = CachedEncoder(opened.writer)
        return forecast_index(opened.store, encoder, self.chunker(), chosen, paths)

    def _roots_of(self, roots: Sequence[str | Path]) -> list[Path]:
        paths = [Path(root) for root in roots] or present_roots(self.store)
        if not paths:
            raise InputError(f"{self.path} has no folders yet: name one to index")
        if missing := [path for path in paths if not path.exists()]:
            raise InputError(f"{missing[0]} does not exist: name an existing file or folder")
        return paths

    def remove(self, *paths: str | Path) -> int:
        """Take files, or everything below folders, out of the collection; returns passages gone.

        The files themselves are not touched; the next ``index`` of their folder would take them
        in again unless an ignore rule names them.
        """
        with _writing(self._following.now) as store:
            gone = 0
            for path in paths:
                for state in store.sources(under=str(Path(path).resolve())):
                    gone += store.remove_source(state.path)
            return gone

    @classmethod
    def import_(cls, path: str | Path, target: str | Path) -> Collection:
        """Make a collection at `target` of what :meth:`export` wrote, and open it."""
        from nearfield.stores.transfer import import_store

        import_store(path, target)
        return cls(Path(target))

    def calibrate(
        self,
        sample: int = 300,
        *,
        questions: Mapping[str, Sequence[str]] | None = None,
        mode: Mode | str = Mode.DENSE,
    ) -> Calibration:
        """Learn what scores are worth, from questions or from sentences of the passages.

        Parameters
        ----------
        sample : int
            Passages to take a sentence from, where no questions are given.
        questions : mapping of str to sequence of str, optional
            Question → ids of the passages, documents or files that answer it; an empty sequence
            where nothing does.
        mode : {"dense", "lexical", "hybrid", "sparse"}
            Whose scores; sentences tell of ``dense`` only.

        Raises
        ------
        InputError
            There are fewer than ten answerable or ten unanswerable examples, an answer is not in
            the collection, or another mode than ``dense`` is asked without questions.
        """
        chosen = Mode.of(mode)
        if questions is not None:
            options = SearchOptions(k=RANKED, mode=chosen)
            found = calibrate_by_questions(
                lambda question, where: self.search(question, where=where, options=options),
                lambda where: self.count(where=where),
                questions,
                chosen,
            )
        elif chosen is not Mode.DENSE:
            raise InputError(f"mode {chosen.value!r} is calibrated with questions of your own")
        else:
            from nearfield.collection.calibrating import calibrate_by_sentences

            opened = self._following.now
            with opened.store.view() as view:
                passages = view.sample(sample)
            found = calibrate_by_sentences(opened.store, opened.encoder, passages)
        with _writing(self._following.now) as store:
            store.set_properties({calibration_property(chosen): found.to_json()})
        return found

    def compact(self) -> None:
        """Give back all the space of deleted passages; large deletes do so by themselves."""
        with _writing(self._following.now) as store:
            store.compact()

    def repair(self) -> RepairReport:
        """Keep every whole passage, list the others; see :meth:`LocalStore.repair`."""
        opened = self._following.now
        opened.close()
        try:
            return LocalStore.repair(self.path)
        finally:
            self._following.again(opened)


def _rows(opened: Opened, chunks: Sequence[Chunk], vectors: npt.ArrayLike | None) -> FloatArray:
    if vectors is None:
        texts = [embedding_text(chunk) for chunk in chunks]
        writer = opened.writer
        if isinstance(writer, PaidEncoder):
            from nearfield.models.cache import CachedEncoder

            writer = CachedEncoder(writer)
        return writer.encode(texts, role=Role.DOCUMENT)
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    if rows.ndim != 2 or len(rows) != len(chunks):
        raise InputError(f"vectors have shape {rows.shape} for {len(chunks)} texts")
    return rows


@contextmanager
def _writing(opened: Opened) -> Iterator[LocalStore]:
    """The collection that was opened, to be written; never another one in its place."""
    store = LocalStore.open(opened.path, mode=StoreMode.WRITE)
    try:
        opened.store.require_same()  # whoever writes has the lock, so it stays the same
        yield store
    finally:
        store.close()


def _chunks(
    texts: Sequence[str], ids: Sequence[str] | None, metadata: Sequence[Metadata] | None
) -> list[Chunk]:
    if isinstance(texts, str):
        raise InputError("texts is one string: give a list of strings")
    for name, values in (("ids", ids), ("metadata", metadata)):
        if values is not None and len(values) != len(texts):
            raise InputError(f"{len(values)} {name} for {len(texts)} texts")
    blank = [at for at, text in enumerate(texts) if not text.strip()]
    if blank:
        raise InputError(f"texts at positions {blank[:5]} are blank: leave them out")
    names = ids or [hashlib.sha256(t.encode("utf-8", "replace")).hexdigest() for t in texts]
    extra = metadata or [{}] * len(texts)
    return [
        Chunk(name, name, text, 0, len(text), metadata=dict(fields))
        for name, text, fields in zip(names, texts, extra, strict=True)
    ]
