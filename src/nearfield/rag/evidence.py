"""Whether passages hold an answer: what the best sentence has of what the question asks for.

Small language models never say that a text does not answer, so the decision is made before one is
asked. Two logistic regressions turn signals into probabilities: that the documents are about what
is asked, and that they say it. An answer needs both, so they are multiplied. Their weights stand in
``evidence.toml`` with what they were learned from; ``python -m benchmarks answers`` learns and
measures them. Questions about what no document mentions are told apart well. A question about what
a document nearly says is told apart where one word gives it away: a "not", an opposite,
another number or name. Who did what to whom is seen only where a reader has read the passages
(:mod:`nearfield.models.reading`).
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from nearfield.rag.contrasts import contrasts, denies, other_numbers
from nearfield.rag.extractive import Choice
from nearfield.rag.reading import PassageRead
from nearfield.rag.words import content_words, coverage, specifics
from nearfield.types import Hit

__all__ = [
    "JUDGED",
    "Judgement",
    "Regression",
    "Weights",
    "has_kind",
    "judge",
    "learned",
    "signals",
]

_DATE = re.compile(
    r"\b\d{3,4}s?\b|\bcentur(?:y|ies)\b|\b(?:January|February|March|April|May|June|July|August"
    r"|September|October|November|December)\b|\bB\.?C\.?|\bA\.?D\."
)
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|dozen|hundred|thousand|million"
    r"|billion|half|percent)\b",
    re.IGNORECASE,
)
_ASKS_DATE = re.compile(r"\bwhen\b|\b(?:what|which) (?:year|century|decade|date|month)\b", re.I)
_ASKS_NUMBER = re.compile(r"\bhow (?:many|much)\b|\bwhat (?:number|percent|percentage)\b", re.I)
_ASKS_NAME = re.compile(r"\b(?:who|whom|whose|where)\b|\b(?:what|which) (?:country|city)\b", re.I)
_NEUTRAL = 0.8
_MOST, _MOST_MISSING, _MOST_LOGIT = 3, 6, 10.0

JUDGED = 3
"""Sentences to judge by."""


@dataclass(frozen=True, slots=True)
class Regression:
    """A logistic regression.

    Attributes
    ----------
    of : mapping of str to float
        Weight of each signal.
    bias : float
    """

    of: Mapping[str, float]
    bias: float

    def probability(self, seen: Mapping[str, float]) -> float:
        """Probability, in (0, 1)."""
        z = self.bias + sum(weight * seen[name] for name, weight in self.of.items())
        return 1.0 / (1.0 + math.exp(-max(-700.0, min(700.0, z))))


@dataclass(frozen=True, slots=True)
class Weights:
    """What was learned.

    Attributes
    ----------
    about : Regression
        Whether the documents are about what is asked.
    says : Regression
        Whether they say it, if they are.
    threshold : float
        Least probability at which an answer is given: one in twenty answerable questions that it
        was learned from lies below.
    """

    about: Regression
    says: Regression
    threshold: float

    def probability(self, seen: Mapping[str, float]) -> float:
        """Probability, in (0, 1), that there is an answer."""
        return self.about.probability(seen) * self.says.probability(seen)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether there is an answer.

    Attributes
    ----------
    confidence : float
        In [0, 1].
    threshold : float
        That was learned for these signals.
    """

    confidence: float
    threshold: float

    def answerable(self, threshold: float | None = None) -> bool:
        """Whether to answer, by the learned threshold or by another one."""
        return self.confidence >= (self.threshold if threshold is None else threshold)


def judge(
    question: str,
    hits: Sequence[Hit],
    best: Sequence[Choice],
    encoder: str,
    read: Sequence[PassageRead] = (),
) -> Judgement:
    """Judge what was found.

    Parameters
    ----------
    question : str
    hits : sequence of Hit
    best : sequence of Choice
        The sentences that fit best, of these hits, best first; three tell more than one.
    encoder : str
        Name of the model: cosines mean something else in each, so only those of the one that the
        weights were learned with count.
    read : sequence of PassageRead
        What a reader found in the best passages, if one has read them.
    """
    if not hits or not best:
        return Judgement(0.0, 1.0 if not hits else learned("words").threshold)
    name = "similarity" if encoder == _LEARNED_WITH else "words"
    weights = learned(f"{name}-read" if read else name)
    return Judgement(weights.probability(signals(question, best, read)), weights.threshold)


def signals(
    question: str, best: Sequence[Choice], read: Sequence[PassageRead] = ()
) -> dict[str, float]:
    """How the best sentence and its passage fit what the question asks for.

    Shares, from 0 to 1: ``similarity``, the cosine of question and sentence (from -1); ``words``
    and ``passage``, the share of the question's words in either; ``kind``, whether the sentence
    holds a date, a number or a name where one is asked for; ``denies``, whether the question says
    "not" and the sentence does not.

    Counts: ``missing``, words of the question that are not in the passage (up to 6);
    ``opposites``, words of it that the passage has another one for; ``numbers``, numbers of it
    that are not in the sentence; ``names``, numbers and names of it that none of the best three
    sentences has together (up to 3 each).

    ``answered``: where passages were read, the logit of the one that answers best (-10 to 10).

    Parameters
    ----------
    question : str
    best : sequence of Choice
        At least one, best first.
    read : sequence of PassageRead
    """
    sentence = best[0].sentence
    passage = "\n".join([*sentence.chunk.headings, sentence.chunk.text])
    around = content_words(passage)
    asked, named = content_words(question), specifics(question)
    unnamed = (len(named - content_words(each.sentence.text)) for each in best[:JUDGED])
    return {
        "similarity": best[0].similarity,
        "words": coverage(asked, content_words(sentence.text)),
        "passage": coverage(asked, around),
        "kind": has_kind(question, sentence.text),
        "denies": float(denies(question, sentence.text)),
        "missing": min(len(asked - around), _MOST_MISSING),
        "opposites": min(contrasts(question, passage), _MOST),
        "numbers": min(other_numbers(question, sentence.text), _MOST),
        "names": min(_MOST, *unnamed),
        **_logit(read),
    }


def _logit(read: Sequence[PassageRead]) -> dict[str, float]:
    if not read:
        return {}
    best = max(each.reading.answered for each in read)
    return {"answered": max(-_MOST_LOGIT, min(_MOST_LOGIT, best))}


def has_kind(question: str, sentence: str) -> float:
    """1 where a sentence holds what kind of thing is asked for, 0 where not, 0.8 if none is said.

    What the question itself says does not count.

    Examples
    --------
    >>> has_kind("When did William land?", "William landed in 1066.")
    1.0
    >>> has_kind("When did William land?", "William landed with an army.")
    0.0
    """
    asked = content_words(question)
    if _ASKS_DATE.search(question):
        found = any(not content_words(m.group()) & asked for m in _DATE.finditer(sentence))
    elif _ASKS_NUMBER.search(question):
        found = _NUMBER.search(sentence) is not None
    elif _ASKS_NAME.search(question):
        found = bool(specifics(sentence) - asked)
    else:
        return _NEUTRAL
    return 1.0 if found else 0.0


_LEARNED_WITH = "all-MiniLM-L6-v2"


@cache
def learned(name: str) -> Weights:
    """Weights of the package: ``words``, or ``similarity`` as well; with ``-read`` of a reader."""
    text = (resources.files("nearfield.rag") / "evidence.toml").read_text("utf-8")
    table = tomllib.loads(text)[name]
    about, says = (Regression(table[of]["weights"], table[of]["bias"]) for of in ("about", "says"))
    return Weights(about, says, table["threshold"])
