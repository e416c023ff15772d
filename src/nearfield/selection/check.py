"""Hold a pipeline to a figure: a retrieval regression test for continuous integration."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from nearfield.errors import InputError
from nearfield.evaluation.metrics import Measure
from nearfield.evaluation.run import Run, documents_of
from nearfield.evaluation.significance import Interval, bootstrap
from nearfield.models.cache import VectorCache
from nearfield.models.card import require_same
from nearfield.selection.data import Data, load_source
from nearfield.selection.pipeline import Pipeline
from nearfield.selection.searching import Searching
from nearfield.selection.workshop import Load, Workshop
from nearfield.selection.yardstick import Yardstick, reading_gain

__all__ = ["READING", "Gate", "GateReport", "GateResult", "check", "junit", "minimum_of"]

READING = "reading"
"""Name of the reading gain, where questions are made of the documents."""

_FORM = re.compile(r"(?P<measure>[a-z_]+(?:@[0-9]+)?)=(?P<least>[0-9.]+)")


@dataclass(frozen=True, slots=True)
class Gate:
    """A figure that must be reached.

    Attributes
    ----------
    measure : str
        Such as ``ndcg@10``, or ``reading``.
    least : float
        In [0, 1].
    """

    measure: str
    least: float


@dataclass(frozen=True, slots=True)
class GateResult:
    """How a figure stands to what was asked.

    Attributes
    ----------
    gate : Gate
    found : Interval
        The mean with its 95% interval.
    """

    gate: Gate
    found: Interval

    @property
    def passed(self) -> bool:
        """Whether the mean reaches it."""
        return self.found.mean >= self.gate.least

    @property
    def within_noise(self) -> bool:
        """Whether other questions of the same kind could have turned the verdict."""
        return self.found.low <= self.gate.least <= self.found.high

    @property
    def sentence(self) -> str:
        """What happened, for a person."""
        figure = (
            f"{self.gate.measure} is {self.found.mean:.4f} (95% interval {self.found.low:.4f} to "
            f"{self.found.high:.4f}), at least {self.gate.least:g} is asked"
        )
        if self.within_noise:
            side = "above" if self.passed else "below"
            return f"{figure}: {side}, but within the noise of these questions"
        return figure + (": reached" if self.passed else ": missed, and not by chance")


@dataclass(frozen=True, slots=True)
class GateReport:
    """All gates of one pipeline.

    Attributes
    ----------
    pipeline : Pipeline
    results : tuple of GateResult
    questions, documents : int
    seconds : float
    problems : tuple of str
        What was wrong with the data.
    """

    pipeline: Pipeline
    results: tuple[GateResult, ...]
    questions: int
    documents: int
    seconds: float
    problems: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every figure was reached."""
        return all(result.passed for result in self.results)


def minimum_of(text: str) -> Gate:
    """Read a gate.

    Raises
    ------
    InputError
        It is not of the form ``measure=least``, or the least is no share.

    Examples
    --------
    >>> minimum_of("ndcg@10=0.60")
    Gate(measure='ndcg@10', least=0.6)
    """
    match = _FORM.fullmatch(text.strip().lower())
    try:
        least = float(match["least"]) if match is not None else -1.0
    except ValueError:
        least = -1.0
    if match is None or not 0.0 <= least <= 1.0:
        raise InputError(
            f"{text!r} is no gate: expected a measure and a share, such as ndcg@10=0.60, "
            f"or {READING}=0.40 where the questions are made of the documents"
        )
    if match["measure"] != READING:
        Measure.of(match["measure"])
    return Gate(match["measure"], least)


