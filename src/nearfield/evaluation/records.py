"""Figures on disk: reports that were recorded here, and results of MTEB that were imported."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nearfield.errors import InputError, ReadError
from nearfield.evaluation.report import Report
from nearfield.evaluation.tasks.task import TaskKind
from nearfield.paths import evaluations_dir
from nearfield.types import Problem, Word

__all__ = ["Origin", "Record", "import_mteb", "record", "records"]

_IMPORTED = "imported"


class Origin(Word):
    """Where a figure comes from."""

    MEASURED = "measured"
    IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class Record:
    """One figure of one system on one task.

    Attributes
    ----------
    system, task : str
    kind : TaskKind
    measure : str
    value : float
        0 to 1; correlations from -1.
    origin : Origin
    low, high : float or None
        Interval; None for imported figures.
    digest : str
        Of the task's data; empty for imported figures.
    date : str
        ISO 8601; empty where it is not known.
    """

    system: str
    task: str
    kind: TaskKind
    measure: str
    value: float
    origin: Origin
    low: float | None = None
    high: float | None = None
    digest: str = ""
    date: str = ""


def record(report: Report, folder: Path | None = None) -> Path:
    """Keep a report; one of the same system on the same data is replaced.

    Parameters
    ----------
    report : Report
    folder : Path, optional
        ``evaluations`` in the user's data folder by default.
    """
    home = folder or evaluations_dir()
    home.mkdir(parents=True, exist_ok=True)
    about = f"{report.task.name}-{report.task.kind}-{report.task.split}-{report.task.digest[:8]}"
    path = (
        home / f"{_plain(report.system.name)}-{report.system.fingerprint[:8]}-{_plain(about)}.json"
    )
    partial = path.with_suffix(".part")
    partial.write_text(report.to_json() + "\n", encoding="utf-8")
    partial.replace(path)
    return path


def records(folder: Path | None = None) -> tuple[list[Record], list[Problem]]:
    """Everything that was recorded or imported, and the files that cannot be read."""
    found: list[Record] = []
    problems: list[Problem] = []
    for path in sorted((folder or evaluations_dir()).glob("*.json")):
        try:
            found += _read(path)
        except (OSError, ValueError, TypeError, KeyError) as error:
            problems.append(Problem(str(path), f"no record of figures: {error}"))
    return found, problems


def import_mteb(source: Path, folder: Path | None = None) -> tuple[list[Record], list[Problem]]:
    """Take results that ``mteb`` wrote: a file, or a folder of them at any depth.

    The model is named by ``model_meta.json`` beside a result, else by the folder.

    Raises
    ------
    InputError
        There is nothing, or no result of MTEB in it.
    """
    if not source.exists():
        raise InputError(f"{source} does not exist")
    files = [source] if source.is_file() else sorted(source.rglob("*.json"))
    taken: list[Record] = []
    problems: list[Problem] = []
    for path in files:
        if path.name == "model_meta.json":
            continue
        try:
            taken += _of_mteb(path)
        except (OSError, ValueError, TypeError, KeyError, ReadError) as error:
            problems.append(Problem(str(path), f"no result of MTEB: {error}"))
    if not taken:
        more = f": {problems[0].reason}" if problems else ""
        raise InputError(f"{source} holds no result of MTEB{more}")
    home = folder or evaluations_dir()
    home.mkdir(parents=True, exist_ok=True)
    for system in sorted({each.system for each in taken}):
        path = home / f"{_IMPORTED}-{_plain(system)}.json"
        known = {each.task: each for each in (_read(path) if path.exists() else [])}
        known |= {each.task: each for each in taken if each.system == system}
        content = {_IMPORTED: [asdict(each) for each in known.values()]}
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return taken, problems


def _read(path: Path) -> list[Record]:
    text = path.read_text(encoding="utf-8")
    if path.name.startswith(f"{_IMPORTED}-"):
        return [
            Record(**each | {"kind": TaskKind.of(each["kind"]), "origin": Origin.IMPORTED})
            for each in json.loads(text)[_IMPORTED]
        ]
    report = Report.from_json(text)
    main = report.scores[report.main]
    return [
        Record(
            report.system.name,
            report.task.name,
            report.task.kind,
            report.main,
            main.mean,
            Origin.MEASURED,
            main.low,
            main.high,
            report.task.digest,
            report.date,
        )
    ]


def _of_mteb(path: Path) -> Iterator[Record]:
    whole = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(whole, dict) or not {"task_name", "scores"} <= whole.keys():
        raise ReadError("it has no 'task_name' and 'scores'")
    splits: Mapping[str, Any] = whole["scores"]
    split = "test" if "test" in splits else next(iter(splits))
    parts = splits[split]
    for part in parts:
        subset = str(part.get("hf_subset", "default"))
        task = str(whole["task_name"])
        kind, measure = _kind(task, part)
        name = task if subset == "default" or len(parts) == 1 else f"{task} ({subset})"
        value = float(part["main_score"])
        # MTEB writes shares; some collections of its results are in percent.
        value = value / 100 if abs(value) > 1.0 else value
        yield Record(_model(path), name, kind, measure, value, Origin.IMPORTED)


def _model(path: Path) -> str:
    beside = path.parent / "model_meta.json"
    if beside.is_file():
        name = json.loads(beside.read_text(encoding="utf-8")).get("name")
        if name:
            return str(name).rpartition("/")[2]
    # results/<organisation>__<model>/<revision>/<task>.json
    for folder in (path.parent.parent.name, path.parent.name):
        if "__" in folder:
            return folder.partition("__")[2]
    raise ReadError("neither model_meta.json nor the folder names the model")


_ENDINGS = {
    "Classification": TaskKind.CLASSIFICATION,
    "Clustering": TaskKind.CLUSTERING,
    "Reranking": TaskKind.RERANKING,
    "Retrieval": TaskKind.RETRIEVAL,
    "PairClassification": TaskKind.PAIRS,
    "BitextMining": TaskKind.BITEXT,
}
_SIGNS = (
    ("v_measure", TaskKind.CLUSTERING, "v_measure"),
    ("scores_per_experiment", TaskKind.CLASSIFICATION, "accuracy"),
    ("max_ap", TaskKind.PAIRS, "average_precision"),
    ("similarity_ap", TaskKind.PAIRS, "average_precision"),
    ("ndcg_at_10", TaskKind.RETRIEVAL, "ndcg@10"),
    ("manhattan_spearman", TaskKind.STS, "spearman"),
    ("cosine_spearman", TaskKind.STS, "spearman"),
    ("dot_spearman", TaskKind.SUMMARISATION, "spearman"),
)


def _kind(task: str, scores: Mapping[str, Any]) -> tuple[TaskKind, str]:
    """Kind and main measure, by the task's name where it says so, else by what was measured."""
    bare = re.sub(r"(\.v\d+|P2P|S2S|Fast)", "", task)
    if "Summ" in task:
        return TaskKind.SUMMARISATION, "spearman"
    sign = next(((kind, name) for key, kind, name in _SIGNS if key in scores), None)
    for ending in sorted(_ENDINGS, key=len, reverse=True):
        if bare.endswith(ending):
            return _ENDINGS[ending], sign[1] if sign else "main_score"
    if sign is None:
        raise ReadError(f"the kind of the task {task!r} is not known")
    return sign


def _plain(text: str) -> str:
    """Text as a part of a file's name."""
    return re.sub(r"[^\w.@+-]+", "-", text).strip("-")[:80]
