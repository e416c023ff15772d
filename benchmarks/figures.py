"""Published figures, measured again with Nearfield's own encoders in fp32.

SciFact as MTEB measures it: documents are title and text, the test queries search all of them
exactly, nDCG@10 × 100. STSBenchmark: Spearman correlation × 100 between the cosine of two
sentences and how near people found them, test split. The published values are those of the
MTEB leaderboard (Muennighoff et al., 2023).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

from benchmarks.data import scifact, stsbenchmark
from benchmarks.harness import Check, Context, Json, Outcome, within
from nearfield.evaluation.ledger import Ledger
from nearfield.evaluation.measuring.sts import encode_pairs
from nearfield.evaluation.metrics import Measure, spearman
from nearfield.evaluation.retrieval import evaluate_retrieval
from nearfield.evaluation.tasks import RetrievalTask, StsTask
from nearfield.models.precision import Precision
from nearfield.models.resolve import load
from nearfield.protocols import Encoder
from nearfield.types import Role

__all__ = ["run_minilm", "run_mpnet"]

_TOLERANCE = 0.1
_REPORT_EVERY = 1000


@dataclass(frozen=True, slots=True)
class Published:
    """What the leaderboard says of a model, × 100."""

    model: str
    scifact: float
    stsbenchmark: float


def retrieval(encoder: Encoder, task: RetrievalTask, progress: Progress) -> float:
    """Mean nDCG@10 over the judged queries, in [0, 1]."""
    ledger = Ledger(told=progress)
    run = evaluate_retrieval(encoder, task, ledger=ledger)
    progress.truncated += ledger.truncated[Role.DOCUMENT]
    return float(Measure.of("ndcg@10").scores(run, task.qrels).mean())


def similarity(encoder: Encoder, task: StsTask) -> float:
    """Spearman correlation of cosine and human score, in [-1, 1]."""
    return spearman(encode_pairs(encoder, task.left, task.right, Ledger()), task.scores)


@dataclass(slots=True)
class Progress:
    """Counts encoded and cut texts, and says where a run of many minutes stands.

    MTEB cuts long abstracts at the model's limit as well, so being cut is no reason to warn.
    """

    done: int = 0
    truncated: int = 0

    def __call__(self, done: int, _expected: int) -> None:
        before, self.done = self.done, done
        if done // _REPORT_EVERY > before // _REPORT_EVERY:
            print(f"  {done:,} texts", flush=True)


def run(context: Context, published: Published) -> Outcome:
    """Measure both tasks with one model."""
    retrieval_task, pair_task = scifact(context.data), stsbenchmark(context.data)
    encoder, progress = load(published.model, precision=Precision.EXACT), Progress()
    checks: list[Check] = []
    figures: dict[str, Json] = {
        "model": encoder.card.name,
        "fingerprint": encoder.card.fingerprint,
        "precision": encoder.card.precision,
    }
    for name, value, measure in (
        (
            "SciFact nDCG@10",
            published.scifact,
            partial(retrieval, encoder, retrieval_task, progress),
        ),
        ("STSBenchmark Spearman", published.stsbenchmark, partial(similarity, encoder, pair_task)),
    ):
        begun = time.perf_counter()
        measured = measure() * 100
        checks.append(within(f"{published.model}: {name}", measured, value, _TOLERANCE))
        figures[name] = {
            "published": value,
            "measured": round(measured, 4),
            "difference": round(measured - value, 4),
            "seconds": round(time.perf_counter() - begun, 1),
        }
    figures["documents cut at the model's limit"] = progress.truncated
    return Outcome(tuple(checks), figures)


run_minilm = partial(run, published=Published("all-MiniLM-L6-v2", 64.51, 82.03))
run_mpnet = partial(run, published=Published("all-mpnet-base-v2", 65.57, 83.42))
