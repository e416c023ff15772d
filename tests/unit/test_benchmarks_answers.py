"""The parts of the benchmark of answers that need no data: learning, drawing, the page."""

from __future__ import annotations

import gzip
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from benchmarks.answers import training
from benchmarks.answers.command import _toml
from benchmarks.answers.data import Paragraph, Question, Remembering, sample, teaching
from benchmarks.answers.learning import Seen, auroc_of, fit, regression
from benchmarks.answers.section import lines
from benchmarks.answers.training import _example

from nearfield.models import reading
from nearfield.protocols import Encoder
from nearfield.tokenization import load as load_tokenizer


def _seen(count: int) -> list[Seen]:
    rng = np.random.default_rng(1)
    return [
        Seen({"words": float(rng.normal(answerable)), "kind": 1.0}, bool(answerable), False, "a")
        for answerable in (0, 1)
        for _ in range(count)
    ]


def test_weights_follow_the_signal_that_tells() -> None:
    seen = _seen(400)
    weights = regression(seen, ("words", "kind"), [each.answerable for each in seen])
    # Two normal distributions one deviation apart: the log odds have slope 1 and are 0 half way.
    assert abs(weights.of["words"] - 1.0) < 0.15
    assert abs(weights.bias + weights.of["kind"] + 0.5) < 0.15
    assert abs(auroc_of(seen, weights).mean - 0.76) < 0.03  # Φ(1/√2)


def test_what_is_about_something_else_teaches_only_the_first_regression() -> None:
    near = _seen(400)
    far = [Seen({"words": each.signals["words"], "kind": 0.0}, False, True, "a") for each in near]
    weights = fit([*near, *far], ("kind",), ("words",))
    assert weights.says == regression(near, ("words",), [each.answerable for each in near])
    assert weights.about.probability({"kind": 1.0}) > 0.95
    assert weights.about.probability({"kind": 0.0}) < 0.05
    kept = [weights.probability(s.signals) >= weights.threshold for s in near if s.answerable]
    assert abs(np.mean(kept) - 0.95) < 0.01
    written = tomllib.loads(_toml({"only": weights}, 800, 1))["only"]
    assert written["says"] == {"bias": weights.says.bias, "weights": dict(weights.says.of)}
    assert written["threshold"] == weights.threshold


def test_the_same_questions_are_drawn_again() -> None:
    questions = [Question(str(n), ("x",) if n % 3 else (), "p", "a") for n in range(90)]
    drawn = sample(questions, 20)
    assert drawn == sample(questions, 20)
    assert sum(bool(each.answers) for each in drawn) == 10


def test_remembered_vectors_are_the_encoder_s(encoder: Encoder) -> None:
    texts = ["snow", "bread", "snow"]
    kept = Remembering(encoder)
    assert np.array_equal(kept.encode(texts), encoder.encode(texts))
    assert np.array_equal(kept.encode(texts[1:]), encoder.encode(texts[1:]))
    assert kept.encode([]).shape == (0, 16)


def test_every_second_article_teaches_and_half_of_these_alone() -> None:
    paragraphs = [Paragraph(name, name, "text") for name in "fbadceahg"]
    assert teaching(paragraphs) == {"a", "c", "e", "g"}
    assert [teaching(paragraphs, half) for half in (0, 1)] == [{"a", "e"}, {"c", "g"}]


def test_an_answer_is_learned_as_the_tokens_it_covers(reranker_path: Path) -> None:
    tokenizer = load_tokenizer(reranker_path)
    paragraph = Paragraph("p", "a", "It rose in the Harz hills. " + "It ran on. " * 60)
    found = _example(
        Question("Which hills?", ("Harz hills", "the Harz hills"), "p", "a"), paragraph, tokenizer
    )
    assert found is not None
    a, b = (found.window.spans[at - found.window.first] for at in (found.first, found.last))
    assert paragraph.text[a[0] : b[1]] == "Harz hills"  # the shorter one
    assert found.answered == 1.0
    none = _example(Question("Which hills?", (), "p", "a"), paragraph, tokenizer)
    assert none is not None and (none.first, none.last, none.answered) == (0, 0, 0.0)
    late = Paragraph("p", "a", "It ran on. " * 60 + "It rose in the Harz hills.")
    assert _example(Question("Who?", ("Harz hills",), "p", "a"), late, tokenizer) is None


@pytest.mark.slow
def test_what_training_writes_is_a_reader(
    reranker_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="what learns is missing: torch")
    pytest.importorskip("transformers", reason="what learns is missing: transformers")
    folder = tmp_path / "squad2-dev-half"
    (folder / "qrels").mkdir(parents=True)
    text = "The Oker rises in the Harz hills and runs past old mills."
    row = json.dumps({"_id": "p", "title": "Oker", "text": text})
    (folder / "corpus.jsonl.gz").write_bytes(gzip.compress(f"{row}\n".encode()))
    asked = [
        {
            "_id": f"q{n}",
            "text": f"Where does it rise, for the time {n}?",
            "metadata": {"answers": a},
        }
        for n, a in enumerate([["the Harz hills"], []] * 16)
    ]
    for name, kind in (("queries", asked[::2]), ("queries.unanswerable", asked[1::2])):
        lines_ = "".join(f"{json.dumps(each)}\n" for each in kind)
        (folder / f"{name}.jsonl").write_text(lines_, encoding="utf-8")
    places = "".join(f"{each['_id']}\tp\t1\n" for each in asked)
    (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{places}")
    out = tmp_path / "changes.safetensors"
    command = ["training", "--data", str(tmp_path), "--out", str(out), "--steps", "2"]
    monkeypatch.setattr("sys.argv", command)
    training.main()
    (found,) = reading.load(out).read("Where does it rise?", [text])
    assert np.isfinite([found.answered, found.margin]).all()


def test_the_page_shows_what_was_measured() -> None:
    interval = {"mean": 0.5, "low": 0.4, "high": 0.6}
    report = {"f1": interval, "refused_right": 0.5, "refused_wrong": 0.1, "questions": 4}
    figures = {
        "questions": 8,
        "paragraphs": 3,
        "evidence": {
            "taught": 4,
            "words": {"unanswerable": interval, "absent": interval, "all": interval},
            "signal words": {"unanswerable": interval, "absent": interval},
        },
        "extractive": report,
        "overhead": {"chunks": 1000, "seconds": 0.02, "steps": {"search": 0.01}},
    }
    page = "\n".join(lines(figures))
    half = "0.500 [0.400, 0.600]"
    assert f"| words | {half} | {half} | {half} |" in page
    assert f"| signal words | {half} | {half} | – |" in page
    assert "takes 20 ms in 1,000 passages (median; by step in ms: search 10.0)" in page
