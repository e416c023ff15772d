"""The texts that benchmarks run on: public sets from ``--data``, or generated ones."""

from __future__ import annotations

import gzip
import json
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import DataMissing
from nearfield.evaluation.tasks import RetrievalTask, StsTask, TaskKind, load
from nearfield.evaluation.tasks.beir import load_beir

__all__ = ["Passages", "passages", "scifact", "stsbenchmark"]

_SEED = 13
_VOCABULARY = """
    the a of in and to for with from into under after before while each every one two many
    system kernel memory page buffer driver process thread file folder network packet server
    client request response signal lock queue index table row column value key string number
    function module class method argument option command line error message warning result
    reads writes holds returns calls waits starts stops checks copies moves sends takes gives
    new old first last small large free full empty next same other long short open closed
    device bus port clock timer interrupt register bit byte word block sector disk volume user
    group right owner name path link mount root path time date year day zone level rank order
"""


@dataclass(frozen=True, slots=True)
class Passages:
    """Texts and where they came from."""

    texts: Sequence[str]
    origin: str

    def write_jsonl(self, path: Path) -> None:
        """One record a line, without titles: every contender embeds the same characters."""
        with path.open("w", encoding="utf-8") as out:
            for number, text in enumerate(self.texts):
                out.write(json.dumps({"_id": str(number), "text": text}, ensure_ascii=False))
                out.write("\n")


def passages(data: Path | None, count: int) -> Passages:
    """The first `count` passages of ``tech-docs``, or generated ones without a data folder."""
    path = data / "tech-docs" / "corpus.jsonl.gz" if data else None
    if path is None or not path.is_file():
        return Passages(_generated(count), "generated")
    texts = []
    for record in _records(path):
        texts.append(str(record["text"]))
        if len(texts) == count:
            break
    return Passages(texts, "tech-docs")


def scifact(data: Path | None) -> RetrievalTask:
    """SciFact's test split."""
    return load_beir(_folder(data, "scifact"), "test")


def stsbenchmark(data: Path | None) -> StsTask:
    """STSBenchmark's test split."""
    task = load(_folder(data, "stsb"), split="test", kind=TaskKind.STS)
    assert isinstance(task, StsTask)
    return task


def _folder(data: Path | None, name: str) -> Path:
    if data is None or not (data / name).is_dir():
        raise DataMissing(f"needs the data set {name}: --data FOLDER, where FOLDER/{name}/ is it")
    return data / name


def _records(path: Path) -> Iterator[dict[str, object]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _generated(count: int) -> list[str]:
    """Plain English-looking passages, the same on every machine.

    Their lengths are log-normal, as those of real passages are: half of them have fewer than 60
    words, one in twenty more than 175.
    """
    chance, words = random.Random(_SEED), _VOCABULARY.split()
    lengths = (int(60 * math.exp(chance.gauss(0, 0.65))) for _ in range(count))
    return [
        " ".join(chance.choices(words, k=min(max(length, 10), 240))) + f" {number}."
        for number, length in enumerate(lengths)
    ]
