"""Questions of a person's own: a file of lines, each with a question and what answers it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nearfield.errors import InputError
from nearfield.evaluation.tasks import RetrievalTask
from nearfield.types import Document, Problem

__all__ = ["read_questions"]

_QUESTION = ("question", "query", "text")
_ANSWERS = ("documents", "document", "relevant", "answers", "answer", "source", "file")


def read_questions(path: Path, documents: Mapping[str, Document], root: Path) -> RetrievalTask:
    """Read questions and find the documents that they name.

    Parameters
    ----------
    path : Path
        JSONL with one object a line, ``{"question": "…", "documents": ["a.md", "b.md"]}``, or CSV
        with the columns ``question`` and ``document``, one line an answer. A document is named by
        its id, by its path below `root`, by its file name, or by title, where that names one only.
    documents : mapping of str to Document
    root : Path
        The folder that was read.

    Returns
    -------
    RetrievalTask
        Questions of which no document is there are left out and told in its problems.

    Raises
    ------
    InputError
        A line is not what it should be, or no question is left.
    """
    names = _names(documents, root)
    queries: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    problems: list[Problem] = []
    known: dict[str, str] = {}
    for line, question, answers in _lines(path):
        id_ = known.setdefault(question, f"q{len(known) + 1:04}")
        for answer, grade in answers.items():
            found = names.get(answer) or names.get(str(Path(answer)))
            if found:
                queries[id_] = question
                qrels.setdefault(id_, {})[found] = grade
            else:
                told = "names several documents" if answer in names else "is no document here"
                problems.append(Problem(f"{path}, line {line}", f"{answer!r} {told}"))
    lost = [question for question, id_ in known.items() if id_ not in queries]
    problems += [Problem(str(path), f"left out, no document answers it: {q[:80]!r}") for q in lost]
    if not queries:
        shown = "; ".join(f"{each.source}: {each.reason}" for each in problems[:3])
        raise InputError(f"{path} has no question that a document of {root} answers. {shown}")
    return RetrievalTask(root.name, documents, queries, qrels, path.stem, tuple(problems))


def _names(documents: Mapping[str, Document], root: Path) -> dict[str, str]:
    """Every way to name a document, and its id; empty where a name is not of one alone."""
    names: dict[str, str] = {}
    for id_, document in documents.items():
        ways = {document.title, id_.rpartition("::")[2]}
        if document.source:
            path = Path(document.source)
            single = id_ == document.source
            below = str(path.relative_to(root)) if path.is_relative_to(root) else path.name
            ways |= (
                {below, path.name, str(path)} if single else {f"{below}::{id_.rpartition('::')[2]}"}
            )
        for way in ways - {"", id_}:
            names[way] = "" if way in names and names[way] != id_ else id_
    return names | {id_: id_ for id_ in documents}


def _lines(path: Path) -> Iterator[tuple[int, str, dict[str, int]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    if path.suffix.lower() in {".csv", ".tsv"}:
        rows = csv.DictReader(text.splitlines(), delimiter="\t" if "t" in path.suffix[1:2] else ",")
        for number, row in enumerate(rows, 2):
            yield number, *_fields(dict(row), path, number)
        return
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError as error:
            raise InputError(f"{path}, line {number}: no valid JSON: {error}") from None
        if not isinstance(found, dict):
            raise InputError(f"{path}, line {number}: expected an object, found {line[:60]!r}")
        yield number, *_fields(found, path, number)


def _fields(found: dict[str, Any], path: Path, line: int) -> tuple[str, dict[str, int]]:
    question = next((found[name] for name in _QUESTION if found.get(name)), None)
    answers = next((found[name] for name in _ANSWERS if found.get(name)), None)
    if not isinstance(question, str) or answers is None:
        raise InputError(
            f"{path}, line {line}: expected a question and the documents that answer it, such as "
            '{"question": "…", "documents": ["notes.md"]}; it has ' + ", ".join(map(repr, found))
        )
    if isinstance(answers, dict):
        return question, {str(name): int(grade) for name, grade in answers.items()}
    listed = answers if isinstance(answers, list) else [answers]
    return question, {str(name): 1 for name in listed}
