"""From a folder or a file to a task; what is in it decides what it is."""

from __future__ import annotations

from pathlib import Path

from nearfield.errors import InputError
from nearfield.evaluation.tasks.beir import is_beir, load_beir
from nearfield.evaluation.tasks.files import stem_of, suffix_of
from nearfield.evaluation.tasks.splits import SPLITS, choose_split
from nearfield.evaluation.tasks.tables import load_table
from nearfield.evaluation.tasks.task import Task, TaskKind

__all__ = ["load"]

_TABLES = (".jsonl", ".ndjson", ".tsv", ".csv", ".tab")
_TRAIN = "train"


def load(path: str | Path, *, split: str | None = None, kind: TaskKind | str | None = None) -> Task:
    r"""Read a task from a folder or a file.

    A folder with a corpus, queries and judgements is retrieval (the layouts of BEIR and TREC). A
    table (``test.tsv``, ``test.csv``, ``test.jsonl``, in a folder or alone, packed or not) is what
    its columns say: see :mod:`nearfield.evaluation.tasks.tables`.

    Parameters
    ----------
    path : str or Path
    split : str, optional
        ``test`` where there is one, else ``dev``, else the only one.
    kind : TaskKind or str, optional
        Where the same columns serve two kinds: ``clustering`` in place of ``classification``.

    Returns
    -------
    Task
        With everything that is wrong with the data in its ``problems``.

    Raises
    ------
    InputError
        There is nothing, or nothing that is understood; or no such split.
    ReadError
        A file is damaged or a line is wrong; the message names both.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "pairs.csv").write_text(
    ...         "sentence1,sentence2,score\nA cat,A kitten,4.5\nA cat,A car,0.5\n"
    ...     )
    ...     task = load(f"{folder}/pairs.csv")
    >>> task.kind, task.sizes()
    (<TaskKind.STS: 'sts'>, {'pairs': 2})
    """
    place = Path(path).expanduser()
    asked = TaskKind.of(kind) if kind is not None else None
    if not place.exists():
        raise InputError(f"{place} does not exist: name the folder or the file of a task")
    if place.is_file():
        return load_table(stem_of(place), place, split or stem_of(place), kind=asked)
    if is_beir(place):
        if asked not in (None, TaskKind.RETRIEVAL):
            raise InputError(f"{place} holds corpus, queries and judgements: that is no {asked}")
        return load_beir(place, split)
    tables = {
        stem_of(file): file
        for file in sorted(place.iterdir())
        if file.is_file() and suffix_of(file) in _TABLES
    }
    named = {stem: file for stem, file in tables.items() if stem in SPLITS} or tables
    if not named:
        raise InputError(
            f"{place} holds no task: expected corpus.jsonl, queries.jsonl and qrels/test.tsv, or a "
            "table such as test.tsv, test.csv or test.jsonl"
        )
    chosen = choose_split(named, split, place)
    train = named.get(_TRAIN) if chosen != _TRAIN else None
    return load_table(place.resolve().name, named[chosen], chosen, train=train, kind=asked)
