"""Export and import: one pass, whatever the size, and nothing half at the end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nearfield.errors import InputError
from nearfield.stores.local import LocalStore
from nearfield.stores.local.failures import io_errors
from nearfield.stores.transfer.lines import read_folder, read_lines, write_folder, write_lines
from nearfield.stores.transfer.parquet import read_parquet, write_parquet
from nearfield.stores.transfer.portable import Manifest
from nearfield.types import Chunk, FloatArray

__all__ = ["Form", "export_store", "import_store"]

_AT_ONCE = 4096
Row = tuple[Chunk, FloatArray]


class Form(StrEnum):
    """How a collection is written."""

    PARQUET = "parquet"
    NPY = "npy"
    JSONL = "jsonl"

    @classmethod
    def of(cls, path: Path) -> Form:
        """The form that a path's ending names; a folder, or no ending, is npy with JSONL.

        Examples
        --------
        >>> [Form.of(Path(name)).value for name in ("a.parquet", "a.jsonl", "a")]
        ['parquet', 'jsonl', 'npy']

        Raises
        ------
        InputError
            The ending names none.
        """
        known = {".parquet": cls.PARQUET, ".jsonl": cls.JSONL, "": cls.NPY, ".npy": cls.NPY}
        if path.is_dir():
            return cls.NPY
        if path.suffix.lower() not in known:
            raise InputError(
                f"{path} ends in {path.suffix!r}: name a .parquet or a .jsonl file, or a folder"
            )
        return known[path.suffix.lower()]


class _Ways(NamedTuple):
    write: Callable[[Path, Manifest, Iterable[Row]], None]
    read: Callable[[Path], tuple[Manifest, Iterator[Row]]]


_WAYS = {
    Form.PARQUET: _Ways(write_parquet, read_parquet),
    Form.NPY: _Ways(write_folder, read_folder),
    Form.JSONL: _Ways(write_lines, read_lines),
}


def export_store(store: LocalStore, path: str | os.PathLike[str], form: Form | None = None) -> int:
    """Write one state of a collection to a new file or folder; returns how many passages.

    Raises
    ------
    InputError
        The path exists already, or its ending names no form.
    MissingExtra
        Parquet needs pyarrow.
    """
    target = Path(path)
    chosen = form or Form.of(target)
    if target.exists():
        raise InputError(f"{target} exists already: name another path")
    unborn = target.with_name(f".{target.name}.{os.getpid()}.new")
    with io_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with store.frozen() as state:
                manifest = Manifest(
                    store.dimension,
                    store.metric,
                    store.fingerprint,
                    state.properties,
                    state.sources,
                    state.chunks,
                )
                _WAYS[chosen].write(unborn, manifest, state.rows)
            unborn.rename(target)
        finally:
            _remove(unborn)
    return manifest.chunks


def import_store(
    path: str | os.PathLike[str], target: str | os.PathLike[str], form: Form | None = None
) -> int:
    """Make a collection of what :func:`export_store` wrote; returns how many passages.

    Raises
    ------
    InputError
        It is no export, or not a whole one; nothing is left at `target`.
    StoreError
        `target` holds something already.
    """
    source, folder = Path(path), Path(target)
    if not source.exists():
        raise InputError(f"{source} does not exist: name a file or folder that was exported")
    manifest, rows = _WAYS[form or Form.of(source)].read(source)
    store = LocalStore.create(
        folder,
        dimension=manifest.dimension,
        metric=manifest.metric,
        fingerprint=manifest.fingerprint,
        properties=dict(manifest.properties),
    )
    try:
        with store:
            count = 0
            while batch := list(islice(rows, _AT_ONCE)):
                chunks = [chunk for chunk, _ in batch]
                if len({len(vector) for _, vector in batch}) != 1:
                    raise InputError(f"{source} holds vectors of several lengths")
                store.add(chunks, np.stack([vector for _, vector in batch]))
                count += len(batch)
            if count != manifest.chunks:
                raise InputError(f"{source} has {count} of its {manifest.chunks} passages")
            for state in manifest.sources:
                store.record_source(state)
    except BaseException:
        shutil.rmtree(folder)
        raise
    return count


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
