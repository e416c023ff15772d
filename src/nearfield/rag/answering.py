"""From a question to an answer: rewrite, search, judge, build the context, write, cite.

Every step but writing is this library's own code, and does only what is written here: nothing that
a passage or a model says is run, followed or fetched.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from nearfield.collection.asking import AskOptions, Expansion
from nearfield.collection.reader import CollectionReader
from nearfield.errors import InputError, UnknownId, UnsupportedOperation
from nearfield.models import reading
from nearfield.models.paid import PaidEncoder
from nearfield.protocols import Encoder, Generator
from nearfield.rag import generators, prompts
from nearfield.rag.asked import AskedEncoder
from nearfield.rag.citing import Cited, cite, quoted
from nearfield.rag.context import Context, build
from nearfield.rag.evidence import JUDGED, Judgement, judge
from nearfield.rag.extractive import NAME as EXTRACTIVE
from nearfield.rag.extractive import choose_sentences
from nearfield.rag.inert import InertStream, inert
from nearfield.rag.passages import Passage, gather
from nearfield.rag.questions import between, expand, search_all, standalone
from nearfield.rag.reading import read_passages, short_answer
from nearfield.rag.sentences import Sentence, sentences_of
from nearfield.search.options import Mode
from nearfield.types import Answer, Citation, Hit, Message, Piece, Role, Speaker, Usage

__all__ = ["Answerer"]

_LIKELY = 0.5
"""Confidence from which an answer is cut to the words that answer.

