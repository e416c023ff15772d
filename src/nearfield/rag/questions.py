"""What is searched for instead of the question: a follow-up made whole, other wordings, its parts.

Each needs a generator, each can be left out, and each can be measured like any other choice of a
search: by what it finds. What a model writes here is only ever searched for. Wrapped in a
:class:`nearfield.rag.remembering.RememberingGenerator`, a generator writes for each question once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from nearfield.collection.asking import Expansion
from nearfield.protocols import Generator
from nearfield.rag.fence import defused
from nearfield.rag.merging import merged
from nearfield.rag.prompts import Prompt, Prompts
from nearfield.types import FloatArray, Hit, Message, Speaker

__all__ = ["OTHERS", "between", "expand", "search_all", "standalone", "written"]

OTHERS = 3
"""Wordings or parts that are asked for."""

_TURNS = 6
_LONGEST = 400
_BULLET = re.compile(r"^\s*(?:[-*•]|\(?\d{1,2}[.):]|[a-z][.)])\s*")


def standalone(
    question: str, history: Sequence[Message], generator: Generator, prompts: Prompts
) -> str:
    """Rewrite a follow-up so that it can be searched for alone.

    Parameters
    ----------
    question : str
        The last thing that was asked.
    history : sequence of Message
        What was said before; the last six messages are read.
    generator : Generator
    prompts : Prompts

    Returns
    -------
    str
        The question itself where nothing was said before, or the generator writes nothing.
    """
    if not history:
        return question
    said = "\n".join(
        f"{message.speaker.value}: {' '.join(defused(message.text).split())[:_LONGEST]}"
        for message in history[-_TURNS:]
        if message.speaker is not Speaker.SYSTEM
    )
    lines = _lines(
        written(generator, prompts.follow_up, {"question": question, "history": said}, 64)
    )
    return lines[0] if lines else question


def expand(
    question: str, expansion: Expansion, generator: Generator, prompts: Prompts
) -> tuple[str, ...]:
    """What to search for: always the question first, then what the expansion adds.

    Parameters
    ----------
    question : str
    expansion : Expansion
    generator : Generator
    prompts : Prompts

    Returns
    -------
    tuple of str
        For ``hyde`` the second is a made-up passage; for the others come at most three questions.
        :func:`search_all` says how they are searched for.
    """
    match expansion:
        case Expansion.NONE:
            return (question,)
        case Expansion.HYDE:
            passage = " ".join(
                written(generator, prompts.hyde, {"question": question}, 128).split()
            )
            return (question, passage) if passage else (question,)
        case Expansion.MULTI_QUERY:
            prompt = prompts.multi_query
        case Expansion.DECOMPOSE:
            prompt = prompts.decompose
    values = {"question": question, "count": str(OTHERS)}
    found = _lines(written(generator, prompt, values, 160))
    others = [line for line in dict.fromkeys(found) if line.casefold() != question.casefold()]
    return (question, *others[:OTHERS])


def search_all(
    texts: Sequence[str],
    expansion: Expansion,
    k: int,
    *,
    by_text: Callable[[str], Sequence[Hit]],
    by_passage: Callable[[str, str], Sequence[Hit]],
) -> list[Hit]:
    """Search for everything that an expansion gave, as one ranking.

    Parameters
    ----------
    texts : sequence of str
        What :func:`expand` returned.
    expansion : Expansion
        That it was asked for.
    k : int
        Most hits.
    by_text : callable
        Search for one text. Rankings of several are fused by :func:`nearfield.rag.merging.merged`.
    by_passage : callable
        Search for a question and a made-up passage, densely: by what lies :func:`between` them.
    """
    if expansion is Expansion.HYDE and len(texts) > 1:
        return list(by_passage(texts[0], texts[1]))
    return merged([by_text(text) for text in texts], k)


def between(asked: FloatArray, made_up: FloatArray) -> FloatArray:
    """Direction between a question and a made-up passage, which HyDE searches with.

    Parameters
    ----------
    asked, made_up : ndarray of float32, shape (dimension,)
        The question's vector as a query, the passage's as a document.

    Returns
    -------
    ndarray of float32, shape (dimension,)
        Of length 1; the question's own vector where the two cancel out or one has no direction.

    Examples
    --------
    >>> [round(float(x), 3) for x in between(np.array([3, 0], "f4"), np.array([0, 4], "f4"))]
    [0.6, 0.8]
    """
    middle = asked + made_up
    length = float(np.linalg.norm(middle))
    return middle / np.float32(length) if length > 0 and made_up.any() else asked


def written(generator: Generator, prompt: Prompt, values: dict[str, str], most: int) -> str:
    """What a generator makes of a prompt, whole."""
    system, user = prompt.fill(values)
    messages = [Message(Speaker.SYSTEM, system)] if system else []
    messages.append(Message(Speaker.USER, user))
    return "".join(piece.text for piece in generator.stream(messages, max_tokens=most))


def _lines(text: str) -> list[str]:
    """Lines without bullets, numbers, quotes and introductions such as "Here are three:"."""
    found = []
    for line in text.splitlines():
        plain = _BULLET.sub("", line).strip().strip("\"'“”*").strip()
        if plain and not plain.endswith(":") and len(plain) <= _LONGEST:
            found.append(plain)
    return found
