"""Storing everything once: rates, bytes, and what an earlier run left."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.embedding.environments import Environments
from benchmarks.harness import BenchmarkError
from benchmarks.stores.session import BARE, OURS, Session, requirements, session
from benchmarks.stores.workload import Workload

__all__ = ["BATCH", "Shelf", "folder_bytes"]

BATCH = 5000
_RECORD = "ingest.json"


class Shelf:
    """Filled folders, by engine, settings, versions and rows.

    A peer is filled once and its rate kept, for some take minutes; Nearfield is filled anew in
    every run, and again right before each database that is, so that the two rates are of one time.

    Parameters
    ----------
    home : Path
    environments : Environments
    tell : callable
        Gets a line for whatever takes long.
    anew : bool
        Fill peers again as well.
    """

    def __init__(
        self,
        home: Path,
        environments: Environments,
        tell: Callable[[str], None],
        *,
        anew: bool = False,
    ) -> None:
        self._home, self._environments, self._tell = home, environments, tell
        self._anew = anew

    def rows(self, name: str, workload: Workload) -> Path:
        """The folder that an engine filled."""
        return self._folder(name, workload) / "rows"

    def session(self, name: str, workload: Workload) -> AbstractContextManager[Session]:
        """A fresh process of an engine; see :func:`session`."""
        return session(name, self._environments, workload.folder)

    def fill(self, name: str, workload: Workload) -> dict[str, Any]:
        """Store the rows unless they are there; what was measured then.

        Raises
        ------
        BenchmarkError
            The engine fails.
        """
        folder = self._folder(name, workload)
        record = folder / _RECORD
        with self.session(name, workload) as running:
            key = _key(running)
            if name != OURS and record.is_file() and not self._anew:
                found: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
                if found["key"] == key:
                    return found
        self._tell(f"storing {workload.rows:,} rows: {name}")
        beside = None if name == OURS or name in BARE else self._beside(workload)
        with self.session(name, workload) as running:
            measured = _filled(running, folder, workload)
        measured = {"key": key, **measured, "nearfield rows per second": beside}
        record.write_text(json.dumps(measured), encoding="utf-8")
        self._tell(f"{name}: {measured['rows per second']:,.0f} rows/s stored")
        return measured

    def _beside(self, workload: Workload) -> float | None:
        """Nearfield's rate at this moment; None where it fails, which is no fault of the peer."""
        try:
            rate: float = self.fill(OURS, workload)["rows per second"]
        except BenchmarkError:
            return None
        return rate

    def _folder(self, name: str, workload: Workload) -> Path:
        return self._home / f"{name}-{workload.folder.name}"


def folder_bytes(folder: Path) -> int:
    """Bytes of all files; of holes in a file, only what the disk gives them."""
    files = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return sum(min(file.st_size, file.st_blocks * 512) for file in files)


def _filled(running: Session, folder: Path, workload: Workload) -> dict[str, Any]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    rows = folder / "rows"
    answer = running.ask("ingest", folder=str(rows), first=0, last=workload.rows, batch=BATCH)
    seconds = answer["create"] + sum(answer["add"]) + answer["finish"]
    return {
        "rows per second": round(workload.rows / seconds, 1),
        "seconds": round(seconds, 3),
        "of which finishing": round(answer["finish"], 3),
        "bytes per row": round(folder_bytes(rows) / workload.rows, 1),
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "load average": round(os.getloadavg()[0], 2),
    }


def _key(running: Session) -> str:
    said = running.ready["settings"].encode() + requirements(running.name)
    return hashlib.sha256(said).hexdigest()[:10]
