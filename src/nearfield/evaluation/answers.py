"""How good answers are: right, found, supported, and withheld where there is none.

References
----------
Rajpurkar et al., "SQuAD: 100,000+ questions for machine comprehension of text", 2016, and its
official evaluation script: how answers are normalised and compared. Rajpurkar, Jia and Liang, "Know
what you don't know: unanswerable questions for SQuAD", 2018. Gao et al., "Enabling large language
models to generate text with citations" (ALCE), 2023: citation precision and recall.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from nearfield.errors import InputError
from nearfield.evaluation.intervals import Interval, bootstrap, bootstrap_statistic
from nearfield.search.calibration import auroc
from nearfield.types import Answer

__all__ = [
    "AnswerReport",
    "Asked",
    "MeasuredAnswer",
    "citation_precision",
    "citation_recall",
    "evaluate_answers",
    "exact_match",
    "f1",
    "faithfulness",
    "measured",
    "normalised",
    "summary",
]

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_MARKS = re.compile(r"\s*\[(?:\d+|no source)\]")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, what is right, and what was answered.

    Attributes
    ----------
    question : str
    answers : tuple of str
        The right ones; empty where the documents hold none.
    documents : frozenset of str
        Ids of the documents that hold them; empty where nobody knows, and then neither passages
        nor citations are measured.
    answer : Answer
    """

    question: str
    answers: tuple[str, ...]
    documents: frozenset[str]
    answer: Answer


@dataclass(frozen=True, slots=True)
class MeasuredAnswer:
    """One answer's figures, each in [0, 1]; None where it has none.

    Attributes
    ----------
    question : str
    right : tuple of str
        The right answers; empty where the documents hold none.
    said : str
        What was answered, without marks; empty where an answer was withheld.
    abstained : bool
    confidence : float or None
    exact, f1, held : float or None
        Of answerable questions.
    hit : float or None
        Of answerable questions whose documents are known.
    citation_precision, citation_recall : float or None
        Of those of them that were answered.
    faithfulness : float or None
        Of answerable questions that were answered.
    seconds : mapping of str to float
        By step.
    input_tokens, output_tokens : int or None
        Where a model wrote.
    """

    question: str
    right: tuple[str, ...]
    said: str
    abstained: bool
    confidence: float | None
    exact: float | None = None
    f1: float | None = None
    held: float | None = None
    hit: float | None = None
    citation_precision: float | None = None
    citation_recall: float | None = None
    faithfulness: float | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class AnswerReport:
    """Means over questions, with 95% bootstrap intervals.

    Attributes
    ----------
    questions, unanswerable : int
        All of them, and those without an answer in the documents.
    hit : Interval or None
        Share of answerable questions with a right document among the passages found, where right
        documents are known.
    exact, f1 : Interval or None
        SQuAD's measures, of answerable questions; an answer that was withheld counts as 0.
    held : Interval or None
        Share of answerable questions whose answer's text holds a right answer word by word.
    citation_precision, citation_recall, faithfulness : Interval or None
        Of answerable questions that were answered.
    auroc : Interval or None
        How well confidence tells answerable questions from others: 0.5 is chance.
    refused_right, refused_wrong : float
        Share of unanswerable and of answerable questions that were not answered.
    seconds : mapping of str to float
        Median wall time by step.
    input_tokens, output_tokens : float
        Means over the answers that a model wrote.
    """

    questions: int
    unanswerable: int
    hit: Interval | None
    exact: Interval | None
    f1: Interval | None
    held: Interval | None
    citation_precision: Interval | None
    citation_recall: Interval | None
    faithfulness: Interval | None
    auroc: Interval | None
    refused_right: float
    refused_wrong: float
    seconds: Mapping[str, float] = field(default_factory=dict)
    input_tokens: float = 0.0
    output_tokens: float = 0.0


def normalised(text: str) -> str:
    """Lower case, without punctuation, articles and surplus space; SQuAD's official rule.

    Examples
    --------
    >>> normalised("The  Duke's, of a Normandy!")
    'dukes of normandy'
    """
    plain = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", plain).split())


def exact_match(answer: str, right: Sequence[str]) -> float:
    """1 where the answer is one of the right ones, else 0; none is right where there is none.

    Examples
    --------
    >>> exact_match("the Rollo", ["Rollo"]), exact_match("Duke Rollo", ["Rollo"])
    (1.0, 0.0)
    """
    return max(float(normalised(answer) == normalised(each)) for each in right or [""])


def f1(answer: str, right: Sequence[str]) -> float:
    """Harmonic mean of precision and recall in words, of the right answer that is nearest.

    Where either is empty, 1 if both are, else 0.

    Examples
    --------
    >>> round(f1("Duke Rollo of Norway", ["Rollo", "the duke Rollo"]), 4)
    0.6667
    """
    return max(_f1(normalised(answer).split(), normalised(each).split()) for each in right or [""])