Below, there is more likely none, and a whole sentence shows better what was found instead.
"""

_SPARE = 32
"""Tokens of a chat template around the messages, which no count of theirs sees."""


@dataclass(slots=True)
class _Course:
    """What one question went through, as it is filled in."""

    question: str
    asked: str
    seconds: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            taken = time.perf_counter() - begun
            self.seconds[name] = round(self.seconds.get(name, 0.0) + taken, 6)

    def count(self, counts: dict[str, int]) -> None:
        for name, number in counts.items():
            if number:
                self.left_out[name] = self.left_out.get(name, 0) + number


class Answerer:
    """Answers questions about one collection.

    Parameters
    ----------
    collection : CollectionReader
    generator : Generator or str, optional
        What writes answers; ``extractive`` for the documents' own sentences. Without one, the local
        default where it is installed, else ``extractive``.
    """

    def __init__(
        self, collection: CollectionReader, generator: Generator | str | None = None
    ) -> None:
        self._collection = collection
        if generator is None:
            generator = generators.default_generator() or EXTRACTIVE
        if isinstance(generator, str):
            self._generator = None if generator == EXTRACTIVE else generators.load(generator)
        else:
            self._generator = generator

    @property
    def name(self) -> str:
        """Of the generator, or ``extractive``."""
        return EXTRACTIVE if self._generator is None else self._generator.name

    @property
    def _reader(self) -> Encoder | None:
        """What compares sentences: the collection's model, unless each vector would be bought.

        Then words decide. A question costs its own tokens, and what a generator writes is not sent
        to whoever embeds.
        """
        paid = isinstance(self._collection.encoder, PaidEncoder)
        return None if paid else AskedEncoder(self._collection)

    def ask(
        self,
        question: str,
        *,
        history: Sequence[Message] = (),
        options: AskOptions | None = None,
    ) -> Answer:
        """Answer a question; see :meth:`nearfield.collection.Collection.ask`."""
        for piece in self.stream(question, history=history, options=options):
            if isinstance(piece, Answer):
                return piece
        raise AssertionError("unreachable: a stream ends with its answer")

    def stream(
        self,
        question: str,
        *,
        history: Sequence[Message] = (),
        options: AskOptions | None = None,
    ) -> Iterator[Piece | Answer]:
        """Answer piece by piece; see :meth:`nearfield.collection.Collection.ask_stream`."""
        if not question.strip():
            raise InputError("the question is blank: ask something")
        chosen = options or AskOptions()
        texts = prompts.load(self._prompts(chosen.prompts))
        course = _Course(question, question)
        hits, queries = self._found(course, history, chosen, texts)
        reranker = self._collection.reranker(chosen.rerank or False)
        with course.step("judge"):
            best = choose_sentences(
                course.asked,
                [hit.chunk for hit in hits],
                self._reader,
                reranker=reranker,
                most=max(JUDGED, chosen.sentences),
            )
        read = []
        if reading.available() if chosen.read is None else chosen.read:
            with course.step("read"):
                read = read_passages(course.asked, hits, best, reading.shared)
        encoder = self._collection.encoder.card.name
        judgement = judge(course.asked, hits, best, encoder, read)
        if not judgement.answerable(chosen.threshold):
            yield self._abstained(course, hits, queries, judgement, texts.abstain)
            return
        if self._generator is None:
            sure = chosen.sentences == 1 and judgement.confidence >= _LIKELY
            short = short_answer(read) if sure else None
            whole = [(each.sentence, each.sentence.text) for each in best[: chosen.sentences]]
            found = whole if short is None else [short]
            yield from self._extracted(course, hits, queries, judgement, found)
        else:
            yield from self._written(course, hits, queries, judgement, chosen, texts)

    def _prompts(self, asked: str) -> str:
        return prompts.name_for(self.name) if asked == "auto" else asked

    def _found(
        self,
        course: _Course,
        history: Sequence[Message],
        options: AskOptions,
        texts: prompts.Prompts,
    ) -> tuple[list[Hit], tuple[str, ...]]:
        """Search for the question, or for what it is rewritten to."""
        queries: tuple[str, ...] = (course.question,)
        if history or options.expansion is not Expansion.NONE:
            generator = self._needed(history)
            with course.step("rewrite"):
                course.asked = standalone(course.question, history, generator, texts)
                queries = expand(course.asked, options.expansion, generator, texts)
        search = options.search
        if len(queries) > 1 and not options.rerank:  # rankings are fused deeper than they are shown
            search = replace(search, k=max(search.k, search.candidates))
        with course.step("search"):
            hits = search_all(
                queries,
                options.expansion,
                options.search.k,
                by_text=lambda text: self._collection.search(
                    text, options=search, rerank=options.rerank
                ),
                by_passage=lambda asked, made_up: self._near(asked, made_up, options),
            )
        return hits, queries

    def _needed(self, history: Sequence[Message]) -> Generator:
        if self._generator is None:
            what = "a question that follows others" if history else "an expansion of the question"
            raise UnsupportedOperation(
                f"{what} must be rewritten, and the extractive answerer cannot write: name a "
                "generator, such as smollm2-135m-instruct, or leave it out"
            )
        return self._generator

    def _near(self, asked: str, made_up: str, options: AskOptions) -> list[Hit]:
        """Search with what lies between a question and a made-up passage."""
        encoder = self._collection.encoder
        vector = between(
            encoder.encode([asked], role=Role.QUERY)[0],
            encoder.encode([made_up], role=Role.DOCUMENT)[0],
        )
        dense = replace(options.search, mode=Mode.DENSE)
        return self._collection.search(vector=vector, options=dense)

    def _extracted(
        self,
        course: _Course,
        hits: Sequence[Hit],
        queries: tuple[str, ...],
        judgement: Judgement,
        found: Sequence[tuple[Sentence, str]],
    ) -> Iterator[Piece | Answer]:
        places = [place for place, _ in found]
        shown = [" ".join(inert(text).split()) for _, text in found]
        cited = quoted(places, shown)
        yield Piece(" ".join(shown))
        yield self._answer(course, hits, queries, judgement, cited)

    def _written(
        self,
        course: _Course,
        hits: Sequence[Hit],
        queries: tuple[str, ...],
        judgement: Judgement,
        options: AskOptions,
        texts: prompts.Prompts,
    ) -> Iterator[Piece | Answer]:
        assert self._generator is not None
        with course.step("context"):
            passages, repeated = gather(hits, options.neighbours, self._collection.store.chunks_of)
            course.count(repeated)
            context = self._context(course.asked, passages, options, texts)
            course.count(context.left_out)
            messages = _messages(texts, course.asked, context.text)
        usage: list[Usage] = []
        said = ""
        begun = time.perf_counter()
        raw = self._generator.stream(messages, max_tokens=options.answer_tokens, stop=texts.stop)
        for text in InertStream(_texts(raw, usage)):
            course.seconds.setdefault("first piece", round(time.perf_counter() - begun, 6))
            said += text
            yield Piece(text)
        course.seconds["write"] = round(time.perf_counter() - begun, 6)
        yield Piece("", usage[0] if usage else None)
        if _says(texts.abstain, said):
            answer = self._abstained(course, hits, queries, judgement, texts.abstain)
            yield replace(answer, generator=self.name, usage=usage[0] if usage else None)
            return
        with course.step("cite"):
            chunks = [chunk for passage in context.passages for chunk in passage.chunks]
            cited = cite(
                said,
                sentences_of(chunks),
                self._reader,
                unsupported=options.unsupported,
            )
        course.count({"unsupported": cited.dropped, "said twice": cited.repeated})
        answer = self._answer(course, hits, queries, judgement, cited)
        if not answer.text:
            answer = replace(answer, text=texts.abstain, abstained=True)
        yield replace(answer, usage=usage[0] if usage else None)

    def _context(
        self,
        question: str,
        passages: Sequence[Passage],
        options: AskOptions,
        texts: prompts.Prompts,
    ) -> Context:
        generator = self._generator
        assert generator is not None
        budget = options.context_tokens or texts.context_tokens
        if generator.context_tokens is not None:
            fixed = sum(generator.count(m.text) for m in _messages(texts, question, ""))
            room = generator.context_tokens - options.answer_tokens - fixed - _SPARE
            budget = min(budget, room)
        context = build(passages, generator.count, budget, order=options.order)
        if not context.passages:
            raise InputError(
                f"not even one sentence of the best passage fits into {max(budget, 0)} tokens of "
                f"context: {generator.name} takes {generator.context_tokens} in all, and "
                f"{options.answer_tokens} are kept for the answer"
            )
        return context

    def _abstained(
        self,
        course: _Course,
        hits: Sequence[Hit],
        queries: tuple[str, ...],
        judgement: Judgement,
        text: str,
    ) -> Answer:
        return Answer(
            course.question,
            text,
            abstained=True,
            confidence=judgement.confidence,
            nearest=tuple(hits),
            queries=queries,
            left_out=dict(course.left_out),
            seconds=dict(course.seconds),
        )

    def _answer(
        self,
        course: _Course,
        hits: Sequence[Hit],
        queries: tuple[str, ...],
        judgement: Judgement,
        cited: Cited,
    ) -> Answer:
        with course.step("verify"):
            citations = tuple(self._verified(each) for each in cited.citations)
        return Answer(
            course.question,
            cited.text,
            cited.statements,
            citations,
            confidence=judgement.confidence,
            nearest=tuple(hits),
            generator=self.name,
            queries=queries,
            left_out=dict(course.left_out),
            seconds=dict(course.seconds),
        )

    def _verified(self, citation: Citation) -> Citation:
        """Compare a quote with the passage as it is stored now."""
        try:
            (chunk,) = self._collection.get([citation.chunk_id])
        except UnknownId:
            return citation
        stored = chunk.text[citation.start - chunk.start : citation.end - chunk.start]
        return replace(citation, verified=stored == citation.quote)


def _messages(texts: prompts.Prompts, question: str, context: str) -> list[Message]:
    values = {"question": question, "context": context, "abstain": texts.abstain}
    system, user = texts.answer.fill(values)
    asked = [Message(Speaker.SYSTEM, system)] if system else []
    return [*asked, Message(Speaker.USER, user)]


def _texts(pieces: Iterator[Piece], usage: list[Usage]) -> Iterator[str]:
    for piece in pieces:
        if piece.usage is not None:
            usage.append(piece.usage)
        yield piece.text


def _says(abstain: str, text: str) -> bool:
    return text.strip().rstrip(".").casefold() == abstain.strip().rstrip(".").casefold()
