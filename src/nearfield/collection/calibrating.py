"""Calibrate a collection with questions of its own, when nobody has labelled any.

A sentence is taken out of a passage and asked as a question. Once the passage, without the
sentence, is among what can be found: then there is an answer. Once its whole document is left out:
then there is none, and the best of the rest shows what scores look like when nothing is relevant.
The sentences of a text are nearer to it than a person's questions, so confidences err on the high
side; questions with known answers are better where there are some.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nearfield.documents.removal import FEWEST_SENTENCES, askable, without
from nearfield.errors import InputError
from nearfield.filters import Compare, Operator
from nearfield.metric import pairwise
from nearfield.protocols import Encoder, VectorStore
from nearfield.search.calibration import Calibration, Evidence, evidence, fit
from nearfield.types import BatchReport, Chunk, Role

__all__ = ["Removed", "calibrate_by_sentences", "remove_sentence"]

_RANKED = 12


@dataclass(frozen=True, slots=True)
class Removed:
    """A passage without one of its sentences.

    Attributes
    ----------
    chunk : Chunk
    sentence : str
        What was taken out.
    rest : str
        What is left.
    """

    chunk: Chunk
    sentence: str
    rest: str


def remove_sentence(chunk: Chunk, rng: np.random.Generator) -> Removed | None:
    """Take a random sentence out; None where the passage has too few that could be asked.

    Examples
    --------
    >>> text = "One goes first here now. Two comes after it then. Three ends all of this."
    >>> removed = remove_sentence(Chunk("a", "a", text, 0, len(text)), np.random.default_rng(1))
    >>> removed.sentence in text, removed.sentence in removed.rest
    (True, False)
    """
    found, places = askable(chunk.text)
    if not places:
        return None
    start, end = found[places[int(rng.integers(len(places)))]]
    sentence = chunk.text[start:end].strip()
    rest = without(chunk.text, [(start, end)]).text.strip()
    return Removed(chunk, sentence, rest) if sentence not in rest else None


def calibrate_by_sentences(
    store: VectorStore, encoder: Encoder, sample: Sequence[Chunk], *, seed: int = 0
) -> Calibration:
    """Fit a calibration of dense search on sentences of the collection's own passages.

    Parameters
    ----------
    store : VectorStore
    encoder : Encoder
        The model that made the store's vectors.
    sample : sequence of Chunk
        Passages to take sentences from; some hundred make it steady.
    seed : int
        Decides the sentences.

    Raises
    ------
    InputError
        Too few of the passages have several sentences.
    """
    rng = np.random.default_rng(seed)
    tried = (remove_sentence(chunk, rng) for chunk in sample)
    removed = [each for each in tried if each is not None]
    if not removed:
        raise InputError(
            f"none of {len(sample)} passages has {FEWEST_SENTENCES} sentences: calibrate with "
            "questions of your own"
        )
    questions = encoder.encode([each.sentence for each in removed], role=Role.QUERY)
    rests = encoder.encode(
        [each.rest for each in removed], role=Role.DOCUMENT, observe=_truncation_is_harmless
    )
    found: list[Evidence] = []
    relevant: list[bool] = []
    for each, question, rest in zip(removed, questions, rests, strict=True):
        elsewhere = Compare("document", Operator.NE, each.chunk.document_id)
        hits = store.search(question[None, :], _RANKED, where=elsewhere)[0]
        others = [hit.score for hit in hits]
        own = float(pairwise(question[None, :], rest[None, :], store.metric)[0, 0])
        for scores, answerable in (([own, *others], True), (others, False)):
            said = evidence(sorted(scores, reverse=True))
            if said is not None:
                found.append(said)
                relevant.append(answerable and (not others or own >= others[0]))
    return fit(found, relevant)


def _truncation_is_harmless(_: BatchReport) -> None:
    """A passage that the model reads only in part is stored the same way."""
