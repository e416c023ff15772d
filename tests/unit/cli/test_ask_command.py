"""``nearfield ask`` as a user types it: citations, JSON, a conversation, an honest no."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from nearfield.cli.main import _run
from nearfield.models import reading


class Shell:
    """Runs commands and keeps what they printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str | Path) -> int:
        code = _run([str(argument) for argument in arguments])
        self.out, self.err = self._capsys.readouterr()
        return code

    def json(self, *arguments: str | Path) -> Any:
        assert self(*arguments, "--json") == 0, self.err
        return json.loads(self.out)


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], words_file: Path, folder: Path) -> Shell:
    made = Shell(capsys)
    assert made("index", folder, "--model", words_file) == 0, made.err
    return made


@pytest.fixture(autouse=True)
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read unless a test says so, whatever is installed."""
    monkeypatch.setattr(reading, "available", lambda: False)


def test_an_answer_names_its_file_and_place(shell: Shell, folder: Path) -> None:
    assert shell("ask", folder, "what to take in snow and frost?", "-g", "extractive") == 0
    assert shell.out.splitlines()[0] == "Snow and frost: take a parka and gloves. [1]"
    assert "winter.txt · characters 0–40" in shell.out
    assert "“Snow and frost: take a parka and gloves.”" in shell.out
    assert "extractive · confidence " in shell.out


def test_passages_are_read_where_it_is_asked_for(
    shell: Shell, folder: Path, reranker_path: Path
) -> None:
    asked = ("ask", folder, "what to take in snow and frost?", "-g", "extractive")
    assert shell(*asked, "--read") == 0
    assert shell.out.splitlines()[0].removeprefix("a ") == "parka and gloves [1]"
    assert "“Snow and frost: take a parka and gloves.”" in shell.out
    assert shell(*asked, "--no-read") == 0
    assert shell.out.splitlines()[0] == "Snow and frost: take a parka and gloves. [1]"


def test_json_has_everything(shell: Shell, folder: Path) -> None:
    said = shell.json(
        "ask", folder, "what to take in snow and frost?", "-g", "extractive", "-k", "1"
    )
    assert said["text"] == "Snow and frost: take a parka and gloves. [1]"
    (citation,) = said["citations"]
    assert (citation["start"], citation["end"], citation["verified"]) == (0, 40, True)
    assert citation["source"] == str(folder / "winter.txt")
    assert said["statements"][0]["citations"] == [1]
    assert len(said["nearest"]) == 1
    assert (said["abstained"], said["generator"]) == (False, "extractive")


def test_what_is_not_there_is_said(shell: Shell, folder: Path) -> None:
    question = "when did Napoleon swim at Waterloo in 1815?"
    assert shell("ask", folder, question, "-g", "extractive") == 0
    assert shell.out.startswith("The documents do not seem to answer this.")
    assert "nearest passages\n 1  " in shell.out
    assert shell("ask", folder, question, "-g", "extractive", "--threshold", "0") == 0
    assert "[1]" in shell.out


def test_a_conversation_goes_on_after_an_error(
    shell: Shell, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("snow and frost?\nqwxz\nbread in a pan?\n\n"))
    assert shell("ask", folder, "-i", "-g", "extractive", "--threshold", "0") == 0
    assert "Snow and frost: take a parka and gloves. [1]" in shell.out
    assert "Cook the steak in a pan, then bread. [1]" in shell.out
    assert shell.err.count("error: ") == 1


def test_wrong_usage(shell: Shell, folder: Path) -> None:
    assert shell("ask", folder) == 2
    assert "no question: nearfield ask" in shell.err
    assert shell("ask", folder, "snow?", "-g", "nobody:model") == 4
    assert "no generator is called 'nobody:model'" in shell.err
    assert shell("ask", folder, "snow?", "-g", "extractive", "--expansion", "hyde") == 1
    assert "name a generator" in shell.err


def test_answers_are_measured_by_questions_that_are_known(
    shell: Shell, folder: Path, tmp_path: Path
) -> None:
    asked, kept = tmp_path / "asked.jsonl", tmp_path / "kept.jsonl"
    lines = [
        {
            "question": "what to take in snow and frost?",
            "answers": ["a parka and gloves"],
            "documents": ["winter.txt"],
        },
        {"question": "when did Napoleon swim at Waterloo in 1815?", "answers": []},
        {"question": "who is cold in snow?", "answers": ["Napoleon"]},
    ]
    asked.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = ("answers", folder, asked, "-g", "extractive", "--out", kept)
    assert shell(*command) == 0, shell.err
    assert shell.out.startswith("3 questions, 1 without an answer · means with 95% intervals\n")
    assert "right document among the passages          1.000" in shell.out
    assert "answer holds a right one                   0.500" in shell.out
    assert "not answered, of those without an answer   1 of 1" in shell.out
    assert "1 wrong answer, such as\n  who is cold in snow?\n" in shell.out
    assert "right: “Napoleon”" in shell.out
    said = shell.json(*command)  # out of the file
    assert (said["questions"], said["unanswerable"], said["held"]["mean"]) == (3, 1, 0.5)
    assert [each["abstained"] for each in said["answers"]][:2] == [False, True]
    assert said["answers"][0]["said"] == "Snow and frost: take a parka and gloves."
    assert len(kept.read_text().splitlines()) == 4
    assert shell(*command, "-k", "1") == 2
    assert "with other options: name another file" in shell.err
