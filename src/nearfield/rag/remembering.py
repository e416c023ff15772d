"""A generator that remembers: what was written once is not written, or paid for, again."""

from __future__ import annotations

import hashlib
import sqlite3
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from nearfield.errors import NearfieldWarning
from nearfield.paths import cache_dir
from nearfield.protocols import Generator
from nearfield.rag.generators.around import GeneratorAround
from nearfield.types import Message, Piece, Usage

__all__ = ["RememberingGenerator"]

_Result = TypeVar("_Result")
_WAIT_SECONDS = 10.0
_SCHEMA = "CREATE TABLE IF NOT EXISTS written (key BLOB PRIMARY KEY, text TEXT NOT NULL)"


class RememberingGenerator(GeneratorAround):
    """Wrap a generator so that each prompt is answered once.

    A text is kept on disk under a SHA-256 of the generator, every message, the limit and the stop
    words, as soon as it is whole; so a run that is killed goes on where it was. Many processes may
    share the file. A text that is recalled comes in one piece and counts no tokens.

    Parameters
    ----------
    generator : Generator
        What writes. Its ``fingerprint`` tells it from others, or its name where it has none.
    path : Path, optional
        The file; ``written.sqlite`` in the cache folder of this machine by default.

    Examples
    --------
    >>> import tempfile
    >>> from nearfield.types import Speaker
    >>> class Counting:
    ...     name, context_tokens, asked = "counting", None, 0
    ...     def count(self, text):
    ...         return len(text.split())
    ...     def stream(self, messages, *, max_tokens=512, stop=()):
    ...         self.asked += 1
    ...         yield Piece(f"answer {self.asked}", Usage(1, 2))
    >>> counting = Counting()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     remembering = RememberingGenerator(counting, Path(folder) / "written.sqlite")
    ...     texts = ["Who?", "Where?", "Who?"]
    ...     said = [list(remembering.stream([Message(Speaker.USER, text)])) for text in texts]
    >>> [pieces[0].text for pieces in said], said[2][-1].usage.output_tokens
    (['answer 1', 'answer 2', 'answer 1'], 0)
    """

    def __init__(self, generator: Generator, path: Path | None = None) -> None:
        super().__init__(generator)
        self.path = path if path is not None else cache_dir() / "written.sqlite"
        self._warned = False

    def __repr__(self) -> str:
        return f"RememberingGenerator({self.inner!r}, {str(self.path)!r})"

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 512, stop: Sequence[str] = ()
    ) -> Iterator[Piece]:
        key = self._key(messages, max_tokens, stop)
        known = self._attempt(lambda file: _read(file, key), None) if self.path.exists() else None
        if known is not None:
            yield Piece(known, Usage(0))
            return
        said = []
        for piece in super().stream(messages, max_tokens=max_tokens, stop=stop):
            said.append(piece.text)
            if piece.usage is not None:  # the text is whole: kept before anybody stops listening
                self._attempt(lambda file: _write(file, key, "".join(said)), None)
            yield piece

    def _key(self, messages: Sequence[Message], max_tokens: int, stop: Sequence[str]) -> bytes:
        parts = [self.fingerprint, str(max_tokens), str(len(stop)), *stop]
        for message in messages:
            parts += [message.speaker.value, message.text]
        digest = hashlib.sha256()
        for part in parts:
            data = part.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "little"))
            digest.update(data)
        return digest.digest()

    def _attempt(
        self, work: Callable[[sqlite3.Connection], _Result], otherwise: _Result
    ) -> _Result:
        """Do something with the file; one that does not work costs a warning, never a text."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            made = sqlite3.connect(self.path, timeout=_WAIT_SECONDS)
            with closing(made) as connection, connection:
                connection.execute(_SCHEMA)
                return work(connection)
        except (sqlite3.Error, OSError) as error:
            if not self._warned:
                self._warned = True
                warnings.warn(
                    f"{self.path} does not keep what {self.name} writes ({error}): texts are "
                    "returned, but will be written again. Delete the file, or make room there",
                    NearfieldWarning,
                    stacklevel=4,
                )
            return otherwise


def _read(connection: sqlite3.Connection, key: bytes) -> str | None:
    row = connection.execute("SELECT text FROM written WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def _write(connection: sqlite3.Connection, key: bytes, text: str) -> None:
    connection.execute("INSERT OR REPLACE INTO written VALUES (?, ?)", (key, text))
