"""Indexing: what changed is read, nothing is lost, a killed run equals an uninterrupted one."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nearfield.collection import (
    Chunking,
    Collection,
    IndexOptions,
    IndexProgress,
    open_collection,
)
from nearfield.collection.meter import Meter
from nearfield.documents.walk import FoundFile
from nearfield.errors import InputError
from nearfield.protocols import Encoder


@pytest.fixture
def collection(tmp_path: Path, encoder: Encoder) -> Collection:
    with open_collection(tmp_path / "c.nf", encoder=encoder) as opened:
        yield opened


def contents(collection: Collection) -> list[tuple[str, str, bytes]]:
    rows = [(c.id, c.text, v.tobytes()) for c, v in collection.store.scan()]
    return sorted(rows)


def test_a_folder_is_indexed_and_found(collection: Collection, folder: Path) -> None:
    report = collection.index(folder)
    assert (report.files, report.added, report.passages, report.failed) == (3, 3, 3, 0)
    hits = collection.search("winter ice", k=3)
    assert Path(hits[0].chunk.source).name == "winter.txt"
    assert hits[0].chunk.text == "Snow and frost: take a parka and gloves."
    assert [hit.rank for hit in hits] == [1, 2, 3]
    assert hits[0].score > 0.8 > hits[1].score


def test_a_second_run_changes_nothing(collection: Collection, folder: Path) -> None:
    collection.index(folder)
    before = contents(collection)
    report = collection.index(folder)
    assert (report.unchanged, report.added, report.changed, report.passages) == (3, 0, 0, 0)
    assert report.tokens == 0
    assert contents(collection) == before


def test_touching_a_file_costs_a_hash_and_no_embedding(
    collection: Collection, folder: Path
) -> None:
    collection.index(folder)
    os.utime(folder / "sea.txt", (1, 1))
    assert collection.is_stale()
    report = collection.index(folder)
    assert (report.unchanged, report.changed, report.tokens) == (3, 0, 0)
    assert not collection.is_stale()


def test_changed_files_are_replaced_and_deleted_ones_go(
    collection: Collection, folder: Path
) -> None:
    collection.index(folder)
    (folder / "sea.txt").write_text("A knife and an oven.", encoding="utf-8")
    (folder / "kitchen.txt").unlink()
    assert collection.is_stale()
    report = collection.index(folder)
    assert (report.changed, report.removed, report.unchanged) == (1, 1, 1)
    assert report.deleted == 2
    texts = {chunk.text for chunk, _ in collection.store.scan()}
    assert texts == {"Snow and frost: take a parka and gloves.", "A knife and an oven."}


def test_an_emptied_file_loses_its_passages(collection: Collection, folder: Path) -> None:
    collection.index(folder)
    (folder / "sea.txt").write_text("", encoding="utf-8")
    report = collection.index(folder)
    assert (report.empty, report.unchanged, report.deleted, report.problems) == (1, 2, 1, [])
    assert collection.count() == 2


def test_a_file_that_turns_unreadable_keeps_its_last_passages(
    collection: Collection, folder: Path
) -> None:
    collection.index(folder)
    (folder / "sea.txt").write_bytes(b"\x00\x01\x02\xff" * 500)
    report = collection.index(folder)
    assert report.failed == 1
    assert "the 1 passages of its last readable version are kept" in report.problems[0].reason
    assert collection.count() == 3
    again = collection.index(folder)
    assert again.failed == 1, "it is tried again, and listed again"


def test_bad_files_are_listed_and_the_rest_goes_on(collection: Collection, folder: Path) -> None:
    (folder / "junk.txt").write_bytes(bytes(range(256)) * 40)
    (folder / "broken.json").write_text('{"text": "snow"', encoding="utf-8")
    lines = [json.dumps({"text": "ice and snow"}), "{not json", json.dumps({"text": "surf"})]
    (folder / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
    report = collection.index(folder)
    assert report.failed == 2
    assert collection.count() == 5
    sources = {Path(p.source.partition("::")[0]).name for p in report.problems}
    assert {"junk.txt", "broken.json", "rows.jsonl"} == sources
    stored = {Path(s.path).name: len(s.problems) for s in collection.sources() if s.problems}
    assert stored == {"junk.txt": 1, "broken.json": 1, "rows.jsonl": 1}


def test_passages_without_a_known_word_are_listed(collection: Collection, folder: Path) -> None:
    (folder / "strange.txt").write_text("zzyzx qwfpg", encoding="utf-8")
    report = collection.index(folder)
    assert collection.count() == 3
    assert [p.reason for p in report.problems] == [
        "left out, no usable vector: the model knows none of its words"
    ]


def test_a_missing_root_changes_nothing(collection: Collection, folder: Path) -> None:
    collection.index(folder)
    with pytest.raises(InputError, match="does not exist"):
        collection.index(folder, folder / "nowhere")
    assert collection.count() == 3


def test_other_settings_cut_again(tmp_path: Path, encoder: Encoder) -> None:
    text = tmp_path / "long.txt"
    text.write_text("Snow is cold. " * 60, encoding="utf-8")
    chunking = Chunking("sentences", 30, 0)
    with open_collection(tmp_path / "a.nf", encoder=encoder, chunking=chunking) as fine:
        fine.index(text)
        assert fine.count() > 5
        assert all(chunk.text.startswith("Snow is cold.") for chunk, _ in fine.store.scan())


def big_file(path: Path, records: int) -> Path:
    """A JSONL file of many records, so that it is written in several slices."""
    words = ["snow", "ice", "knife", "pan", "beach", "surf", "bread", "frost"]
    generator = np.random.default_rng(3)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for number in range(records):
            text = " ".join(generator.choice(words, 6)) + f" {number}"
            file.write(json.dumps({"_id": str(number), "text": text}) + "\n")
    return path


def test_a_large_file_in_slices_equals_one_written_at_once(
    tmp_path: Path, encoder: Encoder
) -> None:
    source = big_file(tmp_path / "rows.jsonl.gz", 300)
    with open_collection(tmp_path / "a.nf", encoder=encoder) as whole:
        whole.index(source)
        with open_collection(tmp_path / "b.nf", encoder=encoder) as sliced:
            report = sliced.index(source, options=replace(IndexOptions(), batch=32))
            assert (report.documents, report.passages) == (300, 300)
            assert contents(sliced) == contents(whole)
            ids = [chunk.id for chunk, _ in sliced.store.scan()]
            assert ids == [chunk.id for chunk, _ in whole.store.scan()], "in the order of the file"
            (state,) = sliced.sources()
            assert (state.documents, state.chunks) == (300, 300)


def test_passages_are_stored_in_the_order_of_files(
    tmp_path: Path, encoder: Encoder, folder: Path
) -> None:
    big_file(folder / "m.jsonl.gz", 100)
    with open_collection(tmp_path / "a.nf", encoder=encoder) as collection:
        collection.index(folder, options=replace(IndexOptions(), batch=32))
        sources = [Path(chunk.source).name for chunk, _ in collection.store.scan()]
    assert sources == sorted(sources)


def test_progress_rises_to_the_end(tmp_path: Path, encoder: Encoder, folder: Path) -> None:
    big_file(folder / "rows.jsonl.gz", 300)
    heard: list[IndexProgress] = []
    with open_collection(tmp_path / "a.nf", encoder=encoder) as collection:
        collection.index(folder, options=replace(IndexOptions(), batch=32), listener=heard.append)
    shares = [state.fraction for state in heard]
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1
    assert {state.files_total for state in heard} == {4}


def test_the_meter_counts_bytes_when_they_are_embedded() -> None:
    heard: list[IndexProgress] = []
    files = [FoundFile(Path("a"), 100, 0), FoundFile(Path("b"), 300, 0)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nearfield.collection.meter._PAUSE", 0.0)
        meter = Meter(heard.append, files)
        meter.begin(files[0])
        meter.read(1.0)
        meter.tell(1, 0.5)
        meter.settle(2)
        meter.begin(files[1])
        meter.read(0.5)
        meter.tell(3, 0.0)
        meter.tell(4, 1.0)
    assert [state.fraction for state in heard] == [0.125, 0.25, 0.25, 0.625]
    assert [state.files_done for state in heard] == [0, 0, 1, 1]


def test_a_large_file_that_shrinks_loses_the_rest(tmp_path: Path, encoder: Encoder) -> None:
    source = big_file(tmp_path / "rows.jsonl.gz", 120)
    options = replace(IndexOptions(), batch=32)
    with open_collection(tmp_path / "a.nf", encoder=encoder) as collection:
        collection.index(source, options=options)
        big_file(source, 70)
        report = collection.index(source, options=options)
        assert collection.count() == 70
        assert report.deleted == 50


_SLOW_INDEX = """
import sys, time
from pathlib import Path
from dataclasses import replace
from nearfield.collection import IndexOptions, open_collection
from nearfield.models.resolve import load

