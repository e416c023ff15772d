"""Tie each sentence of an answer to the places in the documents that say it.

What a model writes as ``[2]`` is taken out: places are looked for in everything that it was given,
and a sentence that none of them supports gets no number. So a citation never points to what was not
found, whatever the passages or the model say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nearfield.collection.asking import Unsupported
from nearfield.documents.sentences import spans
from nearfield.metric import Metric, pairwise
from nearfield.protocols import Encoder
from nearfield.rag.sentences import Sentence, unheard
from nearfield.rag.support import LEARNED, SupportModel, features
from nearfield.rag.words import content_words, coverage
from nearfield.types import Citation, FloatArray, Role, Statement

__all__ = ["UNSUPPORTED", "Cited", "cite", "quoted"]

UNSUPPORTED = "[no source]"
"""Stands behind a sentence that nothing supports."""

_MARK = re.compile(r"\s*\[(?:passages?\s*)?\d+(?:\s*[,;–-]\s*\d+)*\]", re.IGNORECASE)
_CANDIDATES = 3
_LEAST_NEAR = 0.3
"""Cosine that two sentences with the same words have at least; in practice it is far above."""

_USUAL_NEAR = 0.6
"""Cosine of a claim and the sentence that it was made of, about the middle of those learned from.

It stands in where vectors are not computed: then two thirds of the words and all names must be
there.
"""

_MOST_PLACES = 2
_WORTH_A_SECOND = 0.2


@dataclass(frozen=True, slots=True)
class Cited:
    """An answer with its citations.

    Attributes
    ----------
    text : str
    statements : tuple of Statement
    citations : tuple of Citation
        Not yet compared with the store.
    dropped : int
        Sentences left out because nothing supports them.
    repeated : int
        Sentences left out because the answer has them already; small models go round in circles.
    """

    text: str
    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]
    dropped: int = 0
    repeated: int = 0


class _Numbers:
    """Gives each place its number, in the order of first use."""

    def __init__(self) -> None:
        self.citations: list[Citation] = []
        self._known: dict[tuple[str, int, int], int] = {}

    def of(self, place: Sentence) -> int:
        key = (place.chunk.id, place.start, place.end)
        if key not in self._known:
            self._known[key] = len(self.citations) + 1
            chunk = place.chunk
            self.citations.append(
                Citation(
                    self._known[key],
                    chunk.id,
                    chunk.document_id,
                    chunk.source,
                    chunk.start + place.start,
                    chunk.start + place.end,
                    place.text,
                    chunk.headings,
                    chunk.page,
                )
            )
        return self._known[key]


def quoted(places: Sequence[Sentence], shown: Sequence[str]) -> Cited:
    """An answer of sentences that were taken from documents: each is its own source."""
    numbers = _Numbers()
    statements = tuple(
        Statement(text, (numbers.of(place),), 1.0, supported=True)
        for place, text in zip(places, shown, strict=True)
    )
    text = " ".join(f"{each.text} [{each.citations[0]}]" for each in statements)
    return Cited(text, statements, tuple(numbers.citations))


def cite(
    text: str,
    sentences: Sequence[Sentence],
    encoder: Encoder | None,
    *,
    unsupported: Unsupported = Unsupported.MARK,
    model: SupportModel = LEARNED,
) -> Cited:
    """Find the places that support each sentence of a text.

    Parameters
    ----------
    text : str
        What a generator wrote; numbers in brackets are taken out.
    sentences : sequence of Sentence
        Of everything that the generator was given.
    encoder : Encoder or None
        None to let words decide alone.
    unsupported : Unsupported
        Mark such sentences, or leave them out.
    model : SupportModel
    """
    plain = _MARK.sub("", text).strip()
    cut = spans(plain)
    claims = [plain[a:b] for a, b in cut]
    found = _places(claims, sentences, encoder, model)
    numbers = _Numbers()
    statements: list[Statement] = []
    parts: list[str] = []
    end = dropped = repeated = 0
    said: set[str] = set()
    for (a, b), claim, (places, support) in zip(cut, claims, found, strict=True):
        if claim in said:
            repeated, end = repeated + 1, b
            continue
        said.add(claim)
        supported = support >= model.threshold
        if not supported and unsupported is Unsupported.DROP:
            dropped, end = dropped + 1, b
            continue
        marks = tuple(numbers.of(place) for place in places) if supported else ()
        statements.append(Statement(claim, marks, support, supported))
        shown = "".join(f"[{number}]" for number in marks) or UNSUPPORTED
        between = plain[end:a] or (" " if parts else "")
        parts.append(f"{between}{claim} {shown}")
        end = b
    return Cited(
        "".join(parts).strip(), tuple(statements), tuple(numbers.citations), dropped, repeated
    )


def _places(
    claims: Sequence[str],
    sentences: Sequence[Sentence],
    encoder: Encoder | None,
    model: SupportModel,
) -> list[tuple[list[Sentence], float]]:
    """For each claim the best one or two places, and the probability that they support it."""
    if not claims or not sentences:
        return [([], 0.0)] * len(claims)
    nominees = [_nominees(claim, sentences) for claim in claims]
    settled = [
        _by_words(claim, each, sentences, model)
        for claim, each in zip(claims, nominees, strict=True)
    ]
    open_ = [number for number, each in enumerate(settled) if each is None]
    compared = _compared(
        [claims[n] for n in open_], [nominees[n] for n in open_], sentences, encoder, model
    )
    rest = iter(compared)
    return [each if each is not None else next(rest) for each in settled]


def _by_words(
    claim: str, nominees: Sequence[int], sentences: Sequence[Sentence], model: SupportModel
) -> tuple[list[Sentence], float] | None:
    """What words alone decide, whatever the vectors say; None where these could change it.

    Vectors take longer than all other steps together, and sentences that were copied or made up
    show without them. The probability is that of the least, or the greatest, similarity of a pair.
    """
    places = [_with_title(sentences[at]) for at in nominees]
    low = [model.probability(features(claim, place, _LEAST_NEAR)) for place in places]
    first = int(np.argmax(low))
    if low[first] >= model.threshold:
        return [sentences[nominees[first]]], low[first]
    together = model.probability(features(claim, " ".join(places), 1.0))
    return ([], together) if together < model.threshold else None


def _compared(
    claims: Sequence[str],
    nominees: Sequence[Sequence[int]],
    sentences: Sequence[Sentence],
    encoder: Encoder | None,
    model: SupportModel,
) -> list[tuple[list[Sentence], float]]:
    """What words and vectors decide together."""
    if not claims:
        return []
    if encoder is None:
        return [
            _best(claim, each, sentences, np.full(len(each), _USUAL_NEAR, np.float32), model)
            for claim, each in zip(claims, nominees, strict=True)
        ]
    needed = sorted({at for each in nominees for at in each})
    row = {at: place for place, at in enumerate(needed)}
    texts = [*claims, *(sentences[at].text for at in needed)]
    # One call for all: a batch costs less than its parts.
    vectors = encoder.encode(texts, role=Role.DOCUMENT, observe=unheard)
    near = pairwise(vectors[: len(claims)], vectors[len(claims) :], Metric.COSINE)
    return [
        _best(claim, each, sentences, near[number, [row[at] for at in each]], model)
        for number, (claim, each) in enumerate(zip(claims, nominees, strict=True))
    ]


def _nominees(claim: str, sentences: Sequence[Sentence]) -> list[int]:
    """The sentences that share most words with a claim."""
    words = content_words(claim)
    shared = np.array([coverage(words, content_words(each.text)) for each in sentences])
    order = np.lexsort((np.arange(len(shared)), -shared))
    return [int(at) for at in order[:_CANDIDATES]]


def _best(
    claim: str,
    nominees: Sequence[int],
    sentences: Sequence[Sentence],
    near: FloatArray,
    model: SupportModel,
) -> tuple[list[Sentence], float]:
    chances = [
        model.probability(features(claim, _with_title(sentences[at]), float(cosine)))
        for at, cosine in zip(nominees, near, strict=True)
    ]
    first = int(np.argmax(chances))
    chosen, support = [sentences[nominees[first]]], chances[first]
    words = content_words(claim)
    covered = content_words(_with_title(chosen[0]))
    for at, cosine in zip(nominees, near, strict=True):
        if len(chosen) == _MOST_PLACES or sentences[at] in chosen:
            continue
        more = covered | content_words(_with_title(sentences[at]))
        if coverage(words, more) - coverage(words, covered) < _WORTH_A_SECOND:
            continue
        both = f"{_with_title(chosen[0])} {sentences[at].text}"
        together = model.probability(features(claim, both, max(float(near[first]), float(cosine))))
        if together > support:
            chosen.append(sentences[at])
            support = together
    return chosen, support


def _with_title(sentence: Sentence) -> str:
    """Headings name what a sentence calls "it"."""
    return " ".join([*sentence.chunk.headings, sentence.text])
