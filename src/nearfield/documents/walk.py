"""Find the files of a folder: in a fixed order, without what its owner ignores.

What is left out, and why:

- what ``.gitignore`` says, at every level, with git's rules: negation, ``.git/info/exclude``,
  and the ignore files of parent folders up to the repository's root. A folder need not be a
  repository. ``.nearfieldignore`` has the same form and outranks every ``.gitignore``;
- hidden entries, and folders that programs fill for themselves (``node_modules``);
- symbolic links. Asked to follow them, the walk enters each real place outside the root
  once, which cuts loops; what lies inside the root is found under its own name anyway.

These are counted in :attr:`Walk.skipped`. Files that look wanted but cannot be read (no
permission, a pipe, too large) become a Problem each.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Self

from pathspec import GitIgnoreSpec

from nearfield.documents._ignore import Ignores, compile_patterns, ignores_above
from nearfield.errors import InputError
from nearfield.types import Problem

__all__ = ["JUNK_FOLDERS", "FoundFile", "Skip", "Walk", "WalkOptions", "walk"]

_JUNK_FOLDERS_WORDS = (
    ".git .hg .svn .bzr node_modules bower_components __pycache__ .venv venv site-packages .tox "
    ".nox .eggs .mypy_cache .pytest_cache .ruff_cache .hypothesis .gradle .terraform .cache "
    ".idea .vscode .ipynb_checkpoints __MACOSX .Trash $RECYCLE.BIN lost+found"
)
JUNK_FOLDERS = frozenset(_JUNK_FOLDERS_WORDS.split())
_JUNK_FILES = frozenset({"Thumbs.db", "desktop.ini", ".DS_Store"})
# Lock files of office programs and backups of editors: near copies, often unreadable.
_JUNK_PREFIXES = ("~$", ".~lock.")
_JUNK_SUFFIXES = ("~", ".swp", ".pyc", ".pyo")


class Skip(StrEnum):
    """Why an entry was left out without being a problem."""

    IGNORED = "ignored by an ignore file"
    HIDDEN = "hidden"
    JUNK = "made by programs"
    UNWANTED = "outside the include and exclude patterns"
    LINK = "symbolic links, not followed"


@dataclass(frozen=True, slots=True)
class WalkOptions:
    """What a walk takes in.

    Attributes
    ----------
    include : tuple of str
        Patterns as in ``.gitignore``, relative to the root; with any, only matching files.
    exclude : tuple of str
        Patterns of files and folders to leave out; they win over `include`.
    hidden : bool
        Take entries whose names begin with a dot.
    junk : bool
        Take the folders of :data:`JUNK_FOLDERS` and backup files.
    ignore_files : bool
        Honour ``.gitignore``, ``.git/info/exclude`` and ``.nearfieldignore``.
    follow_links : bool
        Enter symbolic links that lead out of the root.
    max_bytes : int or None
        Larger files become a Problem; None leaves it to the readers' limits.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hidden: bool = False
    junk: bool = False
    ignore_files: bool = True
    follow_links: bool = False
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file.

    Attributes
    ----------
    path : Path
        The root as it was given, joined with the file's place below it.
    size : int
        Bytes.
    mtime_ns : int
        Time of the last change, nanoseconds since 1970.
    """

    path: Path
    size: int
    mtime_ns: int


def walk(root: Path, *, options: WalkOptions | None = None) -> Walk:
    """Find the files below a folder.

    Parameters
    ----------
    root : Path
        A folder, or a single file (which is then found whatever its name).
    options : WalkOptions, optional

    Returns
    -------
    Walk
        An iterator of FoundFile and Problem, ordered by the parts of the path; afterwards
        its ``skipped`` says what was left out.

    Raises
    ------
    InputError
        There is nothing at `root`, or a pattern of the options is invalid.
    """
    return Walk(root, options or WalkOptions())


class Walk(Iterator[FoundFile | Problem]):
    """A walk under way; made by :func:`walk`."""

    def __init__(self, root: Path, options: WalkOptions) -> None:
        try:
            self._found = root.stat()
        except FileNotFoundError:
            raise InputError(f"there is no file or folder at {root}") from None
        except OSError as error:
            raise InputError(f"{root} cannot be opened: {error.strerror}") from error
        self._root = root
        self._absolute = root.absolute()
        self._real_root = Path(os.path.realpath(root))
        self._options = options
        self._include = _patterns("include", options.include)
        self._exclude = _patterns("exclude", options.exclude)
        self._skipped: Counter[Skip] = Counter()
        self._entered = {(self._found.st_dev, self._found.st_ino)}
        self._items = self._start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> FoundFile | Problem:
        return next(self._items)

    @property
    def skipped(self) -> Mapping[Skip, int]:
        """How many entries were left out so far, by reason; a folder counts as one."""
        return MappingProxyType(self._skipped)

    def _start(self) -> Iterator[FoundFile | Problem]:
        if not stat.S_ISDIR(self._found.st_mode):
            yield self._file(self._root, self._found)
            return
        above = ignores_above(self._root) if self._options.ignore_files else Ignores()
        # An explicit stack: folders nest deeper than Python's recursion allows.
        stack = [self._folder(self._root, "", above)]
        while stack:
            item = next(stack[-1], None)
            if item is None:
                stack.pop()
            elif isinstance(item, _Folder):
                stack.append(self._folder(item.path, item.below, item.ignores))
            else:
                yield item

    def _folder(
        self, folder: Path, below: str, ignores: Ignores
    ) -> Iterator[FoundFile | Problem | _Folder]:
        """Entries of one folder in order; `below` is its path under the root, with a slash."""
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            yield Problem(str(folder), f"cannot be opened: {error.strerror}")
            return
        if self._options.ignore_files:
            ignores, problems = ignores.enter(
                self._absolute / below, {entry.name for entry in entries}
            )
            yield from problems
        for entry in entries:
            try:
                yield from self._entry(entry, below, ignores)
            except OSError as error:
                yield Problem(_shown(entry.path), f"cannot be looked at: {error.strerror}")

    def _entry(
        self, entry: os.DirEntry[str], below: str, ignores: Ignores
    ) -> Iterator[FoundFile | Problem | _Folder]:
        path, inside = Path(entry.path), below + entry.name
        is_link = entry.is_symlink()
        found = entry.stat(follow_symlinks=False)
        if is_link and self._options.follow_links:
            found = path.stat()
        is_folder = stat.S_ISDIR(found.st_mode)
        reason = self._reason(entry.name, inside, is_folder, ignores)
        if reason is None and is_link and not self._leads_out(path):
            reason = Skip.LINK
        if reason is not None:
            self._skipped[reason] += 1
        elif not entry.name.isprintable() and _shown(entry.name) != entry.name:
            yield Problem(_shown(entry.path), "its name is not valid UTF-8; rename it")
        elif (is_folder or self._options.follow_links) and not self._first_visit(found):
            self._skipped[Skip.LINK] += 1
        elif is_folder:
            yield _Folder(path, inside + "/", ignores)
        else:
            yield self._file(path, found)

    def _reason(self, name: str, inside: str, is_folder: bool, ignores: Ignores) -> Skip | None:
        options = self._options
        as_path = inside + "/" if is_folder else inside
        if not options.junk and _is_junk(name, is_folder):
            return Skip.JUNK
        if not options.hidden and name.startswith("."):
            return Skip.HIDDEN
        if self._exclude.match_file(as_path):
            return Skip.UNWANTED
        if ignores.match(self._absolute / inside, is_folder):
            return Skip.IGNORED
        if options.include and not is_folder and not self._include.match_file(as_path):
            return Skip.UNWANTED
        return None

    def _leads_out(self, link: Path) -> bool:
        if not self._options.follow_links:
            return False
        return not Path(os.path.realpath(link)).is_relative_to(self._real_root)

    def _first_visit(self, found: os.stat_result) -> bool:
        key = (found.st_dev, found.st_ino)
        first = key not in self._entered
        self._entered.add(key)
        return first

    def _file(self, path: Path, found: os.stat_result) -> FoundFile | Problem:
        if not stat.S_ISREG(found.st_mode):
            return Problem(str(path), f"{_special(found.st_mode)}, not a file")
        limit = self._options.max_bytes
        if limit is not None and found.st_size > limit:
            reason = f"too large: {found.st_size:,} bytes, the limit is {limit:,}"
            return Problem(str(path), reason)
        return FoundFile(path, found.st_size, found.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class _Folder:
    path: Path
    below: str
    ignores: Ignores


def _patterns(option: str, patterns: tuple[str, ...]) -> GitIgnoreSpec:
    spec, bad = compile_patterns(patterns)
    if bad:
        raise InputError(f"{option} has an invalid pattern: {bad[0]!r}")
    return spec


def _is_junk(name: str, is_folder: bool) -> bool:
    if is_folder:
        return name in JUNK_FOLDERS
    return (
        name in _JUNK_FILES
        or name.startswith(_JUNK_PREFIXES)
        or (name.endswith(_JUNK_SUFFIXES) and len(name) > 1)
    )


def _shown(path: str) -> str:
    """A path that any terminal and any database takes."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _special(mode: int) -> str:
    kinds = (
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISBLK, "a block device"),
        (stat.S_ISCHR, "a character device"),
    )
    return next((name for test, name in kinds if test(mode)), "something special")
