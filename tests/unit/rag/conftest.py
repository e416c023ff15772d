"""Collections of a tiny model, and generators whose every word is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nearfield.collection import Collection, open_collection
from nearfield.models import reading
from nearfield.protocols import Encoder
from nearfield.types import Message, Piece, Usage

PASSAGES = {
    "winter": "Take a parka when snow falls. Gloves keep frost away. Ice is cold.",
    "kitchen": "Cook the steak in a pan. The oven bakes bread. A knife cuts.",
    "sea": "The beach has sand. Swim in the sea. An umbrella shades the sun.",
}


@dataclass
class Scripted:
    """Says what it is told, a word at a time, and remembers what it was asked."""

    said: Sequence[str]
    name: str = "scripted"
    context_tokens: int | None = 4096
    asked: list[Sequence[Message]] = field(default_factory=list)
    closed: int = 0

    def count(self, text: str) -> int:
        return len(text.split())

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 512, stop: Sequence[str] = ()
    ) -> Iterator[Piece]:
        text = self.said[min(len(self.asked), len(self.said) - 1)]
        self.asked.append(messages)
        for word in text.split(" "):
            yield Piece(word + " ")
        yield Piece("", Usage(sum(self.count(m.text) for m in messages), self.count(text)))


@dataclass
class Parrot(Scripted):
    """A generator that has given in: it says the whole prompt again."""

    said: Sequence[str] = ()
    name: str = "parrot"

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 512, stop: Sequence[str] = ()
    ) -> Iterator[Piece]:
        self.asked.append(messages)
        for message in messages:
            for at in range(0, len(message.text), 7):
                yield Piece(message.text[at : at + 7])
        yield Piece("", Usage(1, 1))


@pytest.fixture(autouse=True)
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read unless a test says so, whatever is installed."""
    monkeypatch.setattr(reading, "available", lambda: False)


@pytest.fixture
def shop(tmp_path: Path, encoder: Encoder) -> Iterator[Collection]:
    """Three passages of three sentences each."""
    with open_collection(tmp_path / "shop.nf", encoder=encoder) as collection:
        collection.add(list(PASSAGES.values()), ids=list(PASSAGES))
        yield collection
