"""BM25 as published figures have it, for comparison: Lucene's analysis of English, k1 0.9, b 0.4.

The published 66.5 to 67.9 on SciFact are Anserini's (https://github.com/castorini/anserini), which
leaves out Lucene's 33 English stop words, stems, and knows nothing of words inside words.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from benchmarks.metrics import ndcg
from nearfield.evaluation.tasks import RetrievalTask
from nearfield.evaluation.tasks.retrieval import whole_text
from nearfield.lexical import Language, Lexical
from nearfield.types import BM25

__all__ = ["PLAIN", "PLAIN_NAME", "plain_ndcg"]

PLAIN = BM25(k1=0.9, b=0.4, inside=0.0)
PLAIN_NAME = "BM25, plain"

# EnglishAnalyzer.ENGLISH_STOP_WORDS_SET.
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be but by for if in into is it no not of on or such that the their "
        "then there these they this to was will with",
    )
)
_WORD = re.compile(r"\w+(?:['’]\w+)?")


def plain_ndcg(task: RetrievalTask, most: int | None) -> npt.NDArray[np.float64]:
    """nDCG@10 of each question, in order; of the first `most` ones."""
    index = Lexical.in_memory(language=Language.ENGLISH)
    ids = list(task.documents)
    index.extend_tail([_without_stop_words(whole_text(each)) for each in task.documents.values()])
    scores = []
    for id_, question in list(task.queries.items())[:most]:
        found = index.search(
            _without_stop_words(question), 10, k1=PLAIN.k1, b=PLAIN.b, inside=PLAIN.inside
        )
        scores.append(ndcg([ids[slot] for slot in found.slots.tolist()], task.qrels[id_]))
    return np.array(scores)


def _without_stop_words(text: str) -> str:
    return " ".join(word for word in _WORD.findall(text) if word.lower() not in _STOP_WORDS)
