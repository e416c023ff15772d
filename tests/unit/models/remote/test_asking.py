"""What an answer sends to whoever embeds: the question, once, and nothing of what was found."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.hosted import HostedServer, Wide
from tests.unit.rag.conftest import Scripted

import nearfield as nf
from nearfield.collection.asking import AskOptions
from nearfield.models import remote
from nearfield.models.paid import PROBE

MODEL = "cohere:embed-english-light-v3.0"
PASSAGES = ["The boiler is serviced every October.", "The main tap is behind the washing machine."]


@pytest.fixture(autouse=True)
def wide(hosted: HostedServer) -> None:
    hosted.encoder = Wide(384)


@pytest.mark.parametrize("generator", ["extractive", Scripted(["It is serviced in October."])])
def test_an_answer_buys_its_question_and_nothing_else(
    hosted: HostedServer, tmp_path: Path, private_home: Path, generator: str | Scripted
) -> None:
    with nf.open(tmp_path / "house.nf", encoder=MODEL) as house:
        house.add(PASSAGES, ids=["boiler", "tap"])
        hosted.seen.clear()
        before = remote.account().spent
        question = "When is the boiler serviced?"
        answer = house.ask(question, generator=generator, options=AskOptions(threshold=0.0))
        assert [text for text in hosted.texts() if text != PROBE] == [question]
        assert remote.account().spent.requests - before.requests == len(hosted.seen)
    assert [(c.chunk_id, c.verified) for c in answer.citations] == [("boiler", True)]
    assert answer.statements[0].supported
