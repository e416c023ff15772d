"""Published figures found again, by ``nearfield evaluate`` and through MTEB itself.

SciFact (nDCG@10), STSBenchmark (Spearman) and Banking77 (accuracy), test splits, × 100, in fp32.
The published values are those of the MTEB leaderboard (Muennighoff et al., 2023). Local files
become tasks of MTEB in memory, so that no hub is needed; its own code then encodes, searches and
scores. Vectors are kept in the cache of this machine: what was encoded before is not encoded again.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import numpy as np

import nearfield as nf
from benchmarks.harness import (
    BenchmarkError,
    Check,
    Context,
    DataMissing,
    Json,
    Outcome,
    at_most,
    within,
)
from nearfield.evaluation.intervals import bootstrap
from nearfield.evaluation.metrics import Measure, judge
from nearfield.evaluation.run import Run
from nearfield.models.cache import CachedEncoder
from nearfield.models.precision import Precision
from nearfield.models.resolve import load
from nearfield.protocols import Encoder

__all__ = ["run_minilm", "run_mpnet", "run_speed"]

_OVERHEAD = 1.15
_QUERIES, _HITS = 1000, 100


@dataclass(frozen=True, slots=True)
class Published:
    """What the leaderboard says of a model on one task, × 100.

    Attributes
    ----------
    folder : str
        Of the data set.
    title : str
        MTEB's name of the task.
    value, tolerance : float
    """

    folder: str
    title: str
    value: float
    tolerance: float


def _of(scifact: float, sts: float, banking: float) -> tuple[Published, ...]:
    return (
        Published("stsb", "STSBenchmark", sts, 0.1),
        Published("banking77", "Banking77Classification", banking, 0.5),
        Published("scifact", "SciFact", scifact, 0.1),
    )


def run(context: Context, model: str, published: tuple[Published, ...]) -> Outcome:
    """Measure every task in both ways."""
    encoder = CachedEncoder(load(model, precision=Precision.EXACT))
    checks: list[Check] = []
    figures: dict[str, Json] = {
        "model": encoder.card.name,
        "fingerprint": encoder.card.fingerprint,
        "precision": encoder.card.precision,
    }
    for each in published:
        found = _both(context, encoder, each)
        for way in ("nearfield evaluate", "mteb"):
            value = found[way]
            assert isinstance(value, float)
            what = f"{model}: {each.title}, {way}"
            checks.append(within(what, value, each.value, each.tolerance))
        figures[each.title] = found
        print(f"  {each.title}: {found}", flush=True)
    return Outcome(tuple(checks), figures, versions={"mteb": version("mteb")})


def _both(context: Context, encoder: Encoder, published: Published) -> dict[str, Json]:
    if context.data is None or not (context.data / published.folder).is_dir():
        raise DataMissing(f"needs {published.folder}: --data FOLDER that holds {published.folder}/")
    task = nf.tasks.load(context.data / published.folder)
    report = nf.evaluate(encoder, task)
    interval = report.scores[report.main]
    begun = time.perf_counter()
    through = _through_mteb(encoder, task, published.title)
    found: dict[str, Json] = {
        "published": published.value,
        "measure": report.main,
        "nearfield evaluate": round(100 * report.score, 4),
        "95% interval": [round(100 * interval.low, 2), round(100 * interval.high, 2)],
        "mteb": round(100 * through, 4),
        "seconds": {**report.seconds, "mteb": round(time.perf_counter() - begun, 1)},
        "vectors from the cache": report.encoded.cached,
        "texts cut at the model's limit": report.encoded.truncated["document"],
    }
    return found


def _through_mteb(encoder: Encoder, task: object, title: str) -> float:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import mteb

            from nearfield.integrations.mteb import MtebEncoder, as_mteb

            result = mteb.evaluate(
                MtebEncoder(encoder),
                as_mteb(task, title),  # type: ignore[arg-type]
                cache=None,
                show_progress_bar=False,
            )
    except ImportError as error:
        raise BenchmarkError('needs MTEB: pip install "nearfield[mteb]"') from error
    return float(result.task_results[0].get_score())


def run_speed(context: Context) -> Outcome:
    """How long measures and intervals take, and what an evaluation adds to encoding SciFact."""
    rng = np.random.default_rng(7)
    ids = [f"document-{number}" for number in range(5000)]
    rankings, qrels = {}, {}
    for number in range(_QUERIES):
        found = rng.choice(5000, _HITS, replace=False)
        rankings[f"q{number}"] = {ids[at]: float(_HITS - rank) for rank, at in enumerate(found)}
        judged = [*rng.choice(found, 5, replace=False), *rng.choice(5000, 10, replace=False)]
        qrels[f"q{number}"] = {ids[at]: int(rng.integers(0, 4)) for at in judged}
    run_, names = Run("random", rankings), ("ndcg@10", "map", "mrr@10", "recall@100", "r_precision")
    measures = [Measure.of(name) for name in names]
    scores = measures[0].scores(run_, qrels)
    metric, interval = [], []
    for _ in range(max(context.repeat, 5)):
        begun = time.perf_counter()
        judged_ = judge(run_, qrels)
        for measure in measures:
            measure.of_judged(judged_)
        middle = time.perf_counter()
        bootstrap(scores, samples=1000)
        metric.append(1000 * (middle - begun))
        interval.append(time.perf_counter() - middle)
    checks = [
        at_most(f"{len(names)} measures, {_QUERIES:,} queries × {_HITS} hits",
                float(np.median(metric)), 50, "ms"),
        at_most(f"bootstrap, 1,000 samples of {_QUERIES:,} queries",
                float(np.median(interval)), 1, "s"),
    ]  # fmt: skip
    figures: dict[str, Json] = {
        "measures, median": {"ms": round(float(np.median(metric)), 2), "all": metric},
        "bootstrap, median": {"ms": round(1000 * float(np.median(interval)), 2), "all": interval},
    }
    if context.data is not None and not context.quick:
        encoder = load("all-MiniLM-L6-v2", precision=Precision.EXACT)
        report = nf.evaluate(encoder, nf.tasks.load(context.data / "scifact"))
        share = report.seconds["total"] / report.seconds["encode"]
        checks.append(at_most("SciFact end to end, over encoding it", share, _OVERHEAD))
        figures["SciFact seconds"] = dict(report.seconds)
    return Outcome(tuple(checks), figures)


run_minilm = partial(run, model="all-MiniLM-L6-v2", published=_of(64.51, 82.03, 80.04))
run_mpnet = partial(run, model="all-mpnet-base-v2", published=_of(65.57, 83.42, 81.70))
