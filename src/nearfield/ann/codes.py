"""Quantised vectors: 1-bit codes for a scan of all, 4-bit codes for the best of them."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from nearfield.ann import library, with_numpy
from nearfield.ann.arrays import Candidates, checked_mask, checked_queries, checked_rows
from nearfield.ann.code_file import CodeFile, Commit
from nearfield.ann.segments import SEGMENT, UNIT, Layout, Parts
from nearfield.ann.space import Space
from nearfield.ann.with_numpy import Within
from nearfield.compiled import address
from nearfield.errors import DimensionMismatch, InputError
from nearfield.masks import Mask
from nearfield.metric import Metric
from nearfield.types import FloatArray

__all__ = ["Codes"]

_COARSE_SHARE = 12
_COARSE_LEAST = 256

Mapped: TypeAlias = tuple[list[npt.NDArray[np.uint8]], int, int | None]
"""Arrays of the segments, how many vectors they hold, and where the first one lies."""


class Codes:
    """Quantised vectors of slots 0 to ``len(codes) - 1``, in a mapped file.

    A search scans the 1-bit codes of all allowed slots, estimates the best of them again from
    4-bit codes, and proposes the best of these; :func:`nearfield.ann.exact.rescore` then scores
    the proposals exactly. With 384 dimensions a vector takes 204 bytes.

    One object may be searched by many threads at once, and a file read by many processes while
    one appends: readers see what was committed when they opened or last refreshed.

    Parameters
    ----------
    file : CodeFile
        Use :meth:`create` or :meth:`open`.

    Examples
    --------
    >>> import tempfile
    >>> rows = np.random.default_rng(0).standard_normal((100, 32)).astype(np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     codes = Codes.create(
    ...         Path(folder, "codes"), dimension=32, metric=Metric.COSINE, sample=rows
    ...     )
    ...     codes.append(rows)
    ...     found = codes.search(rows[7:8], 3)
    ...     codes.close()
    >>> int(found.slots[0, 0])
    7
    """

    def __init__(self, file: CodeFile) -> None:
        self._file = file
        self._commit = Commit(0, 0, 0)
        self._mapped: Mapped = ([], 0, None)
        self.refresh()

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        dimension: int,
        metric: Metric,
        sample: FloatArray,
        seed: int = 0,
        tag: bytes = b"",
    ) -> Codes:
        """Make an empty file of codes, in the place of any other, open for writing.

        Parameters
        ----------
        path : Path
        dimension : int
            1 to 16384.
        metric : Metric
        sample : ndarray of float32, shape (n, dimension)
            Vectors like those to come, to centre on; some thousands are plenty, none is allowed.
        seed : int
            Of the random rotation.
        tag : bytes
            At most 64, kept for the caller: what the codes belong to.

        Raises
        ------
        DimensionMismatch, InputError
        StoreFull, StoreError
            The file cannot be written.
        """
        if sample.ndim != 2 or sample.shape[1] != dimension:
            raise DimensionMismatch(
                f"the sample has shape {sample.shape}: expected (n, {dimension})"
            )
        return cls(CodeFile.create(path, Space.around(sample, metric, seed), tag))

    @classmethod
    def open(cls, path: Path, *, write: bool = False) -> Codes:
        """Map a file of codes.

        Raises
        ------
        DamagedIndex
            It cannot be trusted; codes themselves are checked by :meth:`verify` alone.
        FormatVersionError
            Another version of Nearfield wrote it.
        """
        return cls(CodeFile(path, write=write))

    def __len__(self) -> int:
        return self._mapped[1]

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._file.space.dimension

    @property
    def metric(self) -> Metric:
        """How vectors are compared."""
        return self._file.space.metric

    @property
    def space(self) -> Space:
        """Centre, scale and rotation."""
        return self._file.space

    @property
    def mapped(self) -> Mapped:
        """The codes, for the compiled library: hold it as long as the last address is used."""
        return self._mapped

    @property
    def tag(self) -> bytes:
        """What the caller gave at creation."""
        return self._file.tag

    def close(self) -> None:
        """Close the file; searches under way still end well."""
        self._file.close()

    def refresh(self) -> int:
        """See what was committed since; returns the number of vectors.

        Raises
        ------
        DamagedIndex
            The file was cut off.
        """
        commit = self._file.read_commit()
        data, count, _ = self._mapped
        if -(-commit.count // UNIT) > -(-count // UNIT):
            data = self._file.map(commit.count)
        self._commit = commit
        # One assignment: a search in another thread sees either the old tuple or this one. The
        # arrays follow each other in one map, so the first one's address serves for all.
        self._mapped = (data, commit.count, data[0].ctypes.data if data else None)
        return commit.count

    def append(self, vectors: FloatArray) -> None:
        """Quantise vectors into the next slots; they count when this returns.

        Only one writer at a time may append. After a crash or an error the file holds what it
        held before.

        Parameters
        ----------
        vectors : ndarray of float32, shape (n, dimension)
            Rows may lie apart, as in a mapped file of records.

        Raises
        ------
        DimensionMismatch
        StoreFull, StoreError
            The file cannot be written.
        """
        rows = checked_rows(vectors, self.dimension)
        layout = Layout(self.space.width, UNIT)
        size = layout.size
        count, tail, taken = self._commit.count, self._commit.tail, 0
        while taken < len(rows):
            number, place = divmod(count, UNIT)
            part = rows[taken : taken + UNIT - place]
            data = self._file.read_unit(number) if place else np.zeros(size, dtype=np.uint8)
            self._encode(part, data, place)
            self._file.write_unit(number, data)
            count, taken = count + len(part), taken + len(part)
            tail = Parts.of(data, layout).checksum(place + len(part))
            if place + len(part) == UNIT:
                self._file.write_checksum(number, tail)
                tail = 0
        if taken:
            self._file.commit(Commit(self._commit.sequence + 1, count, tail))
            self.refresh()

    def search(
        self,
        queries: FloatArray,
        candidates: int,
        *,
        coarse: int | None = None,
        allowed: Mask | None = None,
        below: int | None = None,
        within: tuple[Within, float] | None = None,
    ) -> Candidates:
        """Propose the best slots of each query by estimated score.

        Parameters
        ----------
        queries : ndarray of float32, shape (q, dimension)
        candidates : int
            Slots to propose by 4-bit estimate, at least 1.
        coarse : int, optional
            Slots to keep by 1-bit estimate; 12 times as many, at least 256, when left out. See
            :func:`nearfield.ann.tuning.tune`.
        allowed : Mask, optional
            Slots that take part.
        below : int, optional
            Slots from this one on take no part.
        within : tuple of Lists and float, optional
            Lists of these codes, and their reach: only those that may hold some of the best are
            scanned. See :class:`nearfield.ann.lists.Lists`.

        Returns
        -------
        Candidates

        Raises
        ------
        DimensionMismatch, InputError
        """
        wanted = checked_queries(queries, self.dimension)
        data, count, place = self._mapped
        count = count if below is None else min(count, below)
        if candidates < 1:
            raise InputError(f"candidates is {candidates}: ask for at least 1")
        if coarse is None:
            coarse = max(_COARSE_SHARE * candidates, _COARSE_LEAST)
        coarse = max(coarse, candidates)
        mask = checked_mask(allowed, count)
        kernel = library.choose()
        if kernel is None or not count:
            return self._search_with_numpy(wanted, candidates, coarse, mask, data, count, within)
        slots = np.empty((len(wanted), candidates), dtype=np.int64)
        estimates = np.empty((len(wanted), candidates), dtype=np.float32)
        library.check(
            library.library().nfa_code_search(
                kernel.index, self.space.native, place, count,
                None if within is None else within[0].structure(within[1]),
                address(wanted), len(wanted), coarse, candidates,
                None if mask is None else address(mask),
                address(slots), address(estimates),
            )
        )  # fmt: skip
        return Candidates(slots, estimates)

    def verify(self, first: int = 0, last: int | None = None) -> tuple[int, ...]:
        """Numbers of damaged units (1,024 slots each); none when all is well.

        Damaged codes spoil proposals, never scores. Reading everything takes about a second for
        a million vectors; give a range to spread the work.

        Parameters
        ----------
        first, last : int
            Units to look at, half open.
        """
        segments, commit = self._mapped[0], self._commit
        parts = [Parts.of(segment, self._file.layout) for segment in segments]
        full, rest = divmod(commit.count, UNIT)
        total = full + bool(rest)
        each = SEGMENT // UNIT
        damaged = []
        for number in range(first, total if last is None else min(last, total)):
            used = UNIT if number < full else rest
            due = self._file.read_checksum(number) if number < full else commit.tail
            if parts[number // each].checksum(used, number % each * UNIT) != due:
                damaged.append(number)
        return tuple(damaged)

    def _search_with_numpy(
        self,
        queries: FloatArray,
        candidates: int,
        coarse: int,
        mask: Mask | None,
        data: list[npt.NDArray[np.uint8]],
        count: int,
        within: tuple[Within, float] | None,
    ) -> Candidates:
        slots = np.full((len(queries), candidates), -1, dtype=np.int64)
        estimates = np.full((len(queries), candidates), -np.inf, dtype=np.float32)
        parts = [Parts.of(segment, self._file.layout) for segment in data[: -(-count // SEGMENT)]]
        for i, query in enumerate(queries if count else ()):
            ready = with_numpy.prepare(self.space, query)
            found, scores = with_numpy.search(
                self.space, parts, count, ready, coarse, candidates, mask, within
            )
            slots[i, : len(found)], estimates[i, : len(found)] = found, scores
        return Candidates(slots, estimates)

    def _encode(self, part: FloatArray, data: npt.NDArray[np.uint8], place: int) -> None:
        kernel = library.choose()
        if kernel is None:
            unit = Parts.of(data, Layout(self.space.width, UNIT))
            with_numpy.encode(self.space, part, unit, place)
            return
        library.check(
            library.library().nfa_encode(
                kernel.index, self.space.native, part.ctypes.data, part.strides[0], len(part),
                data.ctypes.data, place,
            )
        )  # fmt: skip