def check(
    pipeline: Pipeline,
    gates: Sequence[Gate],
    folder: Path,
    *,
    questions: Path | None = None,
    split: str | None = None,
    count: int = 300,
    cache: VectorCache | None = None,
    load: Load | None = None,
    listener: Callable[[str, float, int], None] | None = None,
) -> GateReport:
    """Search a folder as a pipeline says and compare figures with what is asked.

    Parameters
    ----------
    pipeline : Pipeline
    gates : sequence of Gate
        At least one.
    folder : Path
        Files, or a judged collection.
    questions : Path, optional
        As ``choose`` takes them; without any, and without a judged collection, questions are made
        of the documents, and the gate must be on ``reading``.
    split : str, optional
    count : int
        Most questions to make.
    cache : VectorCache, optional
    load : callable, optional
    listener : callable, optional

    Raises
    ------
    InputError
        No gate, or one that the questions cannot answer.
    FingerprintMismatch
        The model here is not the one that the pipeline was measured with.
    """
    if not gates:
        raise InputError("no figure is asked for: give at least one, such as --min ndcg@10=0.60")
    begun = time.monotonic()
    data = load_source(folder, questions=questions, split=split).prepare(count=count)
    _require_answerable(gates, data)
    with tempfile.TemporaryDirectory(prefix="nearfield-check-") as scratch:
        place = Path(scratch)
        workshop = Workshop(data.documents, place / "work", cache or VectorCache())
        if load is not None:
            workshop.load = load
        try:
            _require_measured(pipeline, workshop)
            scores = _scores(pipeline, gates, data, workshop, listener)
        finally:
            workshop.close()
    results = tuple(GateResult(gate, bootstrap(scores[gate.measure])) for gate in gates)
    problems = tuple(f"{each.source}: {each.reason}" for each in data.problems)
    return GateReport(
        pipeline,
        results,
        len(data.queries),
        len(data.documents),
        time.monotonic() - begun,
        problems,
    )


def _require_answerable(gates: Sequence[Gate], data: Data) -> None:
    for gate in gates:
        if gate.measure == READING and not data.spans:
            raise InputError(
                "reading gain needs to know where answers stand, and these questions name "
                "documents: "
                "ask for ndcg@10 or another measure of rankings"
            )


def _require_measured(pipeline: Pipeline, workshop: Workshop) -> None:
    from nearfield.selection.applying import refined

    model = pipeline.model
    if model.fingerprint:
        card = refined(workshop.counted(model).inner, model).card
        require_same(model.fingerprint, card.fingerprint, what=f"the pipeline's {model.name}")


def _scores(
    pipeline: Pipeline,
    gates: Sequence[Gate],
    data: Data,
    workshop: Workshop,
    listener: Callable[[str, float, int], None] | None,
) -> dict[str, list[float]]:
    measures = {g.measure: Measure.of(g.measure) for g in gates if g.measure != READING}
    deepest = max((measure.k or 100 for measure in measures.values()), default=10)
    yardstick = Yardstick(Measure("ndcg", deepest), data.qrels, data.spans)
    searching = Searching(data.queries, workshop)
    workshop.announce([pipeline])
    passages = workshop.passages(
        pipeline, lambda done, of: listener("Embedding", done / of, 0) if listener else None
    )
    depth = yardstick.depth(len(passages.chunks), len(data.documents), passages.characters)
    depth = pipeline.search.depth(max(depth, deepest))
    scores: dict[str, list[float]] = {gate.measure: [] for gate in gates}
    for number, query in enumerate(data.queries):
        if listener is not None:
            listener("Asking", number / len(data.queries), number)
        hits, _ = searching.search(pipeline, query, depth)
        run = Run("", {query: documents_of(hits)})
        for name, figures in scores.items():
            if name == READING:
                span = data.spans.get(query)
                if span is not None:
                    figures.append(reading_gain([hit.chunk for hit in hits], span))
            else:
                found = measures[name].scores(run, {query: data.qrels[query]})
                figures.append(float(np.asarray(found)[0]))
    return scores


def junit(report: GateReport, *, name: str = "nearfield check") -> str:
    """The report as JUnit XML: one test case a gate."""
    failed = [result for result in report.results if not result.passed]
    suite = ElementTree.Element(
        "testsuite",
        name=name,
        tests=str(len(report.results)),
        failures=str(len(failed)),
        errors="0",
        skipped="0",
        time=f"{report.seconds:.3f}",
    )
    each = report.seconds / max(1, len(report.results))
    for result in report.results:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=_safe(report.pipeline.label),
            name=f"{result.gate.measure} >= {result.gate.least:g}",
            time=f"{each:.3f}",
        )
        if not result.passed:
            failure = ElementTree.SubElement(
                case, "failure", message=_safe(result.sentence), type="BelowMinimum"
            )
            failure.text = _safe(result.sentence)
        out = ElementTree.SubElement(case, "system-out")
        out.text = _safe(
            f"{result.sentence}. {report.questions} questions, {report.documents} documents."
        )
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    text: str = ElementTree.tostring(suites, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _safe(text: str) -> str:
    """Text without characters that XML has no form for."""
    return "".join(
        c if c in "\t\n" or (ord(c) >= 32 and not 0xD800 <= ord(c) < 0xE000) else "�" for c in text
    )
