"""The options of ``index``, gathered into the objects that the library takes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import click

from nearfield.collection import Chunking, IndexOptions
from nearfield.documents.walk import WalkOptions
from nearfield.protocols import ReadLimits

__all__ = ["AskedChunking", "chunking", "files"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class AskedChunking:
    """What the user said about chunks; None where nothing was said."""

    name: str | None
    size: int | None
    overlap: int | None

    def over(self, settings: Chunking) -> Chunking:
        return Chunking(
            settings.name if self.name is None else self.name,
            settings.size if self.size is None else self.size,
            settings.overlap if self.overlap is None else self.overlap,
        )


def chunking(command: _Command) -> _Command:
    """How files are cut, given to the command as one ``chunking``."""

    @click.option(
        "--chunker", metavar="NAME", help="recursive, sentences, structure, tokens, semantic."
    )
    @click.option("--chunk-size", type=click.IntRange(min=1), help="Longest passage in tokens.")
    @click.option("--overlap", type=click.IntRange(min=0), help="Tokens neighbours share.")
    @functools.wraps(command)
    def wrapper(
        *, chunker: str | None, chunk_size: int | None, overlap: int | None, **others: object
    ) -> object:
        return command(chunking=AskedChunking(chunker, chunk_size, overlap), **others)

    return cast("_Command", wrapper)


def files(command: _Command) -> _Command:
    """Which files are read, given to the command as one ``files``."""

    @click.option("--include", multiple=True, metavar="GLOB", help="Only files like this.")
    @click.option("--exclude", multiple=True, metavar="GLOB", help="No files like this.")
    @click.option("--hidden", is_flag=True, help="Hidden files as well.")
    @click.option("--no-ignore", is_flag=True, help="Do not honour .gitignore files.")
    @click.option(
        "--max-file-size", type=click.IntRange(min=1), metavar="BYTES", help="Largest file read."
    )
    @functools.wraps(command)
    def wrapper(
        *,
        include: tuple[str, ...],
        exclude: tuple[str, ...],
        hidden: bool,
        no_ignore: bool,
        max_file_size: int | None,
        **others: object,
    ) -> object:
        walk = WalkOptions(
            include=include, exclude=exclude, hidden=hidden, ignore_files=not no_ignore
        )
        limits = ReadLimits(file_bytes=max_file_size) if max_file_size else ReadLimits()
        return command(files=IndexOptions(walk=walk, limits=limits), **others)

    return cast("_Command", wrapper)
