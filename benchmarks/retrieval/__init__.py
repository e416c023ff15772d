"""How well each mode of search finds what was judged relevant: ``python -m benchmarks retrieval``.

BM25, vectors, both fused in two ways, and the fused list reranked, on SciFact and Cranfield. What
can be chosen (the weight of meaning against words, how many candidates) is chosen on SciFact's
training questions and on CISI; the test questions are asked once, with what was chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.embedding.environments import default_home
from benchmarks.embedding.measure import Progress
from benchmarks.harness import Check, Context, Outcome, at_least, scratch
from benchmarks.retrieval.plain import PLAIN, PLAIN_NAME, plain_ndcg
from benchmarks.retrieval.reranking import Remembering
from benchmarks.retrieval.tasks import Stored, read, stored
from nearfield.evaluation.significance import Comparison, compare
from nearfield.models import rerank
from nearfield.models.resolve import load
from nearfield.search.options import Fusion, Mode, SearchOptions
from nearfield.types import BM25

__all__ = ["Chosen", "run"]

BM25_RANGE = (66.0, 68.4)
"""Within 0.5 of the published 66.5 to 67.9 on SciFact."""

_MODEL = "all-MiniLM-L6-v2"
_WEIGHTS = tuple(share / 10 for share in range(11))
_WIDTHS = (20, 50, 100, 200)
_RERANKED = (10, 20, 50)
_RERANK_WEIGHTS = (0.2, 0.35, 0.5, 0.65, 0.8, 1.0)
_TRAIN_RERANKED = 100
_QUICK_QUERIES = 20


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the training questions say is best.

    Attributes
    ----------
    scores, ranks : SearchOptions
        Of the two fusions.
    reranked : SearchOptions
        Of the fusion whose list is reranked.
    grid : list of dict
        nDCG@10 of everything that was tried.
    """

    scores: SearchOptions
    ranks: SearchOptions
    reranked: SearchOptions
    grid: list[dict[str, Any]]


def run(context: Context) -> Outcome:
    """Choose on training questions, measure on test questions, and test the differences."""
    tell = Progress()
    encoder = load(_MODEL)
    reranker = Remembering(rerank.load(), (context.peers_home or default_home()) / "reranked")
    most = _QUICK_QUERIES if context.quick else None
    with scratch() as folder, ExitStack() as stack:

        def opened(name: str, split: str = "test") -> Stored:
            tell(f"embedding and storing {name}")
            task = read(context.data, name, split)
            return stack.enter_context(stored(task, encoder, folder / name))

        scifact, cisi, cranfield = opened("scifact", "train"), opened("cisi"), opened("cranfield")
        chosen = _choose({"SciFact train": scifact, "CISI": cisi}, reranker, most, tell)
        tests = {
            "SciFact": scifact.asked(read(context.data, "scifact"), encoder),
            "Cranfield": cranfield,
        }
        found = {
            name: _measured(name, test, reranker, chosen, most, tell)
            for name, test in tests.items()
        }
        plain = {name: plain_ndcg(test.task, most) for name, test in tests.items()}
    figures: dict[str, Any] = {
        "model": encoder.card.name,
        "fingerprint": encoder.card.fingerprint,
        "precision": encoder.card.precision,
        "reranker": reranker.name,
        "chosen": {
            name: _described(getattr(chosen, name)) for name in ("scores", "ranks", "reranked")
        },
        "grid": chosen.grid,
        "BM25": {"BM25": asdict(BM25()), PLAIN_NAME: asdict(PLAIN)},
        "collections": {title: _figures(each, plain[title]) for title, each in found.items()},
    }
    made = () if context.quick else tuple(_checks(figures))
    return Outcome(made, figures, lines=tuple(_printed(figures)))


def systems(chosen: Chosen) -> dict[str, tuple[SearchOptions, bool]]:
    """Options of each system that is compared, and whether its list is reranked."""
    return {
        "BM25": (SearchOptions(mode=Mode.LEXICAL), False),
        "dense": (SearchOptions(mode=Mode.DENSE), False),
        "hybrid (scores)": (chosen.scores, False),
        "hybrid (ranks)": (chosen.ranks, False),
        "hybrid + rerank": (chosen.reranked, True),
    }


def _measured(
    name: str,
    collection: Stored,
    reranker: Remembering,
    chosen: Chosen,
    most: int | None,
    tell: Progress,
) -> dict[str, npt.NDArray[np.float64]]:
    """nDCG@10 of each test question, by system."""
    found = {}
    for system, (options, again) in systems(chosen).items():
        found[system] = collection.ndcg(options, reranker if again else None, most)
        tell(f"{name}, {system}: {100 * found[system].mean():.2f}")
    return found