class Slow:
    def __init__(self, inner):
        self.inner, self.card, self.tokenizer = inner, inner.card, inner.tokenizer
    def encode(self, inputs, **options):
        time.sleep(0.05)
        return self.inner.encode(inputs, **options)

with open_collection(sys.argv[1], encoder=Slow(load(Path(sys.argv[2])))) as collection:
    print("ready", flush=True)
    collection.index(*sys.argv[3:], options=replace(IndexOptions(), batch=32))
"""


def test_a_killed_run_is_taken_up_and_ends_alike(
    tmp_path: Path, words_file: Path, encoder: Encoder, folder: Path
) -> None:
    big_file(folder / "rows.jsonl.gz", 600)
    place = tmp_path / "killed.nf"
    command = [sys.executable, "-c", _SLOW_INDEX, str(place), str(words_file), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        deadline = time.monotonic() + 20
        with open_collection(place, encoder=encoder, create=False) as watched:
            while watched.count() < 100 and time.monotonic() < deadline:
                time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    with open_collection(place, encoder=encoder) as collection:
        before = collection.count()
        assert 0 < before < 603
        report = collection.index(folder)
        assert report.kept > 0, "what the killed run stored is not embedded again"
        assert report.passages == 603 - before
        with open_collection(tmp_path / "whole.nf", encoder=encoder) as whole:
            whole.index(folder)
            assert contents(collection) == contents(whole)
