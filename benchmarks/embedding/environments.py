"""Peers' environments, made once from pinned requirements, and the models in their formats."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import WORKERS
from benchmarks.harness import BenchmarkError, clean_environment
from nearfield.models.hashes import file_sha256

__all__ = ["REQUIREMENTS", "Environments", "PeerMissing", "default_home"]

REQUIREMENTS = Path(__file__).resolve().parent.parent / "peers"
_COMPLETE = ".complete"
_REASON_CHARACTERS = 300


class PeerMissing(BenchmarkError):
    """A peer cannot be measured here; the message is the reason that results give."""


def default_home() -> Path:
    """The user's cache folder: everything in it can be made again."""
    from platformdirs import user_cache_path

    return user_cache_path("nearfield-benchmarks", appauthor=False)


@dataclass(frozen=True, slots=True)
class Environments:
    """A folder of virtual environments and prepared models.

    Attributes
    ----------
    home : Path
    tell : callable
        Gets a line before anything that takes minutes.
    """

    home: Path
    tell: Callable[[str], None]

    def folder(self, name: str) -> Path:
        """Folder of the environment of ``peers/<name>.txt``, another one for other pins."""
        return self.home / "environments" / f"{name}-{_requirements_key(name)}"

    def python(self, name: str) -> Path:
        """Interpreter of the environment of ``peers/<name>.txt``, made if need be.

        Raises
        ------
        PeerMissing
            It cannot be installed; the message says why.
        """
        folder = self.folder(name)
        python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        if not (folder / _COMPLETE).is_file():
            self.tell(f"installing {name}, once")
            shutil.rmtree(folder, ignore_errors=True)
            venv.create(folder, with_pip=True)
            _run(
                [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                 "-r", str(REQUIREMENTS / f"{name}.txt")],
                f"{name} cannot be installed",
            )  # fmt: skip
            (folder / _COMPLETE).touch()
        return python

    def prepared(self, kind: str, environment: str, model: Path) -> Path:
        """Folder of the model as ``workers/prepare.py`` makes it with an environment.

        Raises
        ------
        PeerMissing
            The environment or the export fails; the message says why.
        """
        python = self.python(environment)
        weights = file_sha256(model / "model.safetensors")[:10]
        key = f"{model.name}-{weights}-{kind}-{_requirements_key(environment)}"
        target = self.home / "models" / key
        if not target.is_dir():
            self.tell(f"making the {kind} form of {model.name}, once")
            unborn = target.with_name(f"{key}.part-{os.getpid()}")
            unborn.mkdir(parents=True)
            try:
                _run(
                    [str(python), str(WORKERS / "prepare.py"), kind, str(model), str(unborn)],
                    f"{model.name} cannot be brought into the form {kind}",
                )
                unborn.rename(target)
            finally:
                shutil.rmtree(unborn, ignore_errors=True)
        return target


def _requirements_key(name: str) -> str:
    path = REQUIREMENTS / f"{name}.txt"
    content = path.read_bytes() + f"{sys.version_info[:2]}".encode()
    return hashlib.sha256(content).hexdigest()[:10]


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        env=clean_environment(),
        check=False,
    )
    if done.returncode != 0:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise PeerMissing(f"{what}: {said[-1][:_REASON_CHARACTERS] if said else done.returncode}")