def _choose(
    collections: Mapping[str, Stored], reranker: Remembering, most: int | None, tell: Progress
) -> Chosen:
    grid: list[dict[str, Any]] = []
    best = {}
    for fusion in Fusion:
        tried = [
            SearchOptions(mode=Mode.HYBRID, fusion=fusion, dense_weight=weight, candidates=width)
            for weight in _WEIGHTS
            for width in _WIDTHS
        ]
        best[fusion] = _best(collections, tried, None, most, grid)
        tell(f"chosen, {fusion.value}: {_described(best[fusion])}")
    # The reranked list is judged by its order alone: the better of the two fusions feeds it.
    fusion = max(Fusion, key=lambda each: _of(grid, best[each], None))
    widths = [
        replace(best[fusion], candidates=count, rerank_weight=weight)
        for count in _RERANKED
        for weight in _RERANK_WEIGHTS
    ]
    limit = min(most or _TRAIN_RERANKED, _TRAIN_RERANKED)
    reranked = _best(collections, widths, reranker, limit, grid)
    tell(f"chosen, reranked: {_described(reranked)}")
    return Chosen(best[Fusion.SCORES], best[Fusion.RANKS], reranked, grid)


def _best(
    collections: Mapping[str, Stored],
    tried: Sequence[SearchOptions],
    reranker: Remembering | None,
    most: int | None,
    grid: list[dict[str, Any]],
) -> SearchOptions:
    """The options with the best mean over the collections; what each reached goes to the grid."""
    for options in tried:
        reached = {
            name: round(100 * float(each.ndcg(options, reranker, most).mean()), 3)
            for name, each in collections.items()
        }
        by = reranker.name if reranker is not None else None
        grid.append({**_described(options), "reranker": by, "nDCG@10": reached})
    by = reranker.name if reranker is not None else None
    # Equal ones: the first, which is the cheaper one.
    return max(tried, key=lambda options: _of(grid, options, by))


def _of(grid: Sequence[Mapping[str, Any]], options: SearchOptions, by: str | None) -> float:
    wanted = {**_described(options), "reranker": by}
    found = next(row for row in grid if all(row[key] == wanted[key] for key in wanted))
    return float(np.mean(list(found["nDCG@10"].values())))


def _described(options: SearchOptions) -> dict[str, Any]:
    return {
        "fusion": options.fusion.value,
        "dense weight": options.dense_weight,
        "candidates": options.candidates,
        "rerank weight": options.rerank_weight,
    }


def _figures(
    scores: Mapping[str, npt.NDArray[np.float64]], plain: npt.NDArray[np.float64]
) -> dict[str, Any]:
    """What all systems reached; the plain BM25 stands beside them and is no system of ours."""
    reached = {PLAIN_NAME: plain, **scores}
    return {
        "queries": len(plain),
        "nDCG@10": {system: round(100 * float(each.mean()), 3) for system, each in reached.items()},
        "comparisons": [_comparison(each) for each in compare(scores)],
    }


def _comparison(each: Comparison) -> dict[str, Any]:
    found = asdict(each) | {"difference": round(100 * each.difference, 3), "verdict": each.verdict}
    return found | {"p": round(each.p, 5), "adjusted": round(each.adjusted, 5)}


def _checks(figures: Mapping[str, Any]) -> list[Check]:
    bm25 = figures["collections"]["SciFact"]["nDCG@10"][PLAIN_NAME]
    low, high = BM25_RANGE
    made = [
        Check(f"SciFact, {PLAIN_NAME}", bm25, "", f"{low} to {high}", low <= bm25 <= high),
    ]
    for title, found in figures["collections"].items():
        values = found["nDCG@10"]
        for other in ("BM25", "dense"):
            ahead = values["hybrid + rerank"] - values[other]
            made.append(at_least(f"{title}, hybrid + rerank above {other}", ahead, 0.0))
    return made


def _printed(figures: Mapping[str, Any]) -> list[str]:
    lines = [f"chosen on training questions: {figures['chosen']}"]
    for title, found in figures["collections"].items():
        lines += ["", f"{title}, {found['queries']} questions, nDCG@10 × 100"]
        lines += [f"  {system:<18}{value:>8.2f}" for system, value in found["nDCG@10"].items()]
        lines += [
            f"  {each['first']} − {each['second']}: {each['difference']:+.2f}, p {each['p']:.4f}, "
            f"Holm {each['adjusted']:.4f}: {each['verdict']}"
            for each in found["comparisons"]
        ]
    return lines
