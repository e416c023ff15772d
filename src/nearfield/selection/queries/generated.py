"""A language model asks about a passage; the passage stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from nearfield.documents.sentences import spans
from nearfield.protocols import Generator
from nearfield.selection.queries.draft import Draft
from nearfield.selection.queries.questions import Kind
from nearfield.types import Document, Message, Speaker

__all__ = ["drafts"]

_PASSAGE = 900
"""Characters that the model is shown, some 200 tokens."""

_SHORTEST = 200
_MOST_TOKENS = 64
_ASK = (
    "You write search questions. Given a passage, write one short question that a person who has "
    "never seen the passage might ask and that the passage answers. Name the things it is about; "
    "never say 'the passage' or 'the text'. Use your own words. Answer with the question alone."
)
_QUESTION = re.compile(r"[^\n?？؟]{8,300}[?？؟]")
_POINTS_AT_TEXT = re.compile(
    r"\b(?:this|the|given|above) (?:passage|text|article|paragraph|document)\b", re.I
)


def drafts(
    document: Document, chance: np.random.Generator, most: int, generator: Generator
) -> Iterator[Draft]:
    """Up to `most` questions about passages of a document.

    A draft whose question is empty stands for an answer of the model that is no question.
    """
    windows = list(_windows(document.text))
    for place in chance.permutation(len(windows)).tolist()[:most]:
        start, end = windows[place]
        messages = [
            Message(Speaker.SYSTEM, _ASK),
            Message(Speaker.USER, f"Passage:\n{document.text[start:end]}\n\nQuestion:"),
        ]
        said = "".join(piece.text for piece in generator.stream(messages, max_tokens=_MOST_TOKENS))
        yield Draft(Kind.GENERATED, document.id, _question(said), (start, end))


def _question(said: str) -> str:
    r"""The first question in what a model said; empty where there is none.

    Examples
    --------
    >>> _question("Sure! Here it is:\n1. Who opened the door?")
    'Who opened the door?'
    """
    found = _QUESTION.search(said)
    if found is None or _POINTS_AT_TEXT.search(found[0]):
        return ""
    question = re.sub(r"^\W*(?:question\W+)?(?:\d+[.)]\s*)?", "", found[0].strip(), flags=re.I)
    return " ".join(question.split())


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Runs of whole sentences, each as long as a passage may be."""
    begin = end = -1
    for start, stop in spans(text):
        if begin < 0 or stop - begin > _PASSAGE:
            if end - begin >= _SHORTEST:
                yield begin, end
            begin = start
        end = stop
    if end - begin >= _SHORTEST:
        yield begin, end
