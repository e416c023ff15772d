"""What a run has done so far, line by line, so that a killed one goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["Journal"]


class Journal:
    """Events of one experiment in a file of JSON lines.

    The first line names the experiment by the hash of everything that decides it; a journal of
    another experiment is begun anew. A last line that a kill cut short is dropped.

    Parameters
    ----------
    path : Path
    identity : str
        Hash of the experiment.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "journal.jsonl"
    ...     Journal(path, "a").add("measured", candidate="x", scores=[0.5])
    ...     [event["scores"] for event in Journal(path, "a").events("measured")]
    ...     list(Journal(path, "b").events("measured"))
    [[0.5]]
    []
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self.identity = identity
        self._events = self._read(identity)
        if not self._events:
            self.begin()

    def begin(self) -> None:
        """Begin anew, whatever is there."""
        self._events.clear()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("", encoding="utf-8")
        self.add("begun", identity=self.identity)

    def events(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """Events of one kind, in order."""
        return (event for event in self._events if event["event"] == kind)

    def last(self, kind: str) -> Mapping[str, Any] | None:
        """The latest event of one kind; None where there is none."""
        return next((e for e in reversed(self._events) if e["event"] == kind), None)

    @property
    def spent(self) -> float:
        """Seconds that runs of this experiment have taken until now."""
        return max((float(e["spent"]) for e in self._events if "spent" in e), default=0.0)

    def add(self, kind: str, **fields: Any) -> None:  # noqa: ANN401  whatever has a JSON form
        """Write an event; it survives a kill when this returns."""
        event = {"event": kind, **fields}
        self._events.append(event)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event, ensure_ascii=False) + "\n")

    def _read(self, identity: str) -> list[dict[str, Any]]:
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return []
        whole, _, torn = text.rpartition("\n")
        try:
            events = [json.loads(line) for line in whole.splitlines()]
        except ValueError:
            return []
        if not events or events[0].get("identity") != identity:
            return []
        if torn:
            self.path.write_text(whole + "\n", encoding="utf-8")
        return events
