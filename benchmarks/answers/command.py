"""Options of ``python -m benchmarks answers``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.answers.data import Paragraph, Question, Remembering, read, sample, teaching
from benchmarks.answers.learning import SETS, Seen, auroc_of, fit, look, regression, was_read
from benchmarks.answers.speed import first_words, overhead
from benchmarks.harness import BenchmarkError, Check, Context, Json, Outcome, scratch
from benchmarks.results import RESULTS, origin, record, save
from nearfield.collection import Collection, open_collection
from nearfield.collection.asking import AskOptions
from nearfield.evaluation.answers import AnswerReport, Asked, evaluate_answers
from nearfield.models import reading
from nearfield.models.resolve import load
from nearfield.rag.evidence import Weights, learned

__all__ = ["main"]

_MODEL = "all-MiniLM-L6-v2"
_WEIGHTS = Path(__file__).parents[2] / "src" / "nearfield" / "rag" / "evidence.toml"
_MISSED, _USAGE = 1, 2
_GENERATOR = "smollm2-135m-instruct"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print and save; 0 when every required check holds, 1 when not, 2 for wrong usage."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.learn and options.halves is None:
        parser.error("--learn needs --halves: readers that have not seen all of the articles")
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
    parser.add_argument(
        "--questions", type=int, default=6078, help="to draw, half of them unanswerable"
    )
    parser.add_argument("--generated", type=int, default=100, help="questions for SmolLM2")
    parser.add_argument("--chunks", type=int, default=100_000, help="for the time of a question")
    parser.add_argument("--learn", action="store_true", help="write what was learned into src/")
    parser.add_argument(
        "--halves",
        type=Path,
        nargs=2,
        metavar=("FIRST", "SECOND"),
        help="with --learn: what benchmarks.answers.training --half 0 and 1 wrote",
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON file")
    return parser


def _run(options: argparse.Namespace) -> Outcome:
    paragraphs, everything = read(options.data)
    taught = teaching(paragraphs)
    drawn = sample(everything, options.questions)
    held_out = [each for each in drawn if each.article not in taught]
    figures: dict[str, Json] = {"paragraphs": len(paragraphs), "questions": len(drawn)}
    with scratch() as folder:
        plain = load(_MODEL)
        with _collection(folder, paragraphs, Remembering(plain)) as collection:
            if options.learn:
                print("  learning …", flush=True)
                asked = [each for each in everything if each.article in taught]
                known = [teaching(paragraphs, half) for half in (0, 1)]
                _learn(collection, asked, list(zip(options.halves, known, strict=True)))
            print("  judging …", flush=True)
            figures["evidence"] = _evidence(collection, held_out)
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


def _learn(
    collection: Collection, questions: Sequence[Question], halves: Sequence[tuple[Path, set[str]]]
) -> None:
    """Write the weights of the signals; those of readings from articles that a reader has not seen.

    Of each reader the file and the articles that it has learned from are given.
    """
    seen: list[Seen] = []
    for file, known in halves:
        apart = [each for each in questions if each.article not in known]
        seen += look(collection, apart, reading.load(file))
    read = was_read(seen)
    new = {
        name: fit(read if name.endswith("-read") else seen, *signals)
        for name, signals in SETS.items()
    }
    _WEIGHTS.write_text(_toml(new, len(seen), len(read)), encoding="utf-8")
    learned.cache_clear()


def _evidence(collection: Collection, questions: Sequence[Question]) -> Json:
    """How well the weights of the package tell questions apart that nothing was learned from."""
    seen = look(collection, questions, reading.shared())
    read = was_read(seen)
    found: dict[str, Json] = {"tested": len(seen), "read": len(read)}
    for name in SETS:
        weights = learned(name)
        part = _Parts.of(read if name.endswith("-read") else seen)
        found[name] = {
            "unanswerable": asdict(auroc_of(part.nearly, weights)),
            "absent": asdict(auroc_of(part.absent, weights)),
            "all": asdict(auroc_of(part.all, weights)),
        }
    part = _Parts.of(read)
    for signal in part.all[0].signals:
        alone = regression(part.all, [signal], [each.answerable for each in part.all])
        found[f"signal {signal}"] = {
            "unanswerable": asdict(auroc_of(part.nearly, alone)),
            "absent": asdict(auroc_of(part.absent, alone)),
        }
    return found


@dataclass(frozen=True, slots=True)
class _Parts:
    """Questions with their passages there, questions without their article, and all."""

    nearly: list[Seen]
    absent: list[Seen]
    all: list[Seen]

    @classmethod
    def of(cls, seen: Sequence[Seen]) -> _Parts:
        return cls(
            [each for each in seen if not each.absent],
            [each for each in seen if each.answerable or each.absent],
            list(seen),
        )


def _toml(new: Mapping[str, Weights], taught: int, read: int) -> str:
    lines = [
        "# Written by `python -m benchmarks answers --learn`: logistic regressions, learned from",
        f"# {taught} questions about articles of SQuAD 2.0's development set and the model",
        f"# {_MODEL}; with readings from {read} of them, by one of two readers, which has",
        "# not seen the article. One in twenty of the answerable ones lies below the threshold.",
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
    evidence = figures["evidence"]["similarity-read"]  # type: ignore[index,call-overload]
    checks = [_least("AUROC, SQuAD's unanswerable questions", evidence["unanswerable"]["mean"])]
    checks.append(_least("AUROC, questions about absent articles", evidence["absent"]["mean"]))
    if "overhead" in figures:
        seconds = figures["overhead"]["seconds"]  # type: ignore[index,call-overload]
        checks.append(
            Check("everything but the generator", seconds, "s", "≤ 0.03", seconds <= 0.03)
        )
        seconds = figures["overhead"]["read"]["seconds"]  # type: ignore[index,call-overload]
        checks.append(Check("the same, passages read", seconds, "s", "≤ 0.03", seconds <= 0.03))
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
