"""Which chunker finds what was asked for: span overlap of the retrieved passages.

For each question the `k` nearest passages of its document are retrieved, and their characters
compared with those of the marked excerpts: recall (share of the excerpts that was retrieved),
precision (share of the retrieved text that was asked for), IoU (intersection over union), each
averaged over the questions; and precision-omega, the precision if every passage that touches
an excerpt had been retrieved and no other. After Smith and Troynikov, "Evaluating Chunking
Strategies for Retrieval", Chroma technical report, 2024 (there k = 5; by characters here).

    python benchmarks/chunking.py --data FOLDER --out chunking.json

FOLDER holds ``corpus.jsonl.gz`` (``_id``, ``text``) and ``queries.jsonl`` (``_id``, ``text``,
``metadata.corpus``, ``metadata.references`` with ``start_index`` and ``end_index``).
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from nearfield.documents.chunkers import make
from nearfield.models import transformer
from nearfield.paths import models_dir
from nearfield.protocols import Encoder
from nearfield.registry import CHUNKERS
from nearfield.types import Chunk, Document, FloatArray

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Question:
    """One question, the document it is about, and where the answer stands."""

    text: str
    document: str
    references: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """What one chunker reached; shares are in [0, 1]."""

    spec: str
    chunks: int
    mean_characters: float
    recall: float
    precision: float
    iou: float
    precision_omega: float
    recall_standard_error: float
    iou_standard_error: float
    chunking_seconds: float


def read(folder: Path) -> tuple[list[Document], list[Question]]:
    with gzip.open(folder / "corpus.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    documents = [Document(row["_id"], row["text"]) for row in rows]
    questions = []
    with (folder / "queries.jsonl").open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            spans = (
                (reference["start_index"], reference["end_index"])
                for reference in row["metadata"]["references"]
            )
            questions.append(Question(row["text"], row["metadata"]["corpus"], tuple(spans)))
    return documents, questions


def merged(spans: Iterable[Span]) -> list[Span]:
    """Union of spans, as disjoint spans in order."""
    union: list[Span] = []
    for start, end in sorted(spans):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], end))
        else:
            union.append((start, end))
    return union


def length(spans: Iterable[Span]) -> int:
    return sum(end - start for start, end in merged(spans))


def shared(left: Sequence[Span], right: Sequence[Span]) -> int:
    """Characters that both unions hold."""
    return length(left) + length(right) - length([*left, *right])


def score(
    chunks: Sequence[Chunk], vectors: FloatArray, question: Question, query: FloatArray, k: int
) -> tuple[float, float, float, float]:
    nearest = np.argsort(-(vectors @ query), kind="stable")[:k]
    found = [(chunks[i].start, chunks[i].end) for i in nearest]
    hit = shared(found, question.references)
    wanted = length(question.references)
    touching = [
        (chunk.start, chunk.end)
        for chunk in chunks
        if any(chunk.start < end and start < chunk.end for start, end in question.references)
    ]
    # Passages count in full, also where two of them overlap: each is read.
    retrieved = sum(end - start for start, end in found)
    ideal = sum(end - start for start, end in touching)
    return (
        hit / wanted,
        hit / retrieved,
        hit / (wanted + retrieved - hit),
        shared(touching, question.references) / ideal if ideal else 0.0,
    )


def measure(
    name: str,
    size: int,
    overlap: int,
    encoder: Encoder,
    documents: Sequence[Document],
    questions: Sequence[Question],
    queries: FloatArray,
    k: int,
) -> tuple[Figures, FloatArray]:
    chunker = make(name, encoder=encoder, size=size, overlap=overlap)
    began = time.perf_counter()
    by_document = {document.id: chunker.chunk(document) for document in documents}
    seconds = time.perf_counter() - began
    vectors = {
        key: encoder.encode([chunk.text for chunk in chunks]) for key, chunks in by_document.items()
    }
    rows = np.array(
        [
            score(by_document[q.document], vectors[q.document], q, query, k)
            for q, query in zip(questions, queries, strict=True)
        ]
    )
    errors = rows.std(axis=0, ddof=1) / np.sqrt(len(rows))
    everything = [chunk for chunks in by_document.values() for chunk in chunks]
    figures = Figures(
        chunker.spec,
        len(everything),
        float(np.mean([len(chunk.text) for chunk in everything])),
        *map(float, rows.mean(axis=0)),
        float(errors[0]),
        float(errors[2]),
        seconds,
    )
    return figures, rows


def compare(
    first: tuple[Figures, FloatArray], other: tuple[Figures, FloatArray]
) -> dict[str, str | float]:
    """Paired differences over the questions, other minus first, with standard errors."""
    differences = other[1] - first[1]
    means = differences.mean(axis=0)
    errors = differences.std(axis=0, ddof=1) / np.sqrt(len(differences))
    return {
        "first": first[0].spec,
        "other": other[0].spec,
        "recall": float(means[0]),
        "recall_standard_error": float(errors[0]),
        "iou": float(means[2]),
        "iou_standard_error": float(errors[2]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=models_dir() / "all-MiniLM-L6-v2")
    parser.add_argument("--out", type=Path, help="JSON file for the report")
    parser.add_argument("--chunkers", nargs="+", default=list(CHUNKERS.names()))
    parser.add_argument("--sizes", nargs="+", default=["200/0"], help="SIZE/OVERLAP in tokens")
    parser.add_argument("-k", type=int, default=5)
    options = parser.parse_args()
    documents, questions = read(options.data)
    encoder = transformer.load(options.model, name=options.model.name)
    queries = encoder.encode([question.text for question in questions], role="query")
    results = []
    for name in options.chunkers:
        for sizes in options.sizes:
            size, overlap = map(int, sizes.split("/"))
            results.append(
                measure(name, size, overlap, encoder, documents, questions, queries, options.k)
            )
            print(json.dumps(asdict(results[-1][0])), flush=True)
    report = {
        "questions": len(questions),
        "k": options.k,
        "model": encoder.card.fingerprint,
        "results": [asdict(figures) for figures, _ in results],
        "paired": [compare(results[0], other) for other in results[1:]],
    }
    print(json.dumps(report["paired"]))
    if options.out:
        options.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
