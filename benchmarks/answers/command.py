"""Options of ``python -m benchmarks answers``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.answers.data import Paragraph, Question, Remembering, read, sample
from benchmarks.answers.learning import SETS, auroc_of, fit, look, regression
from benchmarks.answers.speed import first_words, overhead
from benchmarks.harness import BenchmarkError, Check, Context, Json, Outcome, scratch
from benchmarks.results import RESULTS, origin, record, save
from nearfield.collection import Collection, open_collection
from nearfield.collection.asking import AskOptions
from nearfield.evaluation.answers import AnswerReport, Asked, evaluate_answers
from nearfield.models.resolve import load
from nearfield.rag.evidence import Weights, learned

__all__ = ["main"]

_MODEL = "all-MiniLM-L6-v2"
_WEIGHTS = Path(__file__).parents[2] / "src" / "nearfield" / "rag" / "evidence.toml"
_MISSED, _USAGE = 1, 2
_GENERATOR = "smollm2-135m-instruct"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print and save; 0 when every required check holds, 1 when not, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    context = Context(data=options.data)
    begun, made = time.perf_counter(), origin()
    try:
        outcome = _run(options)
    except BenchmarkError as error:
        print(f"  failed: {error}")
        return _USAGE
    command = (
        f"python -m benchmarks answers --data DATA --questions {options.questions} "
        f"--generated {options.generated} --chunks {options.chunks}"
    )
    saved = save(record("answers", command, outcome, context, made), options.out)
    for line in outcome.lines:
        print(f"  {line}")
    print(f"  {time.perf_counter() - begun:,.0f} s · {saved}", flush=True)
    return _MISSED if any(c.required and not c.holds for c in outcome.checks) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks answers",
        description="Answers to SQuAD's questions, and what each step takes.",
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder that holds squad2-dev-half/, tech-docs/"
    )
    parser.add_argument("--questions", type=int, default=6078, help="half of them unanswerable")
    parser.add_argument("--generated", type=int, default=100, help="questions for SmolLM2")
    parser.add_argument("--chunks", type=int, default=100_000, help="for the time of a question")
    parser.add_argument("--learn", action="store_true", help="write what was learned into src/")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON file")
    return parser


def _run(options: argparse.Namespace) -> Outcome:
    paragraphs, everything = read(options.data)
    articles = sorted({each.article for each in paragraphs})
    teaching = set(articles[0::2])
    drawn = sample(everything, options.questions)
    held_out = [each for each in drawn if each.article not in teaching]
    figures: dict[str, Json] = {"paragraphs": len(paragraphs), "questions": len(drawn)}
    with scratch() as folder:
        plain = load(_MODEL)
        with _collection(folder, paragraphs, Remembering(plain)) as collection:
            print("  learning …", flush=True)
            figures["evidence"] = _evidence(collection, drawn, teaching, write=options.learn)
            learned.cache_clear()
            print("  extractive answers …", flush=True)
            figures["extractive"] = _answers(collection, held_out, "extractive", threshold=None)
            if options.generated:
                print("  generated answers …", flush=True)
                few = [each for each in held_out if each.answers][: options.generated]
                figures["generated"] = _answers(collection, few, _GENERATOR, threshold=0.0)
                figures["extractive, same questions"] = _answers(
                    collection, few, "extractive", threshold=0.0
                )
        if options.chunks:
            print("  time …", flush=True)
            texts = [each.text for each in held_out[:40]]
            figures["overhead"] = overhead(folder, plain, options.data, options.chunks, texts)
        if options.generated:
            figures["first words"] = first_words()
    return Outcome(figures=figures, checks=tuple(_checks(figures)), lines=tuple(_lines(figures)))


def _collection(folder: Path, paragraphs: Sequence[Paragraph], encoder: Remembering) -> Collection:
    collection = open_collection(folder / "squad.nf", encoder=encoder)
    collection.add(
        [each.text for each in paragraphs],
        ids=[each.id for each in paragraphs],
        metadata=[{"article": each.article} for each in paragraphs],
    )
    return collection


def _evidence(
    collection: Collection, drawn: Sequence[Question], teaching: set[str], *, write: bool
) -> Json:
    seen = look(collection, drawn)
    taught = [each for each in seen if each.article in teaching]
    tested = [each for each in seen if each.article not in teaching]
    nearly = [each for each in tested if not each.absent]
    absent = [each for each in tested if each.answerable or each.absent]
    found: dict[str, Json] = {
        "taught": len(taught),
        "tested": len(tested),
    }
    new = {name: fit(taught, *names) for name, names in SETS.items()}
    used = new if write else {name: learned(name) for name in SETS}
    for name, weights in used.items():
        found[name] = {
            "unanswerable": asdict(auroc_of(nearly, weights)),
            "absent": asdict(auroc_of(absent, weights)),
            "all": asdict(auroc_of(tested, weights)),
        }
    for signal in taught[0].signals:
        alone = regression(taught, [signal], [each.answerable for each in taught])
        found[f"signal {signal}"] = {
            "unanswerable": asdict(auroc_of(nearly, alone)),
            "absent": asdict(auroc_of(absent, alone)),
        }
    if write:
        _WEIGHTS.write_text(_toml(new, len(taught), len(teaching)), encoding="utf-8")
    return found


def _toml(new: Mapping[str, Weights], taught: int, articles: int) -> str:
    lines = [
        "# Written by `python -m benchmarks answers --learn`: logistic regressions, learned from",
        f"# {taught} questions about {articles} articles of SQuAD 2.0's development set and the",
        f"# model {_MODEL}. One in twenty of the answerable ones lies below the threshold.",
    ]
    for name, weights in new.items():
        lines += ["", f"[{name}]", f"threshold = {weights.threshold}"]
        for part, of in (("about", weights.about), ("says", weights.says)):
            table = ", ".join(f"{signal} = {value}" for signal, value in of.of.items())
            lines += ["", f"[{name}.{part}]", f"bias = {of.bias}", f"weights = {{ {table} }}"]
    return "\n".join(lines) + "\n"


def _answers(
    collection: Collection, questions: Sequence[Question], generator: str, threshold: float | None
) -> Json:
    options = AskOptions(threshold=threshold, answer_tokens=64)
    asked = [
        Asked(
            each.text,
            each.answers,
            frozenset({each.paragraph}),
            collection.ask(each.text, generator=generator, options=options),
        )
        for each in questions
    ]
    return _plain(evaluate_answers(asked, samples=500))


def _plain(report: AnswerReport) -> Json:
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in asdict(report).items()
    }


def _checks(figures: dict[str, Json]) -> list[Check]:
    evidence = figures["evidence"]["similarity"]  # type: ignore[index,call-overload]
    checks = [_least("AUROC, SQuAD's unanswerable questions", evidence["unanswerable"]["mean"])]
    checks.append(_least("AUROC, questions about absent articles", evidence["absent"]["mean"]))
    if "overhead" in figures:
        seconds = figures["overhead"]["seconds"]  # type: ignore[index,call-overload]
        checks.append(
            Check("everything but the generator", seconds, "s", "≤ 0.03", seconds <= 0.03)
        )
    if "first words" in figures:
        first = figures["first words"]["new_context_s"]  # type: ignore[index,call-overload]
        checks.append(Check("first words, 1,500 new tokens", first, "s", "≤ 2", first <= 2))
    return checks


def _least(what: str, measured: float) -> Check:
    return Check(what, round(measured, 4), "", "≥ 0.8", measured >= 0.8)


def _lines(figures: dict[str, Json]) -> list[str]:
    lines = [
        f"{check.what:<48} {check.measured:g} {check.unit} ({check.target})"
        for check in _checks(figures)
    ]
    for name in ("extractive", "generated", "extractive, same questions"):
        if name in figures:
            report: dict[str, dict[str, float]] = figures[name]  # type: ignore[assignment]
            kept = ("hit", "exact", "f1", "held", "citation_precision", "faithfulness")
            said = [f"{k} {report[k]['mean']:.3f}" for k in kept if report.get(k)]
            lines.append(f"{name} ({report['questions']}): " + ", ".join(said))
    return lines
