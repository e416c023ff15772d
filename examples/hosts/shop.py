"""What the pipelines share: a small shop, what people ask there, and how a choice is made.

A pipeline has four steps, whatever it runs in. **Select** a model by questions whose answers are
known; **optimise** its vectors, which may be shorter as long as nobody can tell the difference;
**evaluate** the finished retriever on the same questions, as the host calls it and in each of its
modes; **document** all of it, with the fingerprint that the collection keeps as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nearfield as nf
from nearfield.evaluation.evaluate import evaluate
from nearfield.evaluation.metrics import Measure, judge
from nearfield.evaluation.options import EvaluationOptions
from nearfield.evaluation.report import Report
from nearfield.evaluation.run import Run
from nearfield.evaluation.significance import Interval, bootstrap
from nearfield.evaluation.tasks import RetrievalTask
from nearfield.types import Document

Find = Callable[[str], Sequence[str]]

CATALOGUE = Path(__file__).parents[1] / "catalogue" / "catalogue.jsonl"
MODELS = ("wordllama-l2-supercat-256", "all-MiniLM-L6-v2")
MEASURE = "ndcg@10"
MARGIN = 0.02
"""So much of the measure is worth a smaller model or shorter vectors."""

QUESTIONS = {
    "something warm for an arctic expedition": "P01",
    "my hands freeze when I shovel the driveway": "P02",
    "what to wear under a ski jacket": "P03",
    "footwear for jogging in the forest": "P04",
    "how do I make a cappuccino at home": "P05",
    "a pan that will outlive me": "P06",
    "a sharp tool for chopping vegetables": "P07",
    "peace and quiet on a plane": "P08",
    "a gift for a programmer": "P09",
    "my battery dies on long walks": "P10",
    "how to avoid the sun on the coast": "P11",
    "light outfit for a heat wave": "P12",
    "bathing trunks": "P13",
    "keep my feet dry in a storm": "P14",
    "water the roses": "P15",
    "grow my own salad": "P16",
    "learn to play songs": "P17",
    "exercise on a hard floor": "P18",
    "help my toddler go to bed": "P19",
    "where is Mongolia": "P20",
    "walk my puppy": "P21",
    "my kitten ruins the furniture": "P22",
    "cleaner teeth": "P23",
    "avoid getting burnt at noon": "P24",
}


@dataclass(frozen=True)
class Product:
    """One line of the catalogue."""

    id: str
    text: str
    department: str
    price: float


@dataclass(frozen=True)
class Measured:
    """How well a finished retriever finds, in its best mode and in all of them."""

    mode: str
    score: Interval
    modes: Mapping[str, Interval]


@dataclass(frozen=True)
class Choice:
    """The model of a pipeline, and why."""

    model: str
    dimensions: int
    fingerprint: str
    reports: tuple[Report, ...]


def products() -> list[Product]:
    """The catalogue: title and description are what is searched."""
    rows = [json.loads(line) for line in CATALOGUE.read_text(encoding="utf-8").splitlines()]
    return [
        Product(row["id"], f"{row['title']}. {row['text']}", row["department"], row["price"])
        for row in rows
    ]


def task() -> RetrievalTask:
    """The questions as something that models can be measured on."""
    documents = {each.id: Document(each.id, each.text) for each in products()}
    queries = {f"Q{at:02}": question for at, question in enumerate(QUESTIONS, start=1)}
    qrels = {id_: {QUESTIONS[question]: 1} for id_, question in queries.items()}
    return RetrievalTask("shop", documents, queries, qrels)


def choose(models: Sequence[str] = MODELS, sizes: Sequence[int] = (256, 128)) -> Choice:
    """Select the model, then the shortest vectors; what is cheaper may lose no more than MARGIN.

    Models are in order of cost. On a few dozen questions chance alone moves a figure by more than
    that, so the intervals are written down as well.
    """
    options, questions = EvaluationOptions(measures=(MEASURE, "success@1")), task()
    best, *dearer = (evaluate(nf.load(model), questions, options=options) for model in models)
    reports = [best, *dearer]
    for report in dearer:
        if report.score > best.score + MARGIN:
            best = report
    model, dimensions = best.system.name, best.system.dimension
    for size in (size for size in sizes if size < best.system.dimension):
        report = evaluate(nf.load(model, dimensions=size), questions, options=options)
        reports.append(report)
        if report.score < best.score - MARGIN:
            break
        dimensions = size
    encoder = nf.load(model, dimensions=dimensions)
    return Choice(model, dimensions, encoder.card.fingerprint, tuple(reports))


def measure(finders: Mapping[str, Find]) -> Measured:
    """Evaluate a retriever in each of its modes, and keep the best one.

    A finder gives the ids that it finds for a question, best first.
    """
    found = {mode: _measure(find, mode) for mode, find in finders.items()}
    mode = max(found, key=lambda name: found[name].mean)
    return Measured(mode, found[mode], found)


def _measure(find: Find, name: str) -> Interval:
    asked = task()
    rankings = {
        id_: {found: -float(rank) for rank, found in enumerate(find(question))}
        for id_, question in asked.queries.items()
    }
    return bootstrap(Measure.of(MEASURE).of_judged(judge(Run(name, rankings), asked.qrels)))


def document(path: Path, host: str, choice: Choice, measured: Measured) -> None:
    """Write down what was chosen, why, and how well it does."""
    lines = [
        f"# Retrieval with {host}",
        "",
        f"Model **{choice.model}**, {choice.dimensions} dimensions, "
        f"{4 * choice.dimensions:,} bytes a vector, fingerprint `{choice.fingerprint[:16]}`. "
        f"Mode **{measured.mode}**.",
        "",
        f"| on {len(QUESTIONS)} questions | {MEASURE} | 95% interval |",
        "|---|---:|---|",
    ]
    rows = [(f"model {each.system.name}", each.scores[MEASURE]) for each in choice.reports]
    rows += [(f"finished, {mode}", each) for mode, each in measured.modes.items()]
    lines += [f"| {name} | {x.mean:.3f} | {x.low:.3f} to {x.high:.3f} |" for name, x in rows]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    print(path.read_text(encoding="utf-8"))
