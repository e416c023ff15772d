"""Folders as people have them: ignored, looping, unreadable, strange."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from nearfield.documents.walk import FoundFile, Skip, WalkOptions, walk
from nearfield.errors import InputError
from nearfield.types import Problem


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def found(root: Path, **options: object) -> list[str]:
    items = list(walk(root, options=WalkOptions(**options)))
    assert all(isinstance(item, FoundFile) for item in items), items
    return [item.path.relative_to(root).as_posix() for item in items]


def test_order_follows_the_parts_of_the_path(tmp_path: Path) -> None:
    make(tmp_path, "b.txt", "a/z.txt", "a/b/c.txt", "a.txt", "c/1.txt")
    assert found(tmp_path) == ["a/b/c.txt", "a/z.txt", "a.txt", "b.txt", "c/1.txt"]


def test_a_found_file_states_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"12345")
    os.utime(path, ns=(7, 123_456_789))
    assert list(walk(tmp_path)) == [FoundFile(path, 5, 123_456_789)]


def test_a_file_is_found_whatever_its_name_and_the_ignore_files(tmp_path: Path) -> None:
    make(tmp_path, ".secret")
    (tmp_path / ".gitignore").write_text("*\n")
    assert [item.path for item in walk(tmp_path / ".secret")] == [tmp_path / ".secret"]


def test_an_empty_folder_yields_nothing(tmp_path: Path) -> None:
    assert list(walk(tmp_path)) == []


def test_a_missing_root_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file or folder at .*nowhere"):
        walk(tmp_path / "nowhere")


def test_a_relative_root_gives_relative_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "docs/a.md", "docs/b.log")
    (tmp_path / "docs/.gitignore").write_text("*.log\n")
    monkeypatch.chdir(tmp_path)
    assert [item.path for item in walk(Path("docs"))] == [Path("docs/a.md")]


def test_hidden_entries_and_junk_are_counted_unless_asked_for(tmp_path: Path) -> None:
    make(tmp_path, "a.txt", ".hidden", ".config/x", "node_modules/m.js", "~$a.docx", "a.txt~")
    walked = walk(tmp_path)
    assert [item.path.name for item in walked] == ["a.txt"]
    assert dict(walked.skipped) == {Skip.HIDDEN: 2, Skip.JUNK: 3}
    assert found(tmp_path, hidden=True) == [".config/x", ".hidden", "a.txt"]
    assert found(tmp_path, junk=True) == ["a.txt", "a.txt~", "node_modules/m.js", "~$a.docx"]


def test_include_and_exclude(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "b.txt", "docs/c.md", "docs/old/d.md", "draft-x.md")
    assert found(tmp_path, include=("*.md",)) == [
        "a.md",
        "docs/c.md",
        "docs/old/d.md",
        "draft-x.md",
    ]
    assert found(tmp_path, include=("docs/",)) == ["docs/c.md", "docs/old/d.md"]
    assert found(tmp_path, include=("*.md",), exclude=("old/", "draft-*")) == ["a.md", "docs/c.md"]
    walked = walk(tmp_path, options=WalkOptions(include=("*.md",), exclude=("old/", "draft-*")))
    list(walked)
    assert dict(walked.skipped) == {Skip.UNWANTED: 3}


def test_an_invalid_pattern_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="include has an invalid pattern: '!'"):
        walk(tmp_path, options=WalkOptions(include=("!",)))


GITIGNORE = {
    ".gitignore": "*.log\n!keep.log\n/build\n# comment\ncache/\ndeep/**/x.txt\n*.tmp\n\\#odd\n",
    "sub/.gitignore": "!sub.log\nlocal.txt\n",
    "sub/deeper/.gitignore": "*.tmp\n!z.tmp\n",
    ".git/info/exclude": "excluded.txt\n",
}
_GIT_FILES = (
    "a.log keep.log build/x sub/build/y cache/c sub/cache/d deep/x.txt deep/a/b/x.txt sub/sub.log "
    "sub/other.log sub/local.txt local.txt sub/deeper/z.tmp sub/deeper/y.tmp excluded.txt #odd "
    "sub/excluded.txt plain.txt"
)
GIT_FILES = _GIT_FILES.split()
GIT_KEEPS = ["keep.log", "local.txt", "plain.txt", "sub/build/y", "sub/deeper/z.tmp", "sub/sub.log"]


def repository(root: Path) -> None:
    make(root, *GIT_FILES)
    for name, text in GITIGNORE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_gitignore_at_every_level(tmp_path: Path) -> None:
    repository(tmp_path)
    assert found(tmp_path) == GIT_KEEPS


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_git_itself_agrees(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    repository(tmp_path)
    listed = subprocess.run(
        ["git", "-C", tmp_path, "ls-files", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert sorted(name for name in listed if not name.endswith(".gitignore")) == GIT_KEEPS
    assert sorted(found(tmp_path)) == GIT_KEEPS


def test_rules_above_the_root_count_inside_a_repository_only(tmp_path: Path) -> None:
    make(tmp_path, "docs/a.md", "docs/b.log", "docs/_build/x.md")
    (tmp_path / ".gitignore").write_text("*.log\n_build/\n")
    assert found(tmp_path / "docs") == ["_build/x.md", "a.md", "b.log"]
    (tmp_path / ".git").mkdir()
    assert found(tmp_path / "docs") == ["a.md"]
    # Whoever names an ignored folder wants it.
    assert found(tmp_path / "docs/_build") == ["x.md"]


def test_nearfieldignore_outranks_gitignore(tmp_path: Path) -> None:
    make(tmp_path, "build/a.md", "build/b.txt", "c.md")
    (tmp_path / ".gitignore").write_text("build/\n")
    (tmp_path / ".nearfieldignore").write_text("!build/\nc.md\n*.txt\n")
    assert found(tmp_path) == ["build/a.md"]
    assert found(tmp_path, ignore_files=False) == ["build/a.md", "build/b.txt", "c.md"]


def test_a_line_that_is_no_pattern_is_reported(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "b.log")
    (tmp_path / ".gitignore").write_text("!\n*.log\r\n")
    problem, file = walk(tmp_path)
    assert isinstance(problem, Problem)
    assert problem.source == str(tmp_path / ".gitignore")
    assert problem.reason == "no valid pattern, passed over: '!'"
    assert isinstance(file, FoundFile)
    assert file.path.name == "a.md"


def test_symbolic_links_are_counted_not_followed(tmp_path: Path) -> None:
    make(tmp_path, "root/a.md", "outside/b.md")
    (tmp_path / "root/loop").symlink_to(tmp_path / "root", target_is_directory=True)
    (tmp_path / "root/out").symlink_to(tmp_path / "outside", target_is_directory=True)
    (tmp_path / "root/gone").symlink_to(tmp_path / "nowhere")
    walked = walk(tmp_path / "root")
    assert [item.path.name for item in walked] == ["a.md"]
    assert dict(walked.skipped) == {Skip.LINK: 3}


def test_followed_links_enter_each_place_once_and_never_loop(tmp_path: Path) -> None:
    root = tmp_path / "root"
    make(tmp_path, "root/a.md", "outside/b.md", "single.md")
    (root / "again").symlink_to(root, target_is_directory=True)
    (root / "inside").symlink_to(root / "a.md")
    (root / "out1").symlink_to(tmp_path / "outside", target_is_directory=True)
    (root / "out2").symlink_to(tmp_path / "outside", target_is_directory=True)
    (root / "single1.md").symlink_to(tmp_path / "single.md")
    (root / "single2.md").symlink_to(tmp_path / "single.md")
    # From outside back to a folder that holds the root.
    (tmp_path / "outside/up").symlink_to(tmp_path, target_is_directory=True)
    walked = walk(root, options=WalkOptions(follow_links=True))
    names = [item.path.relative_to(root).as_posix() for item in walked]
    assert names == ["a.md", "out1/b.md", "out1/up/single.md"]
    # again, inside, up/outside, up/root, out2, single1.md, single2.md
    assert dict(walked.skipped) == {Skip.LINK: 7}


def test_a_dangling_link_is_named_when_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    (problem,) = walk(tmp_path, options=WalkOptions(follow_links=True))
    assert problem == Problem(
        str(tmp_path / "gone"), "cannot be looked at: No such file or directory"
    )


def test_pipes_and_sockets_are_named_and_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)  # the path of a socket has room for some 100 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("sock")
        problems = list(walk(tmp_path))
    assert problems == [
        Problem(str(tmp_path / "pipe"), "a named pipe, not a file"),
        Problem(str(tmp_path / "sock"), "a socket, not a file"),
    ]


def test_large_files_are_named_with_both_sizes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * 1001)
    (problem,) = walk(tmp_path, options=WalkOptions(max_bytes=1000))
    assert problem == Problem(str(tmp_path / "a.txt"), "too large: 1,001 bytes, the limit is 1,000")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_folder_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    make(tmp_path, "a/x.md", "b.md")
    (tmp_path / "a").chmod(0)
    try:
        problem, file = walk(tmp_path)
    finally:
        (tmp_path / "a").chmod(0o700)
    assert problem == Problem(str(tmp_path / "a"), "cannot be opened: Permission denied")
    assert isinstance(file, FoundFile)


def test_a_name_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text("x")
    except OSError:
        pytest.skip("this file system takes valid names only")
    (problem,) = walk(tmp_path)
    assert problem == Problem(f"{tmp_path}/caf\\xe9.txt", "its name is not valid UTF-8; rename it")


def test_folders_nested_deeper_than_recursion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    depth = sys.getrecursionlimit() + 100
    monkeypatch.chdir(tmp_path)
    for _ in range(depth):
        Path("d").mkdir()
        os.chdir("d")
    try:
        assert list(walk(tmp_path)) == []
    finally:
        for _ in range(depth):
            os.chdir("..")
            Path("d").rmdir()
