"""What a decision says, in words; every form of the record uses the same ones."""

from __future__ import annotations

from nearfield.collection.asking import Expansion
from nearfield.evaluation.significance import LEVEL
from nearfield.search.options import Mode
from nearfield.selection.data import Labels
from nearfield.selection.decision.late import LateStep, late_steps
from nearfield.selection.decision.record import Decision
from nearfield.selection.decision.units import signed, size, time_text
from nearfield.selection.pipeline import Pipeline
from nearfield.selection.trial import halves
from nearfield.stores.local import SearchPath

__all__ = ["headline", "notes", "plainly", "questions", "reasons", "why_none_held_out", "yardstick"]

_FEW = 50


def headline(decision: Decision) -> str:
    """The recommendation in one sentence."""
    return f"Use {plainly(decision.pipeline)}."


def plainly(pipeline: Pipeline) -> str:
    """A pipeline for a reader who has never seen one."""
    chunking = pipeline.chunking
    chunks = f"passages of up to {chunking.size} tokens ({chunking.name}"
    chunks += f", overlapping by {chunking.overlap})" if chunking.overlap else ")"
    if pipeline.search.mode is Mode.LEXICAL:
        return f"search by words (BM25) over {chunks}" + _late_step(pipeline)
    found = {
        SearchPath.EXACT: "all vectors compared",
        SearchPath.AUTO: "the store's own choice of index",
        SearchPath.QUANTISED: f"quantised vectors, recall {pipeline.storage.recall:g}",
        SearchPath.GRAPH: "an HNSW graph",
    }[pipeline.storage.path]
    how = {Mode.DENSE: "by meaning", Mode.HYBRID: "by meaning and words together"}
    ways = how.get(pipeline.search.mode, f"in mode {pipeline.search.mode.value}")
    return f"{pipeline.model_label} on {chunks}, searched {ways}, {found}" + _late_step(pipeline)


def _late_step(pipeline: Pipeline) -> str:
    search, ask = pipeline.search, pipeline.ask
    if ask.expansion is not Expansion.NONE:
        return f", the question expanded ({ask.expansion.value}) by {ask.generator}"
    if not search.rerank:
        return ""
    return f", the best {search.candidates} read again by {search.rerank}"


def reasons(decision: Decision) -> list[str]:
    """Why, in a few sentences: the figure, the margin, the price."""
    choice = decision.choice
    chosen, best = choice.recommended, choice.best
    told = [_figure(decision)]
    if chosen.trial.key == best.trial.key:
        told.append(_lead(decision))
    else:
        verdict = choice.verdicts[chosen.trial.key]
        told.append(
            f"The best of {len(choice.points)} candidates on these questions is "
            f"{best.pipeline.label} "
            f"with {best.quality:.3f}. The recommendation lost {verdict.loss:.3f} against it (95% "
            f"interval of the loss {signed(verdict.low)} to {signed(verdict.high)}, p = "
            f"{verdict.p:.2f}): a tie, "
            f"and {_saving(best.cost / max(chosen.cost, 1e-9))}."
        )
        told += _confirmed(decision)
    told.append(
        f"A question takes {time_text(chosen.latency)} (95% of them at most "
        f"{time_text(chosen.trial.quantile(0.95))}); model and index take "
        f"{size(chosen.trial.memory)} of memory and the collection {size(chosen.trial.disk)} of "
        f"disk."
    )
    return told + [_late(decision, step) for step in late_steps(decision)]


def _late(decision: Decision, step: LateStep) -> str:
    """What a slow step gained, and whether that is worth its time."""
    gain, significant = step.gain, step.p < LEVEL
    verdict = (
        "no significant difference"
        if not significant
        else ("a significant gain" if gain.mean > 0 else "a significant loss")
    )
    if step.trial.key == decision.choice.recommended.trial.key:
        verdict += "; it is a part of the recommendation"
    elif significant and gain.mean > 0:
        verdict += "; take it if quality matters more than time"
    return (
        f"{_done(step.trial.pipeline)} changed the figure by {signed(gain.mean)} on "
        f"{step.questions} questions (95% interval {signed(gain.low)} to {signed(gain.high)}, "
        f"p = {step.p:.2f}) and took {time_text(step.seconds)} a question in place of "
        f"{time_text(step.before)}: {verdict}."
    )


def _done(pipeline: Pipeline) -> str:
    search, ask = pipeline.search, pipeline.ask
    if search.rerank:
        return f"Reading the best {search.candidates} passages again with {search.rerank}"
    what = {
        Expansion.HYDE: "a made-up answer",
        Expansion.MULTI_QUERY: "other wordings as well",
        Expansion.DECOMPOSE: "its parts as well",
    }[ask.expansion]
    return f"Searching for {what} ({ask.expansion.value}, written by {ask.generator})"


def _saving(ratio: float) -> str:
    """How much less the recommendation costs."""
    return f"it costs {ratio:.1f} times less" if ratio >= 1.05 else "it costs about the same"


