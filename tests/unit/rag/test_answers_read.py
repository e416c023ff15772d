"""What a reader's readings change: confidence, and answers as short as what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from nearfield.collection import Collection
from nearfield.collection.asking import AskOptions
from nearfield.errors import ModelNotInstalled
from nearfield.models import reading
from nearfield.models.reading import Reading
from nearfield.rag.evidence import learned, signals
from nearfield.rag.extractive import Choice
from nearfield.rag.reading import PassageRead, read_passages, short_answer
from nearfield.rag.sentences import Sentence
from nearfield.types import Chunk, Hit


@dataclass
class Finger:
    """Reads by pointing at a word, if it is there."""

    word: str
    answered: float = 4.0
    asked: list[tuple[str, list[str]]] = field(default_factory=list)

    def read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        self.asked.append((question, list(texts)))
        places = [text.find(self.word) for text in texts]
        return [
            Reading(self.answered, 9.0, at, at + len(self.word)) if at >= 0
            else Reading(-9.0, -9.0, 0, 0)
            for at in places
        ]  # fmt: skip


@pytest.fixture
def finger(monkeypatch: pytest.MonkeyPatch) -> Finger:
    finger = Finger("bread")
    monkeypatch.setattr(reading, "available", lambda: True)
    monkeypatch.setattr(reading, "shared", lambda: finger)
    return finger


def _chunk(name: str, text: str) -> Chunk:
    return Chunk(name, name, text, 0, len(text))


def test_the_answer_is_the_words_and_the_citation_their_sentence(
    shop: Collection, finger: Finger
) -> None:
    answer = shop.ask(
        "What does the oven bake?", generator="extractive", options=AskOptions(threshold=0.0)
    )
    assert answer.text == "bread [1]"
    (citation,) = answer.citations
    assert (citation.quote, citation.verified) == ("The oven bakes bread.", True)
    (statement,) = answer.statements
    assert (statement.text, statement.supported) == ("bread", True)
    passage = "Cook the steak in a pan. The oven bakes bread. A knife cuts."
    assert finger.asked == [("What does the oven bake?", [passage])]
    assert "read" in answer.seconds


def test_a_doubtful_answer_stays_a_whole_sentence(shop: Collection, finger: Finger) -> None:
    finger.answered = -9.0
    answer = shop.ask(
        "What does the oven bake?", generator="extractive", options=AskOptions(threshold=0.0)
    )
    assert answer.confidence is not None and answer.confidence < 0.5
    assert answer.text == "The oven bakes bread. [1]"


def test_several_sentences_stay_whole(shop: Collection, finger: Finger) -> None:
    options = AskOptions(threshold=0.0, sentences=2)
    answer = shop.ask("What does the oven bake?", generator="extractive", options=options)
    assert answer.text.startswith("The oven bakes bread. [1] ")


def test_a_reading_decides_whether_to_answer(shop: Collection, finger: Finger) -> None:
    question = "What does the oven bake?"
    sure = shop.ask(question, generator="extractive")
    finger.answered = -9.0
    doubtful = shop.ask(question, generator="extractive")
    unread = shop.ask(question, generator="extractive", options=AskOptions(read=False))
    assert sure.confidence is not None and doubtful.confidence is not None
    assert sure.confidence > learned("words-read").threshold > doubtful.confidence
    assert not sure.abstained
    assert doubtful.abstained
    assert unread.text == "The oven bakes bread. [1]"
    assert len(finger.asked) == 2


def test_reading_can_be_insisted_on(shop: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ModelNotInstalled("ms-marco-MiniLM-L-12-v2 is not installed")

    monkeypatch.setattr(reading, "shared", missing)
    with pytest.raises(ModelNotInstalled):
        shop.ask("What does the oven bake?", generator="extractive", options=AskOptions(read=True))


def test_only_english_is_read() -> None:
    """By words that only questions, and nearly all passages, of English have."""
    german = _chunk("d", "Der Ofen backt Brot.")
    english = _chunk("e", "The oven bakes bread.")
    hits = [Hit(german, 1.0, 1, "exact"), Hit(english, 0.5, 2, "exact")]
    finger = Finger("bread")
    read = read_passages("What does it bake?", hits, [], lambda: finger)
    assert [each.chunk.id for each in read] == ["e"]
    assert read_passages("Was backt der Ofen?", hits, [], lambda: finger) == []
    assert read_passages("What does it bake?", hits[:1], [], lambda: finger) == []
    assert len(finger.asked) == 1


def test_the_passage_of_the_best_sentence_is_read_first() -> None:
    first, second = _chunk("a", "The first one."), _chunk("b", "The second one.")
    hits = [Hit(first, 1.0, 1, "exact"), Hit(second, 0.5, 2, "exact")]
    best = [Choice(Sentence(second, 0, 15), 1.0, 0.5)]
    (read,) = read_passages("Which is the one?", hits, best, lambda: Finger("one"))
    assert read.chunk.id == "b"


def test_an_answer_ends_with_its_sentence() -> None:
    chunk = _chunk("a", "It rained. They stayed until May. In June they left.")
    far = PassageRead(chunk, Reading(1.0, 2.0, 29, 45))
    near = PassageRead(chunk, Reading(5.0, 1.0, 3, 9))
    found = short_answer([near, far])  # by margin
    assert found is not None
    sentence, text = found
    assert (sentence.text, text) == ("They stayed until May.", "May.")
    assert short_answer([PassageRead(chunk, Reading(1.0, 0.0, 0, 0))]) is None
    assert short_answer([]) is None


def test_the_best_logit_of_all_passages_counts() -> None:
    chunk = _chunk("a", "It rained.")
    best = [Choice(Sentence(chunk, 0, 10), 1.0, 0.5)]
    readings = Reading(-3.0, 4.0, 0, 2), Reading(2.5, 1.0, 0, 2), Reading(40.0, 1.0, 0, 2)
    read = [PassageRead(chunk, each) for each in readings]
    assert signals("Did it rain?", best, read[:2])["answered"] == 2.5
    assert signals("Did it rain?", best, read)["answered"] == 10.0
    assert "answered" not in signals("Did it rain?", best)
