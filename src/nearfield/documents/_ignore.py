"""Ignore rules as git applies them: nearest file first, last matching line wins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from nearfield.types import Problem

__all__ = ["Ignores", "compile_patterns", "ignores_above"]

_GITIGNORE = ".gitignore"
_OWN = ".nearfieldignore"


@dataclass(frozen=True, slots=True)
class _Rules:
    folder: Path
    spec: GitIgnoreSpec


@dataclass(frozen=True, slots=True)
class Ignores:
    """The rules in force in one folder.

    Attributes
    ----------
    own, git : tuple of rules
        Of ``.nearfieldignore`` and of git, outermost first. The own ones decide; where they
        say nothing, git's do.
    """

    own: tuple[_Rules, ...] = ()
    git: tuple[_Rules, ...] = ()

    def match(self, path: Path, is_folder: bool) -> bool:
        """Whether the entry at an absolute path below every rule's folder is ignored."""
        for chain in (self.own, self.git):
            for rules in reversed(chain):
                below = path.relative_to(rules.folder).as_posix()
                decided = rules.spec.check_file(below + "/" if is_folder else below).include
                if decided is not None:
                    return decided
        return False

    def enter(self, folder: Path, names: Iterable[str]) -> tuple[Ignores, list[Problem]]:
        """The rules in force inside `folder`, and what is wrong with its ignore files."""
        present = set(names)
        own, git = self.own, self.git
        problems: list[Problem] = []
        if ".git" in present:
            exclude = folder / ".git" / "info" / "exclude"
            if exclude.is_file():
                rules, bad = _load(folder, exclude)
                git, problems = (*git, rules), problems + bad
        if _GITIGNORE in present:
            rules, bad = _load(folder, folder / _GITIGNORE)
            git, problems = (*git, rules), problems + bad
        if _OWN in present:
            rules, bad = _load(folder, folder / _OWN)
            own, problems = (*own, rules), problems + bad
        return Ignores(own, git), problems


def ignores_above(root: Path) -> Ignores:
    """Rules of the folders above `root`, up to the repository that it is part of.

    A root outside any repository inherits nothing, and neither does one that is ignored
    itself: who names an ignored folder wants it.
    """
    ignores = Ignores()
    parents = [root.absolute(), *root.absolute().parents]
    top = next((i for i, folder in enumerate(parents) if (folder / ".git").exists()), 0)
    for folder in reversed(parents[1 : top + 1]):
        present = [n for n in (".git", _GITIGNORE, _OWN) if (folder / n).exists()]
        ignores, _ = ignores.enter(folder, present)
    return Ignores() if ignores.match(root.absolute(), is_folder=True) else ignores


def compile_patterns(patterns: Iterable[str]) -> tuple[GitIgnoreSpec, list[str]]:
    """Patterns of an ignore file, and those that are no patterns."""
    good, bad = [], []
    for pattern in patterns:
        try:
            GitIgnoreSpec.from_lines([pattern])
        except ValueError:
            bad.append(pattern)
        else:
            good.append(pattern)
    return GitIgnoreSpec.from_lines(good), bad


def _load(folder: Path, file: Path) -> tuple[_Rules, list[Problem]]:
    try:
        # File names are bytes to the system; this is how Python spells them.
        text = file.read_bytes().removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    except OSError as error:
        reason = f"cannot be read, so nothing is ignored by it: {error.strerror}"
        return _Rules(folder, GitIgnoreSpec.from_lines([])), [Problem(str(file), reason)]
    spec, bad = compile_patterns(text.replace("\r\n", "\n").split("\n"))
    problems = [Problem(str(file), f"no valid pattern, passed over: {p!r}") for p in bad]
    return _Rules(folder, spec), problems
