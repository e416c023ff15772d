"""Folders in the layout of BEIR, and judgements in the layout of TREC.

``corpus.jsonl`` (``_id``, ``title``, ``text``), ``queries.jsonl`` (``_id``, ``text``), and
``qrels/<split>.tsv`` (query, document, grade, with a header) or a qrels file of TREC (query,
iteration, document, grade, no header). The first two may be TSV or CSV with the same names in the
first line; all may be packed with gzip.

References
----------
Thakur et al., "BEIR: A heterogeneous benchmark for zero-shot evaluation of information retrieval
models", 2021. ``trec_eval``, README, on qrels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from nearfield.errors import InputError, ReadError
from nearfield.evaluation.tasks.files import existing, lines_of, records_of, stem_of
from nearfield.evaluation.tasks.retrieval import Qrels, RetrievalTask
from nearfield.evaluation.tasks.splits import choose_split
from nearfield.types import Document, Metadata, Problem

__all__ = ["assemble", "is_beir", "load_beir", "load_qrels"]

_ID = ("_id", "id", "doc_id", "docid", "query_id", "qid")
_TEXT = ("text", "contents", "content", "body", "query", "question")
_QREL_ENDINGS = (".tsv", ".txt", ".qrels", ".tsv.gz", ".txt.gz", ".qrels.gz")
_EXAMPLES = 3


def is_beir(folder: Path) -> bool:
    """Whether there is a corpus and a file of queries."""
    return _table(folder, "corpus") is not None and _table(folder, "queries") is not None


def load_beir(folder: Path, split: str | None = None) -> RetrievalTask:
    """Read a folder of corpus, queries and judgements.

    Raises
    ------
    ReadError
        A file is missing, or a line is not what it should be: the message names both.
    InputError
        There is no such split, or several and none is called ``test``.
    """
    corpus, queries = _table(folder, "corpus"), _table(folder, "queries")
    if corpus is None or queries is None:
        raise ReadError(f"{folder} lacks corpus.jsonl or queries.jsonl (also packed: .jsonl.gz)")
    files = _qrel_files(folder)
    if not files:
        raise ReadError(
            f"{folder} has no judgements: expected qrels/test.tsv, or qrels.txt of TREC"
        )
    chosen = choose_split(files, split, folder)
    problems: list[Problem] = []
    documents = _documents(corpus, problems)
    asked = _queries(queries, problems)
    judged = load_qrels(files[chosen], problems)
    return assemble(
        folder.resolve().name, documents, asked, judged, chosen, source=str(files[chosen]),
        problems=problems,
    )  # fmt: skip


def assemble(
    name: str,
    documents: Mapping[str, Document],
    queries: Mapping[str, str],
    qrels: Qrels,
    split: str = "test",
    *,
    source: str = "qrels",
    problems: Sequence[Problem] = (),
) -> RetrievalTask:
    """Make a task of documents, queries and judgements that may not fit together.

    Queries without a relevant document are left out, documents without a text too; judgements of
    documents that are not there stay. All of this is told in the task's problems.

    Raises
    ------
    InputError
        No query has a relevant document, or a judged query is not among the queries.
    """
    found = [*problems]
    empty = [id_ for id_, each in documents.items() if not f"{each.title}{each.text}".strip()]
    _tell(
        found, source, empty, "{} no text and cannot be found", ("document has", "documents have")
    )
    kept = {id_: each for id_, each in documents.items() if id_ not in set(empty)}
    unasked = [id_ for id_ in qrels if id_ not in queries]
    if unasked:
        raise InputError(
            f"{source} judges {_named(unasked)}, which "
            f"{'is' if len(unasked) == 1 else 'are'} not among the {len(queries):,} queries: "
            "queries and judgements do not belong together"
        )
    answered = [id_ for id_ in queries if any(g > 0 for g in qrels.get(id_, {}).values())]
    fruitless = [id_ for id_ in qrels if id_ not in set(answered)]
    _tell(
        found, source, fruitless, "{} no relevant document and left out",
        ("judged query has", "judged queries have"), joint=("is", "are"),
    )  # fmt: skip
    unknown = list(dict.fromkeys(d for q in answered for d in qrels[q] if d not in documents))
    _tell(
        found, source, unknown, "{} not in the corpus; it counts as never found",
        ("judged document is", "judged documents are"),
    )  # fmt: skip
    if not answered:
        raise InputError(f"{source}: no query has a relevant document, so nothing can be measured")
    return RetrievalTask(
        name,
        kept,
        {id_: queries[id_] for id_ in answered},
        {id_: dict(qrels[id_]) for id_ in answered},
        split,
        tuple(found),
    )


def load_qrels(path: Path, problems: list[Problem] | None = None) -> dict[str, dict[str, int]]:
    """Judgements of BEIR (three columns) or TREC (four columns), told apart by their content.

    A judgement that stands twice keeps its first grade.
    """
    qrels: dict[str, dict[str, int]] = {}
    twice: list[str] = []
    for line, query, document, grade in _judgements(path):
        known = qrels.setdefault(query, {})
        if document in known:
            twice.append(f"{query} {document} (line {line})")
        known.setdefault(document, grade)
    if problems is not None:
        _tell(
            problems, str(path), twice, "{} judged before; the first judgement counts",
            ("pair was", "pairs were"),
        )  # fmt: skip
    if not qrels:
        raise ReadError(f"{path} holds no judgement")
    return qrels


def _table(folder: Path, name: str) -> Path | None:
    """The file of documents or queries, whatever its layout."""
    files = (existing(folder, f"{name}{ending}") for ending in (".jsonl", ".tsv", ".csv"))
    return next((file for file in files if file is not None), None)


def _judgements(path: Path) -> Iterator[tuple[int, str, str, int]]:
    for number, (line, text) in enumerate(lines_of(path)):
        # Ids of BEIR may hold spaces where tabs separate; TREC separates by any white space.
        fields = text.split("\t") if text.count("\t") >= 2 else text.split()
        if len(fields) not in (3, 4):
            raise ReadError(
                f"{path}, line {line}: has {len(fields)} fields, expected query, document, grade "
                "(BEIR) or query, iteration, document, grade (TREC)"
            )
        try:
            grade = float(fields[-1])
        except ValueError:
            if number == 0:
                continue  # the names of the columns
            raise ReadError(f"{path}, line {line}: grade is {fields[-1]!r}, not a number") from None
        if grade != int(grade):
            raise ReadError(f"{path}, line {line}: grade is {fields[-1]}, not a whole number")
        yield line, fields[0].strip(), fields[-2].strip(), int(grade)


def _documents(path: Path, problems: list[Problem]) -> dict[str, Document]:
    found: dict[str, Document] = {}
    twice: list[str] = []
    for record in records_of(path):
        id_ = record.text(*_ID)
        if id_ in found:
            twice.append(f"{id_} (line {record.line})")
            continue
        metadata = record.fields.get("metadata")
        told: Metadata = metadata if isinstance(metadata, dict) else {}
        text, title = record.text(*_TEXT, default=""), record.text("title", default="")
        found[id_] = Document(id_, text, title=title, metadata=told)
    _tell_twice(problems, path, twice)
    if not found:
        raise ReadError(f"{path} holds no document")
    return found


def _queries(path: Path, problems: list[Problem]) -> dict[str, str]:
    found: dict[str, str] = {}
    twice: list[str] = []
    for record in records_of(path):
        id_, text = record.text(*_ID), record.text(*_TEXT)
        if id_ in found:
            twice.append(f"{id_} (line {record.line})")
            continue
        if not text.strip():
            raise record.error(f"the query {id_!r} has no text")
        found[id_] = text
    _tell_twice(problems, path, twice)
    return found


def _qrel_files(folder: Path) -> dict[str, Path]:
    """Files of judgements by the split that they are named after."""
    found = {}
    for path in sorted((folder / "qrels").glob("*")):
        if path.is_file() and path.name.endswith(_QREL_ENDINGS):
            found[stem_of(path)] = path
    for path in sorted(folder.glob("qrels*")):
        if path.is_file() and path.name.endswith(_QREL_ENDINGS):
            rest = stem_of(path).removeprefix("qrels").strip("._-")
            found.setdefault(rest or "test", path)
    return found


def _tell_twice(problems: list[Problem], path: Path, twice: list[str]) -> None:
    _tell(
        problems, str(path), twice, "{} the id of an earlier one; the first counts",
        ("record has", "records have"),
    )  # fmt: skip


def _tell(
    problems: list[Problem],
    source: str,
    ids: Sequence[str],
    reason: str,
    noun: tuple[str, str],
    *,
    joint: tuple[str, str] = ("", ""),
) -> None:
    """One line for all cases of one kind, with how many there are and the first ones."""
    if ids:
        many = len(ids) > 1
        told = reason.format(f"{len(ids):,} {noun[many]}")
        if joint[0]:
            told = told.replace(" and left out", f" and {joint[many]} left out")
        if many:
            told = told.replace("it counts", "they count")
        problems.append(Problem(source, f"{told}: {_named(ids)}"))


def _named(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _EXAMPLES:,} more" if len(ids) > _EXAMPLES else ""
    return ", ".join(ids[:_EXAMPLES]) + more
