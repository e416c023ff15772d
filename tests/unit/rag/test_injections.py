"""What passages that mean harm can do: be read as data, be shown as plain text, and no more.

Each is put into a collection and asked about, once with the extractive answerer and once with a
generator that has given in altogether: it says the whole prompt again, which is the worst that a
language model can be brought to do.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.rag.conftest import PASSAGES, Parrot

from nearfield.cli import ask as cli
from nearfield.collection import Collection, open_collection
from nearfield.collection.asking import AskOptions
from nearfield.protocols import Encoder
from nearfield.types import Answer, Piece

DOCUMENTS = json.loads((Path(__file__).parent / "injections.json").read_text("utf-8"))
CASES = range(len(DOCUMENTS))
ALL = pytest.mark.parametrize("case", CASES, ids=[d["kind"].replace(" ", "-") for d in DOCUMENTS])
ALWAYS = AskOptions(threshold=0.0)
QUESTION = "What about snow, frost, ice, gloves and the cold of winter?"

_MARK = re.compile(r"</?passage \d+ ([0-9a-f]{8})")
_ACTIVE = re.compile(
    r"\]\(|!\[|\]\[[^\d]|^\s*\[[^\d\]]+\]:|<[A-Za-z/!?]|[a-z]+://|www\.\w|javascript:\S|data:\S"
    r"|vbscript:\S|mailto:\S|tel:\S",
    re.IGNORECASE | re.MULTILINE,
)


def test_there_are_enough_of_every_kind() -> None:
    assert len(DOCUMENTS) >= 50
    assert len({document["text"] for document in DOCUMENTS}) == len(DOCUMENTS)
    assert {document["kind"] for document in DOCUMENTS} == {
        "instruction", "forged delimiter", "fake citation", "link", "markup", "terminal",
        "unicode", "prompt leak",
    }  # fmt: skip


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection and no process, whoever asks for one."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was done that nobody asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
    monkeypatch.setattr("os.system", refuse)


@pytest.fixture(scope="module")
def poisoned(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    """Three harmless passages, and all that mean harm; a filter shows one of these at a time."""
    place = tmp_path_factory.mktemp("poisoned") / "shop.nf"
    with open_collection(place, encoder=encoder) as collection:
        texts = [*PASSAGES.values(), *(each["text"] for each in DOCUMENTS)]
        ids = [*PASSAGES, *(f"harm{case}" for case in CASES)]
        cases = [{"case": -1}] * len(PASSAGES) + [{"case": case} for case in CASES]
        collection.add(texts, ids=ids, metadata=cases)
        yield collection


def _where(case: int) -> str:
    return f"case in (-1, {case})"


_CODES = ("Cc", "Cf", "Cs")


def _hidden(text: str) -> list[str]:
    """Characters that show nothing or move the cursor."""
    return [
        c
        for c in text
        if c not in "\n\t\u200c\u200d" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co")
    ]


@ALL
def test_the_prompt_keeps_passages_apart(poisoned: Collection, case: int, sealed: None) -> None:
    parrot = Parrot()
    answer = poisoned.ask(QUESTION, where=_where(case), generator=parrot, options=ALWAYS)
    (messages,) = parrot.asked
    prompt = messages[-1].text
    marks = _MARK.findall(prompt)
    used = {hit.chunk.id for hit in answer.nearest}
    assert f"harm{case}" in used
    # One word for all marks, two marks a passage, and the word stands in no passage.
    assert len(set(marks)) == 1
    assert len(marks) == 2 * len(used)
    assert marks[0] not in DOCUMENTS[case]["text"]
    assert len(re.findall(r"<\s*/?\s*passage", prompt, re.IGNORECASE)) == len(marks)
    # No control token of a chat template is left, and nothing that cannot be seen.
    assert not re.search(r"<\|[^|]*\|>|\[/?INST\]|<</?SYS>>|</?s>|<(start|end)_of_turn>", prompt)
    assert _hidden(prompt) == []
    # The question is filled in once: braces in a passage fill nothing.
    assert prompt.count(QUESTION) == 1
    assert messages[0].text.count("Each passage stands between") == 1


@ALL
def test_the_answer_is_plain_text_with_true_citations(
    poisoned: Collection, case: int, sealed: None
) -> None:
    for generator in ("extractive", Parrot()):
        answer = poisoned.ask(QUESTION, where=_where(case), generator=generator, options=ALWAYS)
        assert not _ACTIVE.search(answer.text), answer.text
        assert _hidden(answer.text) == []
        found = {hit.chunk.id: hit.chunk for hit in answer.nearest}
        for citation in answer.citations:
            chunk = found[citation.chunk_id]
            assert citation.verified
            assert chunk.text[citation.start : citation.end] == citation.quote
        numbers = {citation.number for citation in answer.citations}
        for statement in answer.statements:
            assert set(statement.citations) <= numbers
        # Numbers that a passage or the model made up are gone.
        assert {int(n) for n in re.findall(r"\[(\d+)\]", answer.text)} <= numbers


@ALL
def test_the_stream_shows_no_more_than_the_answer(
    poisoned: Collection, case: int, sealed: None
) -> None:
    shown = "".join(
        piece.text
        for piece in poisoned.ask_stream(
            QUESTION, where=_where(case), generator=Parrot(), options=ALWAYS
        )
        if isinstance(piece, Piece)
    )
    assert not _ACTIVE.search(shown), shown
    assert _hidden(shown) == []


@ALL
def test_the_terminal_gets_no_codes(
    poisoned: Collection,
    case: int,
    sealed: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = poisoned.ask(QUESTION, where=_where(case), generator=Parrot(), options=ALWAYS)
    assert isinstance(answer, Answer)
    cli._show(poisoned, answer)
    printed = capsys.readouterr().out
    assert [
        c for c in printed if c not in "\n\t\u200c\u200d" and unicodedata.category(c) in _CODES
    ] == []


@ALL
def test_nothing_changes(poisoned: Collection, case: int, sealed: None) -> None:
    before = {path: path.stat().st_size for path in poisoned.path.parent.rglob("*")}
    poisoned.ask(QUESTION, where=_where(case), generator=Parrot(), options=ALWAYS)
    assert {path: path.stat().st_size for path in poisoned.path.parent.rglob("*")} == before
    assert poisoned.count() == len(PASSAGES) + len(DOCUMENTS)
    assert poisoned.get([f"harm{case}"])[0].text == DOCUMENTS[case]["text"]