def _f1(said: list[str], right: list[str]) -> float:
    if not said or not right:
        return float(said == right)
    common = sum((Counter(said) & Counter(right)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(said), common / len(right)
    return 2 * precision * recall / (precision + recall)


def citation_precision(asked: Asked) -> float:
    """Share of citations that stand in a document with the answer; 0 without a citation."""
    cited = asked.answer.citations
    return sum(each.document_id in asked.documents for each in cited) / len(cited) if cited else 0.0


def citation_recall(asked: Asked) -> float:
    """Share of the answer's sentences with a citation of a document with the answer.

    A sentence without a citation counts as one without the right one.
    """
    right = {c.number for c in asked.answer.citations if c.document_id in asked.documents}
    said = asked.answer.statements
    return sum(bool(right & set(each.citations)) for each in said) / len(said) if said else 0.0


def faithfulness(answer: Answer) -> float:
    """Share of the answer's sentences that some passage supports; 1 for an answer of none."""
    said = answer.statements
    return sum(each.supported for each in said) / len(said) if said else 1.0


def evaluate_answers(asked: Sequence[Asked], *, samples: int = 1000) -> AnswerReport:
    """Evaluate answers to questions, some of which the documents may not answer.

    Parameters
    ----------
    asked : sequence of Asked
    samples : int
        Of the bootstrap.

    Raises
    ------
    InputError
        Nothing was asked.
    """
    return summary([measured(each) for each in asked], samples=samples)


def measured(asked: Asked) -> MeasuredAnswer:
    """Measure one answer."""
    answer = asked.answer
    said = "" if answer.abstained else _MARKS.sub("", answer.text)
    right = asked.answers
    known = bool(right and asked.documents)
    given = bool(right) and not answer.abstained
    found = any(hit.chunk.document_id in asked.documents for hit in answer.nearest)
    usage = answer.usage
    return MeasuredAnswer(
        question=asked.question,
        right=right,
        said=said,
        abstained=answer.abstained,
        confidence=answer.confidence,
        exact=exact_match(said, right) if right else None,
        f1=f1(said, right) if right else None,
        held=_held(said, right) if right else None,
        hit=float(found) if known else None,
        citation_precision=citation_precision(asked) if known and given else None,
        citation_recall=citation_recall(asked) if known and given else None,
        faithfulness=faithfulness(answer) if given else None,
        seconds=dict(answer.seconds),
        input_tokens=None if usage is None else usage.input_tokens,
        output_tokens=None if usage is None else usage.output_tokens,
    )


def summary(answers: Sequence[MeasuredAnswer], *, samples: int = 1000) -> AnswerReport:
    """Means of measured answers.

    Raises
    ------
    InputError
        There are none.
    """
    if not answers:
        raise InputError("nothing was asked: give at least one question")
    answerable = [each for each in answers if each.right]
    without = [each for each in answers if not each.right]

    def mean(measure: str) -> Interval | None:
        values = [value for each in answers if (value := getattr(each, measure)) is not None]
        return bootstrap(values, samples=samples) if values else None

    return AnswerReport(
        questions=len(answers),
        unanswerable=len(without),
        hit=mean("hit"),
        exact=mean("exact"),
        f1=mean("f1"),
        held=mean("held"),
        citation_precision=mean("citation_precision"),
        citation_recall=mean("citation_recall"),
        faithfulness=mean("faithfulness"),
        auroc=_auroc(answers, samples),
        refused_right=_refused(without),
        refused_wrong=_refused(answerable),
        seconds=_medians(answers),
        input_tokens=_tokens([each.input_tokens for each in answers]),
        output_tokens=_tokens([each.output_tokens for each in answers]),
    )


def _held(said: str, right: Sequence[str]) -> float:
    words = f" {normalised(said)} "
    return float(any(f" {normalised(each)} " in words for each in right))


def _refused(answers: Sequence[MeasuredAnswer]) -> float:
    return sum(each.abstained for each in answers) / len(answers) if answers else 0.0


def _auroc(answers: Sequence[MeasuredAnswer], samples: int) -> Interval | None:
    judged = [each for each in answers if each.confidence is not None]
    scores = np.array([each.confidence for each in judged], dtype=np.float64)
    labels = np.array([bool(each.right) for each in judged])
    if labels.all() or not labels.any():
        return None

    def of(places: npt.NDArray[np.int64]) -> float:
        drawn = labels[places]
        return 0.5 if drawn.all() or not drawn.any() else auroc(scores[places], drawn)

    return bootstrap_statistic(of, len(judged), samples=samples)


def _medians(answers: Sequence[MeasuredAnswer]) -> dict[str, float]:
    steps = sorted({name for each in answers for name in each.seconds})
    return {
        name: float(np.median([each.seconds[name] for each in answers if name in each.seconds]))
        for name in steps
    }


def _tokens(counts: Sequence[int | None]) -> float:
    known = [count for count in counts if count is not None]
    return float(np.mean(known)) if known else 0.0
