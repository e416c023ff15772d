"""The experiment from a folder to a decision: read, forecast, try, hold out, decide."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil
from pathlib import Path

import numpy as np
import numpy.typing as npt

import nearfield
from nearfield.errors import InputError
from nearfield.evaluation.metrics import Measure
from nearfield.evaluation.significance import Interval, bootstrap
from nearfield.models.cache import VectorCache
from nearfield.models.resolve import load as load_by_name
from nearfield.protocols import Encoder
from nearfield.selection import environment, worst
from nearfield.selection.applying import refined
from nearfield.selection.budget import Budget, Clock, OutOfTime, Phase
from nearfield.selection.candidates import NotTried
from nearfield.selection.data import Data, Source, load_source
from nearfield.selection.decision.record import Actual, Decision, HeldOut
from nearfield.selection.forecast import sampled
from nearfield.selection.hosted import price_of
from nearfield.selection.journal import Journal
from nearfield.selection.late.expansion import Expanding
from nearfield.selection.late.extra import Extra
from nearfield.selection.late.joining import Joining
from nearfield.selection.late.reranking import Rereading
from nearfield.selection.limits import Limits
from nearfield.selection.pareto import Choice, Point, choose_one
from nearfield.selection.pipeline import ModelChoice, Pipeline
from nearfield.selection.plan import Plan, make_plan
from nearfield.selection.probe import Footing, probe
from nearfield.selection.request import Request
from nearfield.selection.trial import Trial, halves
from nearfield.selection.trials import Listener, Trials
from nearfield.selection.verdicts import against_best
from nearfield.selection.workshop import Load, Workshop
from nearfield.selection.yardstick import Yardstick

__all__ = ["choose"]

_FINALISTS = 6
_TIMED_AGAIN = 12
_PROBED = 30
_TYPICAL = "a question of some ten words, as long as people's are"
_READ, _CHARACTERS = 8, 1000
"""Documents that late steps are timed on, and how much of each: about a passage."""


def _load(model: ModelChoice) -> Encoder:
    return load_by_name(model.name, precision=model.precision)


@dataclass(slots=True)
class _Run:
    """One experiment while it runs."""

    request: Request
    source: Source
    workshop: Workshop
    journal: Journal
    listener: Listener | None
    budget: Budget
    probing: bool
    not_tried: list[NotTried] = field(default_factory=list)

    def tell(self, what: str, share: float = 0.0) -> None:
        if self.listener is not None:
            self.listener(what, share, 0)


def choose(
    request: Request,
    out: Path,
    *,
    listener: Listener | None = None,
    fresh: bool = False,
    cache: VectorCache | None = None,
    load: Load = _load,
    clock: Clock = time.monotonic,
    probing: bool = True,
    written: Path | None = None,
) -> Decision:
    """Find the pipeline that serves some documents best, by an experiment on them.

    Parameters
    ----------
    request : Request
    out : Path
        Folder for the journal, and for stores while the experiment runs. A run that was killed goes
        on from the journal.
    listener : callable, optional
        Told where it stands.
    fresh : bool
        Begin anew, whatever the journal says.
    cache : VectorCache, optional
        The cache of this machine by default.
    load : callable
        From a model's choice to the whole encoder.
    clock : callable
        Seconds.
    probing : bool
        Measure finalists in processes of their own.
    written : Path, optional
        What generators wrote; a file of this machine's cache by default.

    Returns
    -------
    Decision

    Raises
    ------
    InputError
        There is nothing to read, no candidate fits the budget (with the numbers), or none keeps the
        limits.
    """
    budget = Budget(request.budget, clock)
    if listener is not None:
        listener("Reading", 0.0, 0)
    source = load_source(request.folder, questions=request.questions, split=request.split)
    place = out / "journal.jsonl"
    if fresh:
        place.unlink(missing_ok=True)
    journal = Journal(place, request.identity(source.digest, nearfield.__version__))
    workshop = Workshop(
        {}, out / "work", cache if cache is not None else VectorCache(), load, budget, written
    )
    budget.spent = journal.spent
    run = _Run(request, source, workshop, journal, listener, budget, probing)
    try:
        return _decided(run)
    finally:
        workshop.close()


def _decided(run: _Run) -> Decision:
    request = run.request
    joining = Joining(_late_steps(run), run.workshop, run.journal, request.limits)
    plan = _plan(run, joining)
    run.not_tried += plan.not_tried
    data = _prepared(run, plan)
    run.workshop.documents = data.documents
    yardstick = Yardstick(Measure.of(request.measure), data.qrels, data.spans)
    trials = Trials(
        data=data,
        workshop=run.workshop,
        yardstick=yardstick,
        journal=run.journal,
        limits=request.limits,
        estimate=plan.estimate,
        listener=run.listener,
    )
    tried = trials.run(plan.pipelines, join=partial(joining.join, forecasts=plan.late))
    run.not_tried += joining.not_tried
    questions = _decisive(trials, data)
    choice = _chosen(run, tried, plan, questions)
    trials.take_turns([point.trial for point in _leading(choice)])
    finalists = _finalists(_chosen(run, tried, plan, questions))
    trials.hold_out([point.trial for point in finalists])
    choice, footings = _settled(run, trials, tried, plan, questions)
    finalists = _finalists(choice)
    trials.hold_out([point.trial for point in finalists])  # settling may change who they are
    run.budget.phase = Phase.ENDING
    held = _held_out(finalists, choice)
    failing = worst.find(choice.recommended.trial, trials, data)
    left = _unfinished(trials)
    pipeline = _measured(run, choice.recommended.pipeline)
    return Decision(
        request=request,
        data=data,
        yardstick=yardstick.name,
        pipeline=pipeline,
        choice=choice,
        trials=tuple(tried),
        rungs=tuple(trials.rungs),
        held_out=held,
        footings=footings,
        worst=tuple(failing),
        not_tried=(*run.not_tried, *left),
        plan=plan,
        actual=_actual(run),
        stopped=trials.stopped,
        environment=environment.describe(
            request, run.source, [point.pipeline for point in choice.points], run.workshop
        ),
    )


def _late_steps(run: _Run) -> list[Extra]:
    """Rerankers, and forms of the question."""
    grid, allowed = run.request.grid, run.request.limits.money
    steps: list[Extra] = [Rereading(name, run.workshop, allowed) for name in grid.rerankers]
    steps += [Expanding(form, grid.generator, run.workshop, allowed) for form in grid.expansions]
    return steps


def _actual(run: _Run) -> Actual:
    """What the experiment took until now."""
    models = run.workshop.models.values()
    return Actual(
        seconds=run.budget.elapsed,
        embedding=sum(model.seconds for model in models),
        texts=sum(model.texts for model in models),
        tokens=sum(model.tokens for model in models),
        repeated=sum(model.repeated for model in models),
        truncated=sum(model.truncated for model in models),
        resumed=run.budget.spent > 0,
    )


def _plan(run: _Run, joining: Joining) -> Plan:
    """The plan of an earlier run with as much time; or a new one, which may keep its figures."""
    event = run.journal.last("planned")
    if event is not None and event["budget"] == run.request.budget:
        return Plan.of_event(event)
    task, count = run.source.task, run.request.count
    asked = list(task.queries.values()) if task is not None else [_TYPICAL] * count
    some = [document.text[:_CHARACTERS] for document in sampled(run.source.documents, most=_READ)]
    late = joining.forecast(some, asked)
    plan = make_plan(
        run.source,
        run.request.grid,
        run.workshop.counted,
        budget=run.budget,
        reserved=joining.reserve(late, ceil(len(asked) / 2)),
        sample=run.request.sample,
        limits=run.request.limits,
        cache=run.workshop.cache,
        tell=run.tell,
    )
    plan = replace(plan, late=tuple(late))
    if event is not None and event["sample"] != plan.sample:
        run.journal.begin()  # figures on other documents do not compare
        run.budget.spent = 0.0
    run.journal.add("planned", budget=run.request.budget, **plan.to_event())
    return plan


def _prepared(run: _Run, plan: Plan) -> Data:
    run.tell("Preparing questions")
    return run.source.prepare(sample=plan.sample, count=run.request.count, seed=run.request.seed)


def _decisive(trials: Trials, data: Data) -> list[str]:
    """Questions that every candidate in the decision was asked: those of the last complete rung."""
    choosing, _ = halves(list(data.queries))
    complete = [rung for rung in trials.rungs if rung.complete]
    if complete:
        return choosing[: complete[-1].questions]
    reasons = dict.fromkeys(t.failed or t.skipped for t in trials.trials.values())
    said = "; ".join(reason for reason in reasons if reason) or "nothing was measured"
    raise InputError(f"no candidate could be asked a single rung of questions: {said}")


def _settled(
    run: _Run, trials: Trials, tried: Sequence[Trial], plan: Plan, questions: Sequence[str]
) -> tuple[Choice, dict[str, Footing]]:
    """Decide, and look at the memory of what is recommended until it keeps the limit."""
    footings: dict[str, Footing] = {}
    while True:
        choice = _chosen(run, tried, plan, questions)
        if not run.probing:
            return choice, footings
        for number, point in enumerate(finalists := _finalists(choice)):
            run.tell("Measuring finalists in processes of their own", number / len(finalists))
            run.budget.phase = Phase.PROBING if number else Phase.ENDING
            if point.trial.key not in footings and run.budget.left > 0:
                _probe(run, trials, point, footings)
        found = footings.get(choice.recommended.trial.key)
        broken = run.request.limits.broken(0.0, found.memory) if found is not None else ""
        if not broken:
            return choice, footings
        choice.recommended.trial.dropped = broken


def _probe(run: _Run, trials: Trials, point: Point, footings: dict[str, Footing]) -> None:
    known = {event["candidate"]: event for event in run.journal.events("probed")}
    key = point.trial.key
    if key in known:
        footings[key] = Footing(known[key]["memory"], known[key]["first"], known[key]["median"])
        return
    texts = list(trials.data.queries.values())[:_PROBED]
    try:
        built = run.workshop.store(point.pipeline)
    except OutOfTime:
        return
    found = probe(built.path, point.pipeline, texts, timeout=run.budget.left)
    if found is not None:
        footings[key] = found
        run.journal.add(
            "probed", candidate=key, memory=found.memory, first=found.first, median=found.median
        )


def _chosen(run: _Run, tried: Sequence[Trial], plan: Plan, questions: Sequence[str]) -> Choice:
    rates = {forecast.model: forecast.rate.tokens_per_second for forecast in plan.forecasts}
    indexing, money = {}, {}
    for trial in tried:
        name = trial.pipeline.model.name
        each = 1000 * trial.tokens / max(1, trial.passages)
        indexing[trial.key] = each / rates[name] if name in rates else 0.0
        money[trial.key] = price_of(name, round(each)) or 0.0
    latency = run.request.limits.latency
    for trial in tried:
        if latency is not None and trial.seconds and not trial.dropped:
            # On the rungs only medians count, because few questions say little about the slowest.
            slow = Limits(latency=latency).broken(trial.quantile(0.95), 0)
            trial.dropped = slow.replace("a question", "for 95% of the questions") if slow else ""
    return choose_one(
        tried, questions, tolerance=run.request.tolerance, indexing=indexing, money=money
    )


def _leading(choice: Choice) -> list[Point]:
    """Those that the decision is between, the cheapest first."""
    return sorted(choice.equals, key=lambda point: point.cost)[:_TIMED_AGAIN]


def _finalists(choice: Choice) -> list[Point]:
    """The recommendation, the best one, and the front."""
    found = {choice.recommended.trial.key: choice.recommended, choice.best.trial.key: choice.best}
    for point in sorted(choice.front, key=lambda point: -point.quality):
        found.setdefault(point.trial.key, point)
    return list(found.values())[:_FINALISTS]


def _held_out(finalists: Sequence[Point], choice: Choice) -> HeldOut | None:
    """Figures on questions that choosing never saw."""
    asked = [point.trial for point in finalists if point.trial.held_out]
    recommended = choice.recommended.trial
    if not recommended.held_out:
        return None
    queries = list(recommended.held_out)
    scores = {
        trial.key: [trial.held_out[query] for query in queries]
        for trial in asked
        if all(query in trial.held_out for query in queries)
    }
    intervals: dict[str, Interval] = {key: bootstrap(values) for key, values in scores.items()}
    pair = {
        key: _array(scores[key])
        for key in (recommended.key, choice.best.trial.key)
        if key in scores
    }
    verdicts = against_best(pair)
    return HeldOut(len(queries), intervals, verdicts)


def _array(values: Sequence[float]) -> npt.NDArray[np.float64]:
    return np.array(values, dtype=np.float64)


def _unfinished(trials: Trials) -> list[NotTried]:
    """Candidates that time did not reach, or not on every rung; and how far they came."""
    return [
        NotTried(trial.pipeline.label, trial.skipped or trial.interrupted)
        for trial in trials.trials.values()
        if trial.skipped or trial.interrupted
    ]


def _measured(run: _Run, pipeline: Pipeline) -> Pipeline:
    """The pipeline with the fingerprint and precision that were measured."""
    model = pipeline.model
    card = refined(run.workshop.counted(model).inner, model).card
    measured = replace(model, fingerprint=card.fingerprint, precision=card.precision)
    return replace(pipeline, model=measured)
