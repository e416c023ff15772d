"""The commands as a user types them, run in this process over a tiny model."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nearfield.cli.main import _run
from nearfield.models.transformer.choice import fast_is_possible
from nearfield.protocols import Encoder


class Shell:
    """Runs commands with the tiny model and keeps what they printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str], model: Path) -> None:
        self._capsys = capsys
        self.model = str(model)
        self.out = self.err = ""

    def __call__(self, *arguments: str | Path) -> int:
        code = _run([str(argument) for argument in arguments])
        self.out, self.err = self._capsys.readouterr()
        return code

    def json(self, *arguments: str | Path) -> Any:
        assert self(*arguments, "--json") == 0, self.err
        return json.loads(self.out)


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], words_file: Path) -> Shell:
    return Shell(capsys, words_file)


@pytest.fixture
def indexed(shell: Shell, folder: Path) -> Path:
    assert shell("index", folder, "--model", shell.model) == 0
    return folder


def test_search_indexes_a_folder_by_itself(shell: Shell, folder: Path) -> None:
    assert shell("search", folder, "winter ice", "--model", shell.model, "-k", "1") == 0
    assert "winter.txt" in shell.out
    assert "Snow and frost" in shell.out
    assert "3 files: 3 new" in shell.err


def test_search_reads_again_what_changed(shell: Shell, indexed: Path) -> None:
    (indexed / "new.txt").write_text("frost on the winter ice", encoding="utf-8")
    stale = shell.json("search", indexed, "winter ice", "--no-update")
    assert Path(stale["hits"][0]["source"]).name == "winter.txt"
    fresh = shell.json("search", indexed, "winter ice")
    assert Path(fresh["hits"][0]["source"]).name == "new.txt"
    (indexed / "new.txt").unlink()
    again = shell.json("search", indexed, "winter ice")
    assert len(again["hits"]) == 3


def test_search_json_tells_everything(shell: Shell, indexed: Path) -> None:
    found = shell.json("search", indexed, "steak in the oven", "-k", "2")
    first = found["hits"][0]
    assert first["rank"] == 1
    assert first["text"] == (indexed / "kitchen.txt").read_text()[first["start"] : first["end"]]
    assert first["score"] > found["hits"][1]["score"]
    assert first["path"] == "exact"
    assert len(found["fingerprint"]) == 64


def test_the_best_sentence_is_marked(shell: Shell, indexed: Path) -> None:
    text = "The beach is sand. Snow and ice and frost. A pan for bread."
    (indexed / "mixed.txt").write_text(text, encoding="utf-8")
    shell("search", indexed / "mixed.txt", "winter parka", "-k", "1")
    assert "**Snow and ice and frost.**" in shell.out


def test_searching_a_part_of_what_was_indexed(shell: Shell, indexed: Path) -> None:
    inner = indexed / "inner"
    inner.mkdir()
    (inner / "note.jsonl").write_text('{"text": "surf and swim", "source": "diary"}\n')
    found = shell.json("search", inner, "winter")
    assert [hit["text"] for hit in found["hits"]] == ["surf and swim"]
    everything = shell.json("search", indexed, "winter")
    assert len(everything["hits"]) == 4


