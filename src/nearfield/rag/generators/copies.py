"""A copy of a local model that reads prompts faster, made once and kept in the cache folder."""

from __future__ import annotations

import os
import warnings
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from nearfield.errors import NearfieldWarning
from nearfield.models.hashes import file_sha256
from nearfield.paths import cache_dir
from nearfield.rag.generators.gguf import Q4_1, header, widened

__all__ = ["quick_copy"]

_FORMAT = 1
"""Part of the names, so that a copy that is made in another way is another file."""


def quick_copy(path: Path) -> Path:
    """The same weights with those of 4 bits in 8 bits: half as large again, and equal in quality.

    Parameters
    ----------
    path : Path
        A GGUF file.

    Returns
    -------
    Path
        The copy, or the file itself where there is nothing to widen or the copy cannot be kept,
        which a warning says. A copy belongs to the hash of its source, and is made again where its
        own hash is not the one that was noted when it was made.
    """
    if not any(tensor.type == Q4_1 for tensor in header(path).tensors):
        return path
    copy = cache_dir() / "generators" / f"{file_sha256(path)[:32]}-{_FORMAT}.gguf"
    note = copy.with_suffix(".sha256")
    try:
        if _is_whole(copy, note):
            return copy
        copy.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=copy.parent, suffix=".part", delete=False) as file:
            made = Path(file.name)
            try:
                for part in widened(path):
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                made.unlink(missing_ok=True)
                raise
        note.write_text(file_sha256(made), encoding="ascii")
        made.replace(copy)
    except OSError as error:
        warnings.warn(
            f"no faster copy of {path.name} is kept in {copy.parent} ({error}): prompts are read a "
            "third slower. Make room or rights there, or set NEARFIELD_HOME to another folder",
            NearfieldWarning,
            stacklevel=3,
        )
        return path
    return copy


def _is_whole(copy: Path, note: Path) -> bool:
    with suppress(FileNotFoundError):
        return file_sha256(copy) == note.read_text(encoding="ascii").strip()
    return False