def _figure(decision: Decision) -> str:
    chosen = decision.choice.recommended
    held = decision.held_out
    if held is not None and chosen.trial.key in held.intervals:
        found = held.intervals[chosen.trial.key]
        return (
            f"{_explained(decision)} is {found.mean:.3f} on {held.questions} questions that the "
            f"choice never saw (95% interval {found.low:.3f} to {found.high:.3f})."
        )
    return (
        f"{_explained(decision)} is {chosen.quality:.3f} on the {len(decision.choice.questions)} "
        f"questions that it was chosen by, which is optimistic: {why_none_held_out(decision)}."
    )


def why_none_held_out(decision: Decision) -> str:
    """Why there is no figure on questions that the choice never saw."""
    if halves(list(decision.data.queries))[1]:
        return "time was up before those that were held out had all been asked"
    return "there were too few to hold any out"


def _name(decision: Decision) -> str:
    return "nDCG@10" if decision.yardstick == "ndcg@10" else decision.yardstick.capitalize()


def _explained(decision: Decision) -> str:
    """The figure's name, with its meaning where few people know it."""
    if decision.data.spans:
        return f"{_name(decision)} (how soon a reader of the hits has the answer, at most 1)"
    return _name(decision)


def _lead(decision: Decision) -> str:
    choice = decision.choice
    others = [point for point in choice.equals if point.trial.key != choice.best.trial.key]
    if not others:
        return f"It is the best of {len(choice.points)} candidates, and no other one is as good."
    many = f"{len(others)} others are" if len(others) > 1 else "One other is"
    return (
        f"It is the best of {len(choice.points)} candidates. {many} as good within what these "
        "questions can tell, and not cheaper."
    )


def _confirmed(decision: Decision) -> list[str]:
    held = decision.held_out
    best = decision.choice.best.trial.key
    chosen = decision.choice.recommended.trial.key
    if held is None or best not in held.intervals or chosen not in held.intervals:
        return []
    difference = held.intervals[chosen].mean - held.intervals[best].mean
    verdict = held.verdicts.get(chosen)
    if verdict is not None and verdict.is_worse:
        return [
            "On the held-out questions that best one is significantly better "
            f"({signed(-difference)}, p = {verdict.p:.3f}): take it if quality matters more than "
            "cost."
        ]
    return [
        f"On the held-out questions the two differ by {signed(difference)}, which is no "
        "significant difference either."
    ]


def questions(decision: Decision) -> str:
    """Where the questions come from, in a sentence."""
    data = decision.data
    return {
        Labels.JUDGED: f"People judged which documents answer: {data.note}.",
        Labels.GIVEN: f"The questions are {data.note}.",
        Labels.MADE: "There were no questions, so they were made of the documents: a sentence, a "
        "heading or "
        f"a title is taken out and has to find the place that it was taken from. {data.note}.",
    }[data.labels]


def yardstick(decision: Decision) -> str:
    """What the figure means."""
    if decision.data.spans:
        return (
            "Reading gain: how soon a reader of the ranking has the answer, counted in blocks of "
            "1,000 "
            "characters, so that long passages do not win for being long. 1 means that nothing but "
            "the "
            "answer had to be read; found after four blocks it is worth 0.43; after ten blocks 0."
        )
    return (
        f"{_name(decision)}: documents that answer a question, near the top of the ranking. 1 is "
        f"the "
        "perfect order. A document stands where its best passage stands."
    )


def notes(decision: Decision) -> list[str]:
    """What a reader must know before trusting the rest."""
    told = []
    data = decision.data
    if data.is_sample:
        told.append(
            f"a sample of {len(data.documents):,} of {data.of:,} documents was searched: figures "
            f"are "
            "higher than on all of them, and the order of candidates is what counts"
        )
    if decision.stopped:
        told.append(
            f"the experiment ended early: {decision.stopped}. The decision rests on "
            f"{len(decision.choice.questions)} questions that every candidate in it was asked. "
            "The same command with a larger --budget goes on from there"
        )
    if len(decision.choice.questions) < _FEW:
        told.append(
            f"{len(decision.choice.questions)} questions tell large differences only; more of "
            f"them, or "
            "some of your own, make a surer choice"
        )
    models = decision.request.grid.models
    left = [each.what for each in decision.plan.not_tried if each.what in models]
    if left:
        told.append(
            f"not tried: {', '.join(left)}; the reasons are below. What is not tried cannot be "
            "recommended"
        )
    if decision.pipeline.search.mode is Mode.LEXICAL and data.labels is Labels.MADE:
        told.append(
            "questions that are made of documents use their words, which favours searches by "
            "words. Before doing without searches by meaning, ask some questions of your own "
            "(--questions)"
        )
    failed = {t.pipeline.model.name: t.failed for t in decision.trials if t.failed}
    told += [f"{model} failed and was left out: {reason}" for model, reason in failed.items()]
    if data.problems:
        many = len(data.problems)
        told.append(
            f"{many} problems with the data are listed in the record"
            if many > 1
            else f"there is a problem with the data: {data.problems[0].reason}"
        )
    if decision.actual.truncated:
        told.append(f"{decision.actual.truncated:,} texts were longer than their model reads")
    return told
