"""Answers from a tiny collection: extracted and written, cited, withheld, streamed, rewritten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.unit.rag.conftest import PASSAGES, Scripted

from nearfield.collection import Collection, open_collection
from nearfield.collection.asking import AskOptions, Expansion, Unsupported
from nearfield.errors import InputError, UnknownName, UnsupportedOperation
from nearfield.protocols import Encoder
from nearfield.rag.citing import UNSUPPORTED, cite
from nearfield.rag.evidence import has_kind, learned
from nearfield.rag.sentences import sentences_of
from nearfield.rag.support import SupportModel
from nearfield.types import Answer, Chunk, Message, Piece, Role, Speaker

ALWAYS = AskOptions(threshold=0.0)


def test_an_extractive_answer_is_a_sentence_of_the_documents(shop: Collection) -> None:
    answer = shop.ask("What bakes bread in the oven?", generator="extractive", options=ALWAYS)
    assert answer.text == "The oven bakes bread. [1]"
    assert answer.generator == "extractive"
    (citation,) = answer.citations
    assert (citation.chunk_id, citation.quote) == ("kitchen", "The oven bakes bread.")
    assert PASSAGES["kitchen"][citation.start : citation.end] == citation.quote
    assert citation.verified
    (statement,) = answer.statements
    assert (statement.text, statement.citations) == ("The oven bakes bread.", (1,))
    assert set(answer.seconds) == {"search", "judge", "verify"}


def test_a_written_answer_is_cited_sentence_by_sentence(shop: Collection) -> None:
    writer = Scripted(["Gloves keep the frost away [7]. Elephants are grey. The oven bakes bread."])
    answer = shop.ask("What about gloves and bread?", generator=writer, options=ALWAYS)
    assert answer.text == (
        f"Gloves keep the frost away. [1] Elephants are grey. {UNSUPPORTED} "
        "The oven bakes bread. [2]"
    )
    assert [s.supported for s in answer.statements] == [True, False, True]
    assert [c.quote for c in answer.citations] == [
        "Gloves keep frost away.",
        "The oven bakes bread.",
    ]
    assert answer.usage is not None and answer.usage.output_tokens == 13


def test_what_is_said_twice_is_shown_once(shop: Collection) -> None:
    writer = Scripted(["The oven bakes bread. Elephants are grey. The oven bakes bread."])
    answer = shop.ask("What bakes bread?", generator=writer, options=ALWAYS)
    assert answer.text == f"The oven bakes bread. [1] Elephants are grey. {UNSUPPORTED}"
    assert answer.left_out["said twice"] == 1


def test_sentences_without_a_source_can_be_dropped(shop: Collection) -> None:
    options = AskOptions(threshold=0.0, unsupported=Unsupported.DROP)
    writer = Scripted(["Elephants are grey. The oven bakes bread."])
    answer = shop.ask("What bakes bread?", generator=writer, options=options)
    assert answer.text == "The oven bakes bread. [1]"
    assert answer.left_out["unsupported"] == 1
    nothing = shop.ask("What bakes bread?", generator=Scripted(["Elephants."]), options=options)
    assert nothing.abstained
    assert nothing.text == "The documents do not seem to answer this."


def test_a_question_about_something_else_is_not_answered(shop: Collection) -> None:
    writer = Scripted(["Never asked."])
    answer = shop.ask("When did Napoleon swim at Waterloo in 1815?", generator=writer)
    assert answer.abstained
    assert writer.asked == []
    assert answer.confidence is not None and answer.confidence < learned("words").threshold
    assert [hit.rank for hit in answer.nearest] == [1, 2, 3]
    assert answer.citations == answer.statements == ()


def test_a_model_may_say_so_itself(shop: Collection) -> None:
    writer = Scripted(["The documents do not seem to answer this"])
    answer = shop.ask("What bakes bread?", generator=writer, options=ALWAYS)
    assert answer.abstained
    assert answer.generator == "scripted"
    assert writer.asked[0][0].text.endswith("write only: The documents do not seem to answer this.")


def test_a_stream_ends_with_the_answer(shop: Collection) -> None:
    writer = Scripted(["The oven bakes bread."])
    pieces = list(shop.ask_stream("What bakes bread?", generator=writer, options=ALWAYS))
    assert isinstance(pieces[-1], Answer)
    assert all(isinstance(piece, Piece) for piece in pieces[:-1])
    said = "".join(piece.text for piece in pieces if isinstance(piece, Piece))
    assert said.strip() == "The oven bakes bread."
    assert pieces[-1].text == "The oven bakes bread. [1]"


def test_a_follow_up_is_searched_for_as_it_was_rewritten(shop: Collection) -> None:
    writer = Scripted(["What bakes bread in the oven?", "The oven bakes bread."])
    history = [Message(Speaker.USER, "Tell me of the oven."), Message(Speaker.ASSISTANT, "Hot.")]
    answer = shop.ask("What does it bake?", generator=writer, history=history, options=ALWAYS)
    assert answer.question == "What does it bake?"
    assert answer.queries == ("What bakes bread in the oven?",)
    assert answer.nearest[0].chunk.id == "kitchen"
    assert writer.asked[1][-1].text.endswith("Question: What bakes bread in the oven?")


@pytest.mark.parametrize("expansion", [Expansion.HYDE, Expansion.MULTI_QUERY, Expansion.DECOMPOSE])
def test_expansions_search_for_more(shop: Collection, expansion: Expansion) -> None:
    writer = Scripted(["bread knife oven", "The oven bakes bread."])
    options = AskOptions(threshold=0.0, expansion=expansion)
    answer = shop.ask("What is hot in the kitchen?", generator=writer, options=options)
    assert answer.queries == ("What is hot in the kitchen?", "bread knife oven")
    assert answer.nearest[0].chunk.id == "kitchen"


def test_what_cannot_write_cannot_rewrite(shop: Collection) -> None:
    with pytest.raises(UnsupportedOperation, match="name a generator"):
        shop.ask("And?", generator="extractive", history=[Message(Speaker.USER, "Hi")])
    with pytest.raises(UnsupportedOperation, match="an expansion"):
        shop.ask("Cold?", generator="extractive", options=AskOptions(expansion=Expansion.HYDE))


def test_refusals(shop: Collection) -> None:
    with pytest.raises(InputError, match="blank"):
        shop.ask(" ", generator="extractive")
    with pytest.raises(UnknownName, match="did you mean 'extractive'"):
        shop.ask("Cold?", generator="extractiv")
    small = Scripted(["x"], context_tokens=300)
    with pytest.raises(InputError, match="not even one sentence"):
        shop.ask("What bakes bread?", generator=small, options=ALWAYS)
    with pytest.raises(InputError, match="threshold is 2"):
        AskOptions(threshold=2)


def test_filters_and_k_reach_the_search(shop: Collection) -> None:
    answer = shop.ask(
        "cold snow", k=1, where="id != 'winter'", generator="extractive", options=ALWAYS
    )
    assert len(answer.nearest) == 1
    assert answer.nearest[0].chunk.id != "winter"


@dataclass
class _Deleting(Scripted):
    """Deletes what it reads, as another process may while a model writes."""

    shop: Collection | None = None

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 512, stop: Sequence[str] = ()
    ) -> Iterator[Piece]:
        assert self.shop is not None
        self.shop.delete(ids=["kitchen"])
        yield from super().stream(messages, max_tokens=max_tokens, stop=stop)


def test_a_passage_that_is_gone_is_not_verified(shop: Collection) -> None:
    writer = _Deleting(["The oven bakes bread."], shop=shop)
    answer = shop.ask("What bakes bread?", generator=writer, options=ALWAYS)
    assert [citation.verified for citation in answer.citations] == [False]


def test_two_places_together_support_a_sentence(shop: Collection) -> None:
    text = "William crossed the sea. Harold lost the battle."
    sentences = sentences_of([Chunk("h", "h", text, 0, len(text))])
    model = SupportModel(words=10.0, specifics=0.0, similarity=0.0, bias=-8.0, threshold=0.5)
    cited = cite("William crossed and Harold lost.", sentences, shop.encoder, model=model)
    assert cited.text == "William crossed and Harold lost. [1][2]"
    assert [c.quote for c in cited.citations] == text.replace(". ", ".|").split("|")


@pytest.mark.parametrize(
    ("question", "sentence", "expected"),
    [
        ("When did it end?", "It ended in the 10th century.", 1.0),
        ("When did the 10th century end?", "The 10th century ended.", 0.0),
        ("How many came?", "Seven came.", 1.0),
        ("How many came?", "Many came.", 0.0),
        ("Who came?", "Then Rollo came.", 1.0),
        ("Why did they come?", "They were hungry.", 0.8),
    ],
)
def test_kinds_of_answers(question: str, sentence: str, expected: float) -> None:
    assert has_kind(question, sentence) == expected


class _Counting:
    """Notes what is encoded."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.card, self.tokenizer = encoder.card, encoder.tokenizer
        self.asked: list[str] = []

    def encode(self, inputs, *, role=Role.DOCUMENT, observe=None):
        if Role.of(role) is Role.QUERY:
            self.asked += inputs
        return self._encoder.encode(inputs, role=role, observe=observe)


def test_a_question_is_read_once(shop: Collection, tmp_path: Path) -> None:
    counting = _Counting(shop.encoder)
    with open_collection(tmp_path / "shop.nf", encoder=counting) as again:
        for question in ("What bakes bread?", "What bakes bread?", "Is ice cold?"):
            counting.asked.clear()
            answer = again.ask(question, generator="extractive", options=ALWAYS)
            assert counting.asked == [question]
            plain = shop.ask(question, generator="extractive", options=ALWAYS)
            assert (answer.text, answer.confidence) == (plain.text, plain.confidence)
        assert again.asked("What bakes bread?") is None
