"""Hashes of files, and the memo that makes a warm start cost a stat."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from pathlib import Path

import pytest

from nearfield.errors import HashMismatch
from nearfield.models.hashes import file_sha256, verify
from nearfield.paths import cache_dir

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, "abc"


def _settled(path: Path, content: bytes, seconds: int = 1_600_000_000) -> Path:
    """Write a file that was not changed lately, so that its hash is remembered."""
    path.write_bytes(content)
    os.utime(path, (seconds, seconds))
    return path


def _memos() -> list[Path]:
    return sorted((cache_dir() / "hashes").glob("*.json"))


def test_known_digest(tmp_path: Path) -> None:
    assert file_sha256(_settled(tmp_path / "a", b"abc")) == ABC


def test_empty_and_large_file(tmp_path: Path) -> None:
    assert file_sha256(_settled(tmp_path / "e", b"")) == hashlib.sha256().hexdigest()
    content = bytes(range(256)) * 20_000
    assert file_sha256(_settled(tmp_path / "l", content)) == hashlib.sha256(content).hexdigest()


def test_memo_is_used_while_the_file_stays(tmp_path: Path) -> None:
    path = _settled(tmp_path / "a", b"abc")
    file_sha256(path)
    (memo,) = _memos()
    entry = json.loads(memo.read_text())
    memo.write_text(json.dumps({**entry, "sha256": "f" * 64}))
    assert file_sha256(path) == "f" * 64


@pytest.mark.parametrize("change", ["content", "time", "inode"])
def test_memo_is_dropped_when_the_file_changes(tmp_path: Path, change: str) -> None:
    path = _settled(tmp_path / "a", b"abc")
    file_sha256(path)
    if change == "content":
        _settled(path, b"abcd")
    elif change == "time":
        _settled(path, b"abd", seconds=1_600_000_001)
    else:
        _settled(tmp_path / "b", b"abd").replace(path)
    assert file_sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_fresh_file_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert file_sha256(path) == ABC
    assert _memos() == []


def test_links_share_the_memo_of_their_target(tmp_path: Path) -> None:
    path = _settled(tmp_path / "a", b"abc")
    (tmp_path / "link").symlink_to(path)
    assert file_sha256(tmp_path / "link") == file_sha256(path) == ABC
    assert len(_memos()) == 1


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b"\xff\xfe", b'{"sha256": 7}', b"null"])
def test_broken_memo_is_ignored(tmp_path: Path, junk: bytes) -> None:
    path = _settled(tmp_path / "a", b"abc")
    file_sha256(path)
    _memos()[0].write_bytes(junk)
    assert file_sha256(path) == ABC


def test_cache_that_cannot_be_written_is_ignored(tmp_path: Path, private_home: Path) -> None:
    (private_home / "cache").write_text("a file where the folder should be")
    assert file_sha256(_settled(tmp_path / "a", b"abc")) == ABC


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        file_sha256(tmp_path / "none")


def test_many_processes_at_once(tmp_path: Path) -> None:
    path = _settled(tmp_path / "a", b"abc")
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        assert pool.map(file_sha256, [path] * 30, chunksize=10) == [ABC] * 30
    assert len(list((cache_dir() / "hashes").iterdir())) == 1


def test_verify_says_both_values_and_the_remedy(tmp_path: Path) -> None:
    path = _settled(tmp_path / "a", b"abc")
    verify(path, ABC.upper())
    with pytest.raises(HashMismatch) as caught:
        verify(path, "0" * 64, remedy="fetch it again")
    assert "0" * 64 in str(caught.value)
    assert ABC in str(caught.value)
    assert str(caught.value).endswith("fetch it again")
