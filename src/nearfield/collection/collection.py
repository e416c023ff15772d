"""The facade: one collection of passages, made by one model, searched in plain words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from nearfield.collection.model import admit, is_same_class, load_again, mixing, precision_of
from nearfield.collection.options import Chunking, IndexOptions, chunker_for
from nearfield.collection.passage import embedding_text
from nearfield.collection.report import IndexReport, ProgressListener
from nearfield.documents.walk import FoundFile, WalkOptions, walk
from nearfield.errors import InputError
from nearfield.filters import Filter, parse
from nearfield.models.precision import AUTO
from nearfield.protocols import Chunker, Encoder, ReadLimits
from nearfield.search.dense import search
from nearfield.stores.local import LocalStore, Mode, RepairReport, SourceState, VerifyReport
from nearfield.types import Chunk, FloatArray, Hit, Metadata, Role

__all__ = ["Collection"]


class Collection:
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

    def __init__(
        self, path: Path, *, encoder: Encoder | None = None, precision: str = AUTO
    ) -> None:
        self.path = path
        self._asked = precision
        self._store = LocalStore.open(path, mode=Mode.READ)
        self._given = encoder
        if encoder is not None:
            admit(self._store, path, encoder.card)

    def __enter__(self) -> Collection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the collection's files; closing twice is harmless."""
        self._store.close()

    @property
    def model(self) -> str:
        """Name of the model that made the vectors."""
        return self._store.properties["encoder"]

    @property
    def precision(self) -> str:
        """Precision class of the vectors."""
        return precision_of(self._store.properties)

    @property
    def chunking(self) -> Chunking:
        """How files are cut."""
        return Chunking(**json.loads(self._store.properties["chunking"]))

    @property
    def roots(self) -> tuple[str, ...]:
        """Files and folders that were indexed into it, sorted."""
        return tuple(json.loads(self._store.properties.get("roots", "[]")))

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the model that made the vectors, 64 hexadecimal characters."""
        return self._store.fingerprint

    @property
    def store(self) -> LocalStore:
        """The store, opened for reading."""
        return self._store

    @cached_property
    def encoder(self) -> Encoder:
        """The collection's model, loaded at first use in the class that made the vectors.

        Where that class is not possible, the model is loaded in another one, with a warning:
        enough to search, and refused for writing.

        Raises
        ------
        FingerprintMismatch
            The model of that name is not the one that made the vectors.
        """
        if self._given is not None:
            return self._given
        properties = self._store.properties
        dimensions = properties.get("dimensions")
        encoder = load_again(
            properties,
            name=properties["encoder"],
            dimensions=int(dimensions) if dimensions else None,
            precision=self._asked,
        )
        admit(self._store, self.path, encoder.card)
        return encoder

    @property
    def _writer(self) -> Encoder:
        """The model, if what it computes may be stored here."""
        if not is_same_class(self._store, self.encoder.card):
            raise mixing(self.path, self.precision, self.encoder.card)
        return self.encoder

    def count(self, *, where: Filter | str | None = None) -> int:
        """Return how many passages there are, or how many match a filter."""
        return self._store.count(where=_filter(where))

    def get(self, ids: Sequence[str]) -> list[Chunk]:
        """Passages in the order of `ids`; UnknownId names those that are missing."""
        return self._store.get(ids)

    def search(
        self,
        query: str | None = None,
        *,
        vector: npt.ArrayLike | None = None,
        k: int = 10,
        where: Filter | str | None = None,
    ) -> list[Hit]:
        """Find the passages nearest in meaning.

        Parameters
        ----------
        query : str, optional
            A question or a few words, in any language that the model knows.
        vector : array-like of shape (dimension,), optional
            A ready vector instead of a query.
        k : int
            Most hits to return, at least 1.
        where : Filter or str, optional
            Such as ``'lang = "en" and year >= 2020'``.

        Returns
        -------
        list of Hit
            Best first; higher scores are closer.

        Raises
        ------
        InputError
            Neither or both of `query` and `vector` are given, the query is blank, or k < 1.
        FingerprintMismatch
            The model at hand is not the one that made the vectors.
        """
        if (query is None) == (vector is None):
            raise InputError("give either a query or a vector, not both and not neither")
        if query is not None:
            return search(self._store, self.encoder, query, k=k, where=_filter(where))
        rows = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
        return self._store.search(rows, k, where=_filter(where))[0]

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
        rows = self._rows(chunks, vectors)
        with self._writing() as store:
            if ids is None:
                distinct = {chunk.id: at for at, chunk in enumerate(chunks)}
                store.upsert([chunks[at] for at in distinct.values()], rows[[*distinct.values()]])
            else:
                store.add(chunks, rows)
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
        rows = self._rows(chunks, vectors)
        with self._writing() as store:
            store.upsert(chunks, rows)

    def delete(self, ids: Sequence[str] | None = None, *, where: Filter | str | None = None) -> int:
        """Delete passages by id or by filter; returns how many went."""
        if (ids is None) == (where is None):
            raise InputError("give either ids or a filter to delete by")
        with self._writing() as store:
            if ids is None:
                ids = [chunk.id for chunk, _ in store.scan(where=_filter(where))]
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
        from nearfield.models.cache import CachedEncoder, VectorCache

        paths = [Path(root) for root in roots] or self._present_roots()
        if not paths:
            raise InputError(f"{self.path} has no folders yet: name one to index")
        chosen = options or self.update_options()
        encoder = CachedEncoder(self._writer, VectorCache())
        with self._writing() as store:
            # Kept before the work begins: a killed run must be known as one when it is taken up.
            known = {*self.roots, *(str(path.resolve()) for path in paths if path.exists())}
            store.set_properties(
                {
                    "roots": json.dumps(sorted(known)),
                    "walk": json.dumps(asdict(chosen.walk)),
                    "limits": json.dumps(asdict(chosen.limits)),
                }
            )
            indexer = Indexer(store, encoder, self.chunker(), chosen, listener)
            return indexer.run(paths)

    def update_options(self) -> IndexOptions:
        """What an update takes: the choices of the last ``index``, trusting size and time."""
        chosen = json.loads(self._store.properties.get("walk", "{}"))
        for patterns in ("include", "exclude"):
            chosen[patterns] = tuple(chosen.get(patterns, ()))
        limits = ReadLimits(**json.loads(self._store.properties.get("limits", "{}")))
        return IndexOptions(walk=WalkOptions(**chosen), limits=limits, trust_stat=True)

    def is_stale(self) -> bool:
        """Tell whether files were added, changed or removed since; reads no file's content."""
        for root in self._present_roots():
            known = {s.path: (s.size, s.mtime_ns) for s in self._store.sources(under=str(root))}
            found = walk(root, options=self.update_options().walk)
            files = (file for file in found if isinstance(file, FoundFile))
            if {str(file.path): (file.size, file.mtime_ns) for file in files} != known:
                return True
        return False

    def _present_roots(self) -> list[Path]:
        """Roots that are there: an unplugged disk is no reason to forget what was on it."""
        return [Path(root) for root in self.roots if Path(root).exists()]

    def chunker(self) -> Chunker:
        """The chunker that this collection's files are cut with."""
        return chunker_for(self.chunking, self.encoder)

    def sources(self) -> list[SourceState]:
        """Every indexed file with its state and problems, by path."""
        return self._store.sources()

    def remove(self, *paths: str | Path) -> int:
        """Take files, or everything below folders, out of the collection; returns passages gone.

        The files themselves are not touched; the next ``index`` of their folder would take them
        in again unless an ignore rule names them.
        """
        with self._writing() as store:
            gone = 0
            for path in paths:
                for state in store.sources(under=str(Path(path).resolve())):
                    gone += store.remove_source(state.path)
            return gone

    def export(self, path: str | Path) -> int:
        """Write everything to a file or folder that :meth:`import_` takes back exactly.

        The ending chooses: ``.parquet``, ``.jsonl``, or a folder of npy and JSONL. Returns how
        many passages were written.
        """
        from nearfield.stores.transfer import export_store

        return export_store(self._store, path)

    @classmethod
    def import_(cls, path: str | Path, target: str | Path) -> Collection:
        """Make a collection at `target` of what :meth:`export` wrote, and open it."""
        from nearfield.stores.transfer import import_store

        import_store(path, target)
        return cls(Path(target))

    def snapshot(self, target: str | Path) -> None:
        """Copy the collection as it is to a new folder, while others read and write it."""
        self._store.snapshot(target)

    def compact(self) -> None:
        """Give back all the space of deleted passages; large deletes do so by themselves."""
        with self._writing() as store:
            store.compact()

    def verify(self) -> VerifyReport:
        """Check every byte that counts; the report names what is wrong."""
        return self._store.verify()

    def repair(self) -> RepairReport:
        """Keep every whole passage, list the others; see :meth:`LocalStore.repair`."""
        self._store.close()
        try:
            return LocalStore.repair(self.path)
        finally:
            self._store = LocalStore.open(self.path, mode=Mode.READ)

    def _rows(self, chunks: Sequence[Chunk], vectors: npt.ArrayLike | None) -> FloatArray:
        if vectors is None:
            texts = [embedding_text(chunk) for chunk in chunks]
            return self._writer.encode(texts, role=Role.DOCUMENT)
        rows = np.ascontiguousarray(vectors, dtype=np.float32)
        if rows.ndim != 2 or len(rows) != len(chunks):
            raise InputError(f"vectors have shape {rows.shape} for {len(chunks)} texts")
        return rows

    @contextmanager
    def _writing(self) -> Iterator[LocalStore]:
        store = LocalStore.open(self.path, mode=Mode.WRITE)
        try:
            yield store
        finally:
            store.close()


def _filter(where: Filter | str | None) -> Filter | None:
    return parse(where) if isinstance(where, str) else where


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
