"""SQuAD 2.0 as questions about paragraphs, split by article."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.harness import DataMissing
from nearfield.models.around import EncoderAround
from nearfield.protocols import Encoder, Observer
from nearfield.types import FloatArray, Role

__all__ = ["Paragraph", "Question", "Remembering", "read", "sample", "teaching"]

FOLDER = "squad2-dev-half"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of an article."""

    id: str
    article: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its right answers (none where the paragraph has none), and its paragraph."""

    text: str
    answers: tuple[str, ...]
    paragraph: str
    article: str


def read(data: Path | None) -> tuple[list[Paragraph], list[Question]]:
    """Read the folder ``squad2-dev-half``."""
    folder = (data or Path()) / FOLDER
    if data is None or not folder.is_dir():
        raise DataMissing(f"answers needs --data with {FOLDER}/")
    with gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    paragraphs = [Paragraph(row["_id"], row["title"], row["text"]) for row in rows]
    article = {each.id: each.article for each in paragraphs}
    judged = (folder / "qrels" / "test.tsv").read_text("utf-8").splitlines()[1:]
    place = {line.split("\t")[0]: line.split("\t")[1] for line in judged}
    questions = []
    for name in ("queries.jsonl", "queries.unanswerable.jsonl"):
        for line in (folder / name).read_text("utf-8").splitlines():
            row = json.loads(line)
            facts = row["metadata"]
            where = facts.get("paragraph") or place[row["_id"]]
            questions.append(Question(row["text"], tuple(facts["answers"]), where, article[where]))
    return paragraphs, questions


def teaching(paragraphs: Sequence[Paragraph], half: int | None = None) -> set[str]:
    """Articles to learn from, every second one; or the first (0) or second (1) half of these."""
    articles = sorted({each.article for each in paragraphs})[0::2]
    return set(articles if half is None else articles[half::2])


def sample(questions: Sequence[Question], count: int) -> list[Question]:
    """Draw as many answerable as unanswerable ones, the same ones each time."""
    chance = random.Random(17)
    drawn: list[Question] = []
    for answerable in (True, False):
        kind = [each for each in questions if bool(each.answers) is answerable]
        drawn += chance.sample(kind, min(count // 2, len(kind)))
    chance.shuffle(drawn)
    return drawn


class Remembering(EncoderAround):
    """An encoder that computes each text once: questions share most of their sentences."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(encoder)
        self._known: dict[tuple[str, str], FloatArray] = {}

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        side = Role.of(role).value
        new = [text for text in dict.fromkeys(inputs) if (side, text) not in self._known]
        if new:
            rows = super().encode(new, role=role, observe=observe or (lambda report: None))
            self._known |= {(side, text): row for text, row in zip(new, rows, strict=True)}
        if not inputs:
            return np.empty((0, self.card.dimension), dtype=np.float32)
        return np.stack([self._known[side, text] for text in inputs])
