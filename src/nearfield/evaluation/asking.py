"""Ask a collection questions whose answers are known, and measure what it says.

With a file to keep answers in, each one is written when it is there, and a run that was stopped
goes on behind the last: with a language model, a few hundred questions take long.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from nearfield.collection import Collection
from nearfield.collection.asking import AskOptions
from nearfield.errors import InputError
from nearfield.evaluation.answers import Asked, MeasuredAnswer, measured
from nearfield.evaluation.postmortem.answers import Answers
from nearfield.evaluation.tasks.files import Record, records_of
from nearfield.filters import Filter
from nearfield.models import reading
from nearfield.protocols import Generator
from nearfield.rag import generators, prompts
from nearfield.rag.extractive import NAME as EXTRACTIVE

__all__ = ["KnownQuestion", "ask_all", "read_known"]

Told = Callable[[int, int], None]
"""Takes how many questions are answered, and how many there are."""

_FORMAT = 1
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class KnownQuestion:
    """A question and what is right.

    Attributes
    ----------
    text : str
    answers : tuple of str
        The right ones, each enough by itself; empty where the documents hold none.
    documents : tuple of str
        Ids of the documents that hold them, or the ends of their paths; empty if unknown.
    """

    text: str
    answers: tuple[str, ...]
    documents: tuple[str, ...] = ()


def read_known(path: Path) -> list[KnownQuestion]:
    """Read questions with their answers.

    Parameters
    ----------
    path : Path
        JSONL with one object a line: ``question``, a list of right ``answers`` that is empty where
        the documents hold none, and ``documents`` that hold them, which may be left out. Or CSV
        with such columns, of one answer and one document.

    Raises
    ------
    ReadError
        A line is something else, or a question stands there twice.
    InputError
        There is no question.
    """
    found: dict[str, KnownQuestion] = {}
    for record in records_of(path):
        known = _known(record)
        if known.text in found:
            raise record.error(
                f"{known.text!r} stands there already: put all of its answers into one line"
            )
        found[known.text] = known
    if not found:
        raise InputError(f"{path} holds no question: {_EXPECTED}")
    return list(found.values())


_EXPECTED = (
    'expected {"question": "…", "answers": ["…"], "documents": ["notes.md"]} on each line, answers '
    "empty where the documents hold none, documents left out if unknown"
)


def _known(record: Record) -> KnownQuestion:
    text = record.text("question")
    if not text.strip():
        raise record.error(f"the question is blank: {_EXPECTED}")
    if "answers" not in record.fields:
        raise record.error(f"has no 'answers': {_EXPECTED}")
    documents = _texts(record, "documents") if "documents" in record.fields else ()
    return KnownQuestion(text, _texts(record, "answers"), documents)


def _texts(record: Record, name: str) -> tuple[str, ...]:
    """An empty cell of a table is none."""
    return tuple(text for text in record.texts(name) if text.strip())


def ask_all(
    collection: Collection,
    questions: Sequence[KnownQuestion],
    *,
    generator: Generator | str | None = None,
    options: AskOptions | None = None,
    where: Filter | None = None,
    keep: Path | None = None,
    told: Told | None = None,
) -> list[MeasuredAnswer]:
    """Ask every question and measure the answers.

    Parameters
    ----------
    collection : Collection
    questions : sequence of KnownQuestion
    generator : Generator or str, optional
        As :meth:`~nearfield.collection.Collection.ask` takes it.
    options : AskOptions, optional
    where : Filter, optional
    keep : Path, optional
        JSONL file of the answers. Where it is there already, only the other questions are asked.
    told : callable, optional

    Returns
    -------
    list of MeasuredAnswer
        In the order of the questions.

    Raises
    ------
    InputError
        There are no questions, they name documents that the collection does not have, or the file
        holds answers of another collection, state, generator or other options.
    """
    if not questions:
        raise InputError("there are no questions: give at least one")
    chosen = options or AskOptions()
    documents = _documents(collection, questions)
    if generator is None:
        generator = generators.default_generator() or EXTRACTIVE
    setting = _setting(collection, generator, chosen, where)
    there = _kept(keep, setting) if keep else {}
    found: list[MeasuredAnswer] = []
    with _Book(keep, setting) as book:
        for number, known in enumerate(questions, 1):
            answer = there.get(known)
            if answer is None:
                said = collection.ask(known.text, generator=generator, options=chosen, where=where)
                ids = frozenset(documents[name] for name in known.documents)
                answer = measured(Asked(known.text, known.answers, ids, said))
                book.write({**asdict(answer), "documents": known.documents})
            found.append(answer)
            if told is not None:
                told(number, len(questions))
    return found


def _documents(collection: Collection, questions: Iterable[KnownQuestion]) -> dict[str, str]:
    """The id of every document that is named."""
    there = Answers(collection.store)
    names = dict.fromkeys(name for each in questions for name in each.documents)
    found = {name: there.document(name) for name in names}
    strange = [name for name, id_ in found.items() if id_ is None]
    if strange:
        raise InputError(
            f"{len(strange)} of {len(names)} documents are not in the collection, or are several "
            f"there ({', '.join(strange[:_SHOWN])}): name them by id or by the end of their path"
        )
    return {name: id_ for name, id_ in found.items() if id_ is not None}


def _setting(
    collection: Collection,
    generator: Generator | str,
    options: AskOptions,
    where: Filter | None,
) -> dict[str, Any]:
    """What answers depend on, as plain JSON."""
    name = generator if isinstance(generator, str) else generator.name
    texts = prompts.load(prompts.name_for(name) if options.prompts == "auto" else options.prompts)
    store = collection.store
    state = hashlib.sha256()
    files = ((each.path, each.sha256, each.spec) for each in store.sources())
    for part in (*store.documents(), *files):
        state.update(f"{part!r}\n".encode("utf-8", "surrogatepass"))
    return {
        "format": _FORMAT,
        "model": collection.fingerprint,
        "documents": state.hexdigest(),
        "generator": name,
        "options": repr(options),
        "prompts": hashlib.sha256(repr(texts).encode("utf-8", "surrogatepass")).hexdigest(),
        "read": reading.available() if options.read is None else options.read,
        "where": None if where is None else repr(where),
    }


def _kept(path: Path, setting: Mapping[str, Any]) -> dict[KnownQuestion, MeasuredAnswer]:
    """The answers of an earlier run; what a kill cut short is taken off."""
    if not path.exists():
        return {}
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    try:
        first, *rest = [json.loads(line) for line in whole.splitlines()] or [None]
        found = dict(map(_answered, rest))
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(_strange(path, repr(error))) from None
    if first != setting and not _line(setting).startswith(data):
        if not isinstance(first, dict) or first.keys() != setting.keys():
            raise InputError(_strange(path, "its first line is another"))
        other = [name for name in setting if first[name] != setting[name]]
        raise InputError(
            f"{path} holds answers that were given with other {', '.join(other)}: name another "
            "file, or remove it"
        )
    if len(whole) < len(data):
        with path.open("r+b") as file:
            file.truncate(len(whole))
    return found


def _strange(path: Path, why: str) -> str:
    return f"{path} is no file of answers ({why}): name another one, or remove it"


def _answered(record: dict[str, Any]) -> tuple[KnownQuestion, MeasuredAnswer]:
    documents, right = tuple(record.pop("documents")), tuple(record.pop("right"))
    answer = MeasuredAnswer(**record, right=right)
    return KnownQuestion(answer.question, right, documents), answer


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


class _Book:
    """Appends lines to a file, each on the disk before the next question is asked."""

    def __init__(self, path: Path | None, setting: Mapping[str, Any]) -> None:
        self._path = path
        self._setting = setting
        self._file: BinaryIO | None = None

    def __enter__(self) -> _Book:
        if self._path is not None:
            try:
                self._file = self._path.open("ab")
            except OSError as error:
                raise InputError(f"{self._path} cannot be written: {error}") from None
            if self._file.tell() == 0:
                self.write(self._setting)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, record: Mapping[str, Any]) -> None:
        if self._file is None:
            return
        self._file.write(_line(record))
        self._file.flush()
        os.fsync(self._file.fileno())
