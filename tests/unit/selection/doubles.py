"""Models that take no time, and a judged collection that fits on a page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from nearfield.models.card import fingerprint
from nearfield.protocols import Observer
from nearfield.selection.pipeline import ModelChoice
from nearfield.tokenization import WordTokenizer
from nearfield.types import BatchReport, FloatArray, Message, ModelCard, Piece, Role, Usage

SUBJECTS = ("parka", "violin", "oven", "canoe", "meadow", "engine", "harbour", "comet")
DETAILS = (
    "repair",
    "history",
    "price",
    "weight",
    "colour",
    "season",
    "maker",
    "danger",
    "sound",
    "storage",
)


class Words:
    """A bag of words, each word a random direction; words that it does not know are lost."""

    def __init__(self, name: str, known: Sequence[str], fails_after: int | None = None) -> None:
        self.tokenizer = WordTokenizer(
            [*SUBJECTS, *DETAILS, "the", "of", "a", "in", "tells", "this", "text", "."]
        )
        self.known = set(known)
        self.encoded: list[str] = []
        self.fails_after = fails_after
        identity = fingerprint({"words": name, "known": ",".join(known)})
        self.card = ModelCard(name, 32, None, identity, True, size_bytes=1000 * len(known))

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        rows = np.zeros((len(inputs), 32), dtype=np.float32)
        for place, text in enumerate(inputs):
            if self.fails_after is not None and len(self.encoded) >= self.fails_after:
                raise RuntimeError("the runtime gave up")
            self.encoded.append(f"{role}:{text}")
            for word in text.lower().replace(".", " ").replace(",", " ").split():
                if word in self.known:
                    rows[place] += _direction(word)
            rows[place, 0] += 0.01
        if observe is not None:
            observe(BatchReport(tuple(range(len(inputs))), tokens=sum(map(len, inputs))))
        found: FloatArray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return np.ascontiguousarray(found)


def _direction(word: str) -> FloatArray:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little")
    return np.random.default_rng(seed).standard_normal(32).astype(np.float32)


class Ticking:
    """A clock that goes on by a step, in seconds, whenever it is looked at."""

    def __init__(self, step: float = 1 / 1024) -> None:
        self.now = 0.0
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


class Slowing(Words):
    """Words that take no time at first, as a forecast sees them, and `seconds` each later."""

    def __init__(
        self, name: str, clock: Ticking, *, seconds: float, after: int, role: Role | None = None
    ) -> None:
        super().__init__(name, [*SUBJECTS, *DETAILS])
        self.clock = clock
        self.seconds = seconds
        self.free = after
        self.role = role

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        if self.role is None or Role.of(role) is self.role:
            slow = max(0, len(inputs) - max(0, self.free))
            self.free -= len(inputs)
            self.clock.now += self.seconds * slow
        return super().encode(inputs, role=role, observe=observe)


class Reader:
    """A reranker that counts the words of the question in a text, and takes a while for each."""

    def __init__(self, name: str, clock: Ticking, seconds: float) -> None:
        self.name = name
        self.clock = clock
        self.seconds = seconds
        self.read: list[int] = []

    def score(self, query: str, texts: Sequence[str]) -> FloatArray:
        self.read.append(len(texts))
        self.clock.now += self.seconds * len(texts)
        wanted = query.lower().split()
        return np.array([sum(word in text for word in wanted) for text in texts], dtype=np.float32)


class Author:
    """A generator that says the last thing it was told in other words, and takes a while."""

    def __init__(self, name: str, clock: Ticking, seconds: float) -> None:
        self.name = name
        self.context_tokens: int | None = None
        self.clock = clock
        self.seconds = seconds
        self.asked: list[str] = []

    def count(self, text: str) -> int:
        return len(text.split())

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 512, stop: Sequence[str] = ()
    ) -> Iterator[Piece]:
        self.asked.append(" | ".join(message.text for message in messages))
        self.clock.now += self.seconds
        words = [word.strip(".,?") for word in messages[-1].text.split()]
        known = [word for word in words if word in {*SUBJECTS, *DETAILS}]
        yield Piece(f"This text tells the {' of the '.join(known)}.", Usage(1, 2))


def models(fails_after: int | None = None) -> dict[str, Words]:
    """One that knows everything, one that knows half, one that breaks."""
    return {
        "good": Words("good", [*SUBJECTS, *DETAILS]),
        "poor": Words("poor", DETAILS),
        "broken": Words("broken", SUBJECTS, fails_after=fails_after or 0),
    }


def loader(known: dict[str, Words]):
    def load(model: ModelChoice) -> Words:
        return known[model.name]

    return load


def collection(folder: Path, *, details: int = len(DETAILS)) -> Path:
    """Eighty documents and as many questions, each answered by one of them."""
    folder.mkdir(parents=True, exist_ok=True)
    documents, queries, qrels = [], [], ["query-id\tcorpus-id\tscore"]
    for subject in SUBJECTS:
        for detail in DETAILS[:details]:
            id_ = f"{subject}-{detail}"
            text = f"This text tells the {detail} of the {subject}, in the cold snow."
            documents.append({"_id": id_, "title": "", "text": text})
            queries.append({"_id": f"q-{id_}", "text": f"{subject} {detail}"})
            qrels.append(f"q-{id_}\t{id_}\t1")
    for name, rows in (("corpus.jsonl", documents), ("queries.jsonl", queries)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "qrels").mkdir(exist_ok=True)
    (folder / "qrels" / "test.tsv").write_text("\n".join(qrels) + "\n", encoding="utf-8")
    return folder
