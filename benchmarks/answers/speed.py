"""What a question takes beside its generator, and when the generator's first words come."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.data import passages
from benchmarks.harness import Json
from nearfield.collection import Collection, open_collection
from nearfield.collection.asking import AskOptions
from nearfield.protocols import Encoder
from nearfield.types import Message, Piece, Speaker, Usage

__all__ = ["first_words", "overhead"]


class _Instant:
    """Writes one sentence of the first passage at once: what is left is this library's own time."""

    name = "instant"
    context_tokens = None

    def count(self, text: str) -> int:
        return len(text) // 3 + 1

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 512, stop: Sequence[str] = ()
    ) -> Iterator[Piece]:
        lines = messages[-1].text.splitlines()
        yield Piece(lines[1][:200])
        yield Piece("", Usage(1, 1))


def overhead(
    folder: Path, encoder: Encoder, data: Path | None, chunks: int, questions: Sequence[str]
) -> dict[str, Json]:
    """Median seconds of every step but writing, in a collection of many passages.

    The vectors are random: what a search takes does not depend on what they mean.
    """
    texts = passages(data, chunks).texts
    rng = np.random.default_rng(5)
    with open_collection(folder / "many.nf", encoder=encoder) as collection:
        for start in range(0, len(texts), 10_000):
            part = texts[start : start + 10_000]
            vectors = rng.standard_normal((len(part), encoder.card.dimension)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            ids = [str(start + at) for at in range(len(part))]
            collection.add(part, ids=ids, vectors=vectors)
        return {
            "chunks": len(texts),
            **_timed(collection, questions, read=False),
            "read": _timed(collection, questions, read=True),
        }


def _timed(collection: Collection, questions: Sequence[str], *, read: bool) -> dict[str, Json]:
    wall, steps = [], []
    options = AskOptions(threshold=0.0, read=read)
    instant = _Instant()
    for question in questions:
        begun = time.perf_counter()
        answer = collection.ask(question, generator=instant, options=options)
        wall.append(time.perf_counter() - begun)
        steps.append(answer.seconds)
    late = wall[len(wall) // 4 :]  # the first ones warm caches
    return {
        "seconds": round(statistics.median(late), 4),
        "steps": {
            name: round(statistics.median(each[name] for each in steps), 4) for name in steps[-1]
        },
    }


def first_words(tokens: int = 1500) -> dict[str, Json]:
    """Seconds to the first piece for a long context: new, and for a second question about it.

    And for a new one that is as long as the model's own prompts let it be.
    """
    from nearfield.rag import generators, prompts

    generator = generators.load(generators.default_generator() or "")
    usual = prompts.load(prompts.name_for(generator.name)).context_tokens
    words = ["river", "rises", "hills", "runs", "sea", "past", "mills", "meadows"]
    system = Message(Speaker.SYSTEM, "Answer the question in one short sentence.")

    def ask(context: str, question: str) -> tuple[float, int]:
        begun = time.perf_counter()
        pieces = generator.stream(
            [system, Message(Speaker.USER, f"{context}\n\nQuestion: {question}")], max_tokens=8
        )
        next(pieces)
        first = time.perf_counter() - begun
        usage = [piece.usage for piece in pieces if piece.usage is not None]
        return first, usage[-1].input_tokens

    ask("Warm up.", "What?")
    rng = np.random.default_rng(2)
    context = " ".join(rng.choice(words, tokens - 40))
    new, counted = ask(context, "Where does it rise?")
    again, _ = ask(context, "Where does it end?")
    short, _ = ask(" ".join(rng.choice(words, usual)), "Where does it rise?")
    return {
        "context_tokens": counted,
        "new_context_s": round(new, 2),
        "same_context_s": round(again, 2),
        "usual_context_tokens": usual,
        "usual_context_s": round(short, 2),
        "prompt_tokens_per_second": round(counted / new, 1),
    }
