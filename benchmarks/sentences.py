"""A million short real texts and their vectors, for benchmarks of search.

::

    python -m benchmarks.sentences --data FOLDER --out FOLDER [--count 1010000] [--model NAME]

writes ``texts.jsonl`` (one JSON string a line) and ``vectors.npy`` (float32, unit length), and
takes up a run that was ended. ``--so-far FOLDER`` writes what another run, which may go on, has
embedded as a folder of its own. Texts are the distinct sentences of the data folder's plain text
and documentation, long ones cut at commas, mixed by a fixed seed so that the first n are a fair
sample of all. They are short because what embedding a million costs grows with their length, and
what a search of their vectors costs does not.
"""

from __future__ import annotations

import argparse
import gzip
import json
import lzma
import random
import re
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

_SEED = 17
_FEWEST_WORDS = 4
_MOST_CHARACTERS = 80
_PAUSE = re.compile(r"(?<=[,;:])\s")
_SLICE = 8192


def main() -> None:
    parser = argparse.ArgumentParser(description="Embed distinct sentences of a data folder")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--so-far", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1_010_000, help="10,000 of them ask")
    parser.add_argument("--model", default="all-MiniLM-L6-v2")
    parser.add_argument("--dimension", type=int, default=384, help="of --so-far")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.so_far is not None:
        return so_far(given.so_far, given.out, given.dimension)
    if given.data is None:
        parser.error("--data or --so-far says where the texts are")
    listed = given.out / "texts.jsonl"
    if not listed.is_file():
        write_texts(given.data, given.count, listed)
    texts = [json.loads(line) for line in listed.open(encoding="utf-8")]
    return embed(texts, given.out, given.model)


def so_far(running: Path, out: Path, dimension: int) -> None:
    """Write the texts that have their vectors already."""
    raw = running / "vectors.raw"
    count = raw.stat().st_size // (4 * dimension)
    vectors = np.memmap(raw, dtype=np.float32, mode="r", shape=(count, dimension))
    np.save(out / "vectors.npy", vectors)
    with (running / "texts.jsonl").open(encoding="utf-8") as texts:
        (out / "texts.jsonl").write_text("".join(islice(texts, count)), encoding="utf-8")
    print(f"{count:,} sentences", file=sys.stderr)


def write_texts(data: Path, count: int, out: Path) -> None:
    """Write `count` distinct sentences, or as many as there are."""
    found = list(dict.fromkeys(sentences(data)))
    random.Random(_SEED).shuffle(found)
    unborn = out.with_suffix(".new")
    with unborn.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(text, ensure_ascii=False) + "\n" for text in found[:count])
    unborn.replace(out)
    print(f"{min(count, len(found)):,} of {len(found):,} distinct sentences", file=sys.stderr)


def sentences(data: Path) -> Iterator[str]:
    """Phrases of the plain text, the documentation and the glosses, in a fixed order."""
    from nearfield.documents.sentences import spans

    for paragraph in paragraphs(data):
        for start, end in spans(paragraph):
            sentence = " ".join(paragraph[start:end].split())
            yield from (part for part in phrases(sentence) if part.count(" ") >= _FEWEST_WORDS - 1)


def phrases(sentence: str) -> Iterator[str]:
    """Cut at pauses into parts that are as long as may be; one without pauses loses its end.

    Examples
    --------
    >>> text = "The quick brown fox, which had been asleep in the grass since noon, jumps over it."
    >>> list(phrases(text))
    ['The quick brown fox, which had been asleep in the grass since noon,', 'jumps over it.']
    """
    part = ""
    for piece in _PAUSE.split(sentence):
        longer = f"{part} {piece}" if part else piece
        if part and len(longer) > _MOST_CHARACTERS:
            yield part[:_MOST_CHARACTERS]
            longer = piece
        part = longer
    yield part[:_MOST_CHARACTERS]


def paragraphs(data: Path) -> Iterator[str]:
    """Paragraphs of the sets that have no other use in search."""
    for name in ("tech-docs", "wordnet-glosses"):
        with gzip.open(data / name / "corpus.jsonl.gz", "rt", encoding="utf-8") as records:
            for record in records:
                yield json.loads(record)["text"]
    for path in sorted((data / "english-text").glob("*.txt.xz")):
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            yield from lines


def embed(texts: list[str], out: Path, model: str) -> None:
    """Embed what an earlier run left; the vectors' file grows slice by slice."""
    import nearfield as nf

    encoder = nf.load(model)
    dimension = encoder.card.dimension
    raw = out / "vectors.raw"
    done = raw.stat().st_size // (4 * dimension) if raw.is_file() else 0
    with raw.open("r+b" if done else "wb") as file:
        file.truncate(done * 4 * dimension)
        file.seek(0, 2)
        for start in range(done, len(texts), _SLICE):
            vectors = encoder.encode(texts[start : start + _SLICE])
            file.write(vectors.tobytes())
            file.flush()
            print(f"{min(start + _SLICE, len(texts)):,} / {len(texts):,}", file=sys.stderr)
    vectors = np.memmap(raw, dtype=np.float32, mode="r", shape=(len(texts), dimension))
    np.save(out / "vectors.npy", vectors)
    raw.unlink()


if __name__ == "__main__":
    main()
