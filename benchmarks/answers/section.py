"""The part of the benchmarks' page about answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.markdown import table

__all__ = ["drawings", "lines"]

_MEASURES = {
    "hit": "right paragraph among 5",
    "f1": "F1",
    "exact": "exact match",
    "held": "answer holds a right one",
    "citation_precision": "citations in the right paragraph",
    "faithfulness": "sentences with a source",
}
_WRITERS = ("extractive", "extractive, same questions", "generated")


def lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """Markdown of one result."""
    evidence = figures["evidence"]
    yield (
        f"{figures['questions']:,} questions of SQuAD 2.0 about {figures['paragraphs']} "
        "paragraphs; half of them have no answer. Weights were learned from half of the articles; "
        "every figure is of the others, with 95% bootstrap intervals over questions."
    )
    yield ""
    yield "Answerable questions told from others (AUROC; 0.5 is chance):"
    yield ""
    rows = [
        [name, *(_interval(of.get(kind)) for kind in ("unanswerable", "absent", "all"))]
        for name, of in evidence.items()
        if isinstance(of, Mapping)
    ]
    kinds = ("SQuAD's unanswerable questions", "whole article absent", "both")
    yield from table(("Signals", *kinds), rows)
    yield ""
    yield "Answers:"
    yield ""
    writers = [name for name in _WRITERS if name in figures]
    body = [
        [shown, *(_interval(figures[name].get(measure)) for name in writers)]
        for measure, shown in _MEASURES.items()
    ]
    for name, shown in (("refused_right", "unanswerable, not answered"),
                        ("refused_wrong", "answerable, not answered"),
                        ("questions", "questions")):  # fmt: skip
        body.append([shown, *(f"{figures[writer][name]:g}" for writer in writers)])
    yield from table(("", *writers), body)
    yield ""
    yield from _times(figures)


def drawings(figures: Mapping[str, Any]) -> dict[str, str]:
    """No plots."""
    return {}


def _interval(of: Mapping[str, float] | None) -> str:
    return f"{of['mean']:.3f} [{of['low']:.3f}, {of['high']:.3f}]" if of else "–"


def _steps(spent: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {1000 * seconds:.1f}" for name, seconds in spent["steps"].items())


def _times(figures: Mapping[str, Any]) -> Iterator[str]:
    if "overhead" in figures:
        spent = figures["overhead"]
        yield (
            f"Everything but the generator takes {1000 * spent['seconds']:.0f} ms in "
            f"{spent['chunks']:,} passages (median; by step in ms: {_steps(spent)})."
        )
        if "read" in spent:
            yield (
                f"Where passages are read, {1000 * spent['read']['seconds']:.0f} ms "
                f"({_steps(spent['read'])})."
            )
    if "first words" in figures:
        first = figures["first words"]
        yield (
            f"The local default's first words come {first['new_context_s']:g} s after a new "
            f"context of {first['context_tokens']:,} tokens, {first['same_context_s']:g} s after "
            f"another question about the same one ({first['prompt_tokens_per_second']:g} prompt "
            "tokens a second)."
        )
        if "usual_context_s" in first:
            yield (
                f"It is given {first['usual_context_tokens']:,} tokens where nothing else is said; "
                f"a new context of these takes {first['usual_context_s']:g} s."
            )