def test_filters_and_their_errors(shell: Shell, folder: Path) -> None:
    rows = [{"text": "snow", "year": 2019}, {"text": "ice", "year": 2024}]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    shell("index", folder, "--model", shell.model)
    found = shell.json("search", folder, "frost", "--where", "year >= 2020")
    assert [hit["text"] for hit in found["hits"]] == ["ice"]
    assert shell("search", folder, "frost", "--where", "year >=") == 2
    assert "position 7" in shell.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["search", "nowhere/", "a question"], 2, "nowhere/ does not exist"),
        (["serach", "x"], 2, "did you mean 'search'?"),
        (["index", "."], 4, "nearfield models install"),
        (["stats", "."], 5, "has not been indexed: nearfield index ."),
        (["search", "a question without any index"], 5, "has not been indexed"),
        (["tokens", "x", "--model", "no-such-model-xyz"], 4, "no-such-model-xyz"),
        (["similarity", "one"], 2, "at least two"),
        (["embed"], 2, "give texts"),
        (["remove"], 2, "either files"),
    ],
)
def test_errors_have_codes_and_remedies(
    shell: Shell,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.setenv("NEARFIELD_MODELS", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    assert shell(*arguments) == code
    assert message in shell.err


def test_errors_as_json(shell: Shell, tmp_path: Path) -> None:
    assert shell("stats", tmp_path, "--json") == 5
    assert json.loads(shell.err)["error"]["type"] == "StoreNotFound"


def test_index_reports_and_strict_fails(shell: Shell, folder: Path) -> None:
    (folder / "junk.txt").write_bytes(bytes(range(256)) * 20)
    assert shell("index", folder, "--model", shell.model, "--strict") == 3
    assert "4 files: 3 new, 0 changed, 0 unchanged, 1 unreadable" in shell.out
    assert "problem: " in shell.out
    report = shell.json("index", folder)
    assert (report["unchanged"], report["failed"]) == (3, 1)
    stats = shell.json("stats", folder)
    assert [Path(p["source"]).name for p in stats["problems"]] == ["junk.txt"]


def test_a_collection_keeps_its_chunking(shell: Shell, folder: Path) -> None:
    place = folder.parent / "mine.nf"
    arguments = ["index", folder, "--to", place, "--model", shell.model]
    assert shell(*arguments, "--chunker", "sentences", "--chunk-size", "20") == 0
    assert shell(*arguments, "--chunk-size", "50") == 2
    assert "leave the options out" in shell.err
    assert shell(*arguments) == 0
    assert "3 unchanged" in shell.out


def test_choices_about_files_are_kept(shell: Shell, folder: Path) -> None:
    (folder / "big.txt").write_text("frost " * 500, encoding="utf-8")
    arguments = ["index", folder, "--model", shell.model]
    assert shell(*arguments, "--max-file-size", "1000", "--exclude", "sea.*") == 0
    assert "big.txt" in shell.out
    (folder / "new.txt").write_text("more snow", encoding="utf-8")
    shell("search", folder, "ice")
    report = shell.json(*arguments)
    assert (report["unchanged"], report["failed"], report["ignored"]) == (3, 1, 1)


def test_bad_chunk_settings_leave_no_collection(shell: Shell, folder: Path) -> None:
    place = folder.parent / "bad.nf"
    arguments = ["index", folder, "--to", place, "--model", shell.model]
    assert shell(*arguments, "--chunker", "recursiv") == 4
    assert "did you mean 'recursive'" in shell.err
    assert shell(*arguments, "--chunk-size", "10", "--overlap", "10") == 2
    assert not place.exists()
    assert shell(*arguments) == 0


def test_problems_stay_until_they_are_mended(shell: Shell, folder: Path) -> None:
    (folder / "rows.jsonl").write_text('{"text": "ice"}\n{oops\n', encoding="utf-8")
    arguments = ["index", folder, "--model", shell.model, "--strict"]
    assert shell(*arguments) == 3
    assert shell(*arguments) == 3, "an unchanged file still has its bad record"
    (folder / "rows.jsonl").write_text('{"text": "ice"}\n', encoding="utf-8")
    assert shell(*arguments) == 0


def test_passages_longer_than_the_model_reads_are_kept_as_problems(
    shell: Shell, folder: Path, minilm_path: Path
) -> None:
    (folder / "long.txt").write_text("snow and ice and frost " * 150, encoding="utf-8")
    place = folder.parent / "long.nf"
    report = shell.json(
        "index", folder, "--to", place, "--model", minilm_path, "--chunk-size", "400"
    )
    stats = shell.json("stats", place)
    assert report["truncated"] == len(stats["problems"]) == len(report["problems"]) > 0
    assert "longer than the model reads" in stats["problems"][0]["reason"]


def test_a_folder_alone_is_no_question(shell: Shell, indexed: Path) -> None:
    assert shell("search", indexed) == 2
    assert "no question" in shell.err


def test_show_a_record_by_its_id(shell: Shell, folder: Path) -> None:
    (folder / "rows.jsonl").write_text('{"id": "r1", "text": "ice"}\n', encoding="utf-8")
    shell("index", folder, "--model", shell.model)
    hits = shell.json("search", folder, "ice")["hits"]
    (record,) = [hit for hit in hits if hit["document"].endswith("::r1")]
    assert "ice" in shell.json("show", record["id"])["passages"][0]["text"]
    assert len(shell.json("show", record["document"])["passages"]) == 1


def test_show_a_passage_and_a_file(shell: Shell, indexed: Path) -> None:
    hit = shell.json("search", indexed, "snow", "-k", "1")["hits"][0]
    assert shell("show", hit["id"]) == 0
    assert "Snow and frost: take a parka and gloves." in shell.out
    whole = shell.json("show", indexed / "sea.txt")
    assert [p["text"] for p in whole["passages"]] == ["Sun and sand on the beach; swim and surf."]
    assert shell("show", "no-such-passage", "--in", indexed) == 5


def test_remove_files_filters_and_everything(shell: Shell, indexed: Path) -> None:
    gone = shell.json("remove", indexed / "sea.txt")
    assert (gone["removed"], gone["left"]) == (1, 2)
    assert (indexed / "sea.txt").exists()
    gone = shell.json("remove", "--in", indexed, "--where", 'format = "text"')
    assert gone["left"] == 0
    place = Path(gone["collection"])
    assert shell.json("remove", "--all", indexed, "--yes")["removed"] == 0
    assert not place.exists()


def test_stats_lists_collections(shell: Shell, indexed: Path) -> None:
    (entry,) = shell.json("stats")["collections"]
    assert (entry["roots"], entry["passages"]) == ([str(indexed)], 3)
    assert shell("stats", indexed) == 0
    assert "fingerprint" in shell.out


def test_embed_prints_and_writes_vectors(shell: Shell, encoder: Encoder, tmp_path: Path) -> None:
    expected = encoder.encode(["snow", "beach sun"])
    printed = shell.json("embed", "snow", "beach sun", "--model", shell.model)
    np.testing.assert_allclose(printed["vectors"], expected, atol=1e-6)
    lines = tmp_path / "lines.txt"
    lines.write_text("snow\nbeach sun\n", encoding="utf-8")
    out = tmp_path / "v.npy"
    assert shell("embed", "--file", lines, "--out", out, "--model", shell.model) == 0
    np.testing.assert_array_equal(np.load(out), expected)


def test_similarity_of_words_and_of_a_word_in_context(shell: Shell, minilm_path: Path) -> None:
    found = shell.json("similarity", "snow", "ice", "pan", "--model", shell.model)
    scores = found["similarity"]
    assert scores[0][1] > 0.8 > abs(scores[0][2])
    texts = ("the bank of the river", "a loan from the bank", "money in the bank")
    static = shell.json("similarity", "--word", "snow", "snow here", "ice snow", "-m", shell.model)
    assert static["similarity"][0][1] == pytest.approx(1.0)
    contextual = shell.json("similarity", "--word", "bank", *texts, "--model", minilm_path)
    river_loan, loan_money = contextual["similarity"][0][1], contextual["similarity"][1][2]
    assert river_loan < loan_money < 1.0


def test_tokens_show_what_the_model_sees(shell: Shell, minilm_path: Path) -> None:
    found = shell.json("tokens", "Schneeflocken at dawn", "--model", minilm_path)
    tokens = [token["text"] for token in found["inspection"]["tokens"]]
    assert tokens == ["[CLS]", "sc", "##hn", "##ee", "##fl", "##ock", "##en", "at", "dawn", "[SEP]"]
    assert found["out_of_vocabulary"] == ["Schneeflocken"]
    cut = shell.json("tokens", "one two three four", "--max-tokens", "4", "--model", minilm_path)
    assert (cut["truncated"], cut["cut_text"]) == (True, "three four")


def test_models_and_doctor(shell: Shell, minilm_path: Path) -> None:
    listed = {m["name"]: m for m in shell.json("models")["models"]}
    assert listed["all-MiniLM-L6-v2"]["state"] == "installed"
    card = shell.json("models", "show", "all-MiniLM-L6-v2")
    assert (card["dimension"], card["max_tokens"]) == (384, 256)
    shell("doctor", "--json")
    found = json.loads(shell.out)["findings"]
    assert {"nearfield", "processor", "runtime", "default", "cache"} <= {f["topic"] for f in found}
    (default,) = (f["text"] for f in found if f["topic"] == "default")
    assert re.search(r"(exact|fast) on (native|openvino|onnxruntime)\S* \(.+\), opens in", default)
    assert re.search(r"[1-9][0-9,]* tokens a second", default)
    shell("doctor", "--no-measure")
    assert "tokens a second" not in shell.out
    assert ("calibration passed" in shell.out) == fast_is_possible()


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: Shell, shell_name: str) -> None:
    assert shell("completion", shell_name) == 0
    assert "_NEARFIELD_COMPLETE" in shell.out
    assert "_NF_COMPLETE" in shell.out


def test_terminal_escapes_in_documents_are_made_harmless(shell: Shell, folder: Path) -> None:
    text = "# snow\x1b[2J\n\nice \x1b]0;title\x07 frost" + " and winter" * 40
    (folder / "evil.md").write_text(text, encoding="utf-8")
    shell("search", folder, "snow", "--model", shell.model, "-k", "4")
    assert "evil.md" in shell.out
    assert "\x1b" not in shell.out
    assert "\x07" not in shell.out
