"""MTEB both ways: the same figures by mteb.evaluate and by evaluate."""

import warnings

import numpy as np
import pytest
from tests.unit.evaluation.letters import Letters

from nearfield.errors import InputError, UnsupportedOperation
from nearfield.evaluation.evaluate import evaluate
from nearfield.evaluation.options import EvaluationOptions
from nearfield.evaluation.tasks import (
    ClassificationTask,
    ClusteringTask,
    RetrievalTask,
    StsTask,
)
from nearfield.types import Document, Role

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    mteb = pytest.importorskip("mteb", reason="needs mteb: pip install nearfield[mteb]")

from nearfield.evaluation.tasks.mteb import from_mteb, named
from nearfield.integrations.mteb import MtebEncoder, as_mteb


class Placed(Letters):
    """Weighs letters by their place, so that few scores are equal: ties are broken differently."""

    def encode(self, inputs, *, role=Role.DOCUMENT, observe=None):
        super().encode(inputs, role=role, observe=observe)
        rows = np.zeros((len(inputs), len(self.alphabet)), dtype=np.float32)
        for row, text in zip(rows, inputs, strict=True):
            for place, letter in enumerate(text[: self.limit]):
                if letter in self.alphabet:
                    row[self.alphabet.index(letter)] += 1 / (1.5 + place)
        return rows


# Slow: what only `make test-all` installs.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
FEW = EvaluationOptions(samples=20)


def words(count, seed, letters="abcdefghij"):
    rng = np.random.default_rng(seed)
    return tuple("".join(rng.choice(list(letters), 6)) for _ in range(count))


def retrieval():
    texts = words(60, 1)
    documents = {
        f"d{n}": Document(f"d{n}", t, title="ti" if n % 3 else "") for n, t in enumerate(texts)
    }
    queries = {f"q{n}": text[:4] for n, text in enumerate(texts[:12])}
    qrels = {f"q{n}": {f"d{n}": 1, f"d{n + 20}": 2} for n in range(12)}
    return RetrievalTask("letters", documents, queries, qrels)


def sts():
    left, other = words(40, 2), words(40, 3)
    kept = np.random.default_rng(4).integers(0, 6, 40)  # never whole: equal texts would tie
    right = tuple(a[:n] + b[n:] for a, b, n in zip(left, other, kept, strict=True))
    noise = np.random.default_rng(5).normal(0, 1, 40)
    return StsTask("pairs", left, right, tuple((kept + noise).round(3).tolist()))


def labelled():
    train, test = words(60, 5, "abcde") + words(60, 6, "cdefg"), words(30, 7, "abcdefg")
    guess = tuple("late" if sum(map(ord, text)) > 602 else "early" for text in test)
    return ClassificationTask("halves", train, ("early",) * 60 + ("late",) * 60, test, guess)


@pytest.mark.parametrize("make", [retrieval, sts, labelled])
def test_figures_are_the_same(make):
    task = make()
    ours = evaluate(Placed(), task, options=FEW)
    result = mteb.evaluate(
        MtebEncoder(Placed()), as_mteb(task), cache=None, show_progress_bar=False
    )
    theirs = result.task_results[0].get_score()
    assert theirs == pytest.approx(ours.score, abs=1e-5)
    assert 0.05 < theirs < 0.999  # a figure that says something
    assert result.model_name == "nearfield/letters"


@pytest.mark.parametrize("make", [retrieval, sts])
def test_a_task_of_mteb_is_measured_here(make):
    task = make()
    given = as_mteb(task, "Named")
    assert from_mteb(given).digest() == task.digest()
    report = evaluate(Letters(), given, options=FEW)
    assert report.task.name == "Named"
    assert report.scores == evaluate(Letters(), task, options=FEW).scores


def test_labels_of_mteb_are_numbers():
    found = evaluate(Letters(), as_mteb(labelled()), options=FEW)
    assert found.score == evaluate(Letters(), labelled(), options=FEW).score


def test_queries_are_encoded_as_queries_and_cuts_are_counted():
    encoder = MtebEncoder(Letters(limit=5))
    mteb.evaluate(encoder, as_mteb(retrieval()), cache=None, show_progress_bar=False)
    seen = {text: role for role, texts in encoder._encoder.seen for text in texts}
    assert {seen[text] for text in retrieval().queries.values()} == {Role.QUERY}
    assert seen["ti " + retrieval().documents["d1"].text] is Role.DOCUMENT
    assert encoder.truncated == 60


def test_what_cannot_be_given_is_refused():
    with pytest.raises(UnsupportedOperation, match="clustering: retrieval, sts"):
        as_mteb(ClusteringTask("c", ("a", "b"), ("x", "y")))
    with pytest.raises(InputError, match="MTEB has no task 'SciFcat'"):
        named("SciFcat")
    with pytest.raises(InputError, match="read one with nearfield"):
        evaluate(Letters(), "scifact")
