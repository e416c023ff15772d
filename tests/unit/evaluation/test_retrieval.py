"""From encoders and stored collections to runs."""

import numpy as np
import pytest

from nearfield.errors import InputError
from nearfield.evaluation.ledger import Ledger
from nearfield.evaluation.retrieval import evaluate_retrieval, questions_of, search_run
from nearfield.evaluation.tasks import RetrievalTask
from nearfield.search.options import Mode, SearchOptions
from nearfield.stores.local import LocalStore
from nearfield.types import BatchReport, Chunk, Document, ModelCard, Role


class Letters:
    """Counts letters; reads the first twelve characters."""

    tokenizer = None
    card = ModelCard("letters", 26, 12, "f" * 64, normalised=False)

    def __init__(self):
        self.seen = []

    def encode(self, inputs, *, role=Role.DOCUMENT, observe=None):
        self.seen.append((Role.of(role), list(inputs)))
        rows = [[text[:12].lower().count(chr(97 + n)) for n in range(26)] for text in inputs]
        if observe:
            cut = tuple(n for n, text in enumerate(inputs) if len(text) > 12)
            observe(BatchReport(tuple(range(len(inputs))), sum(map(len, inputs)), cut))
        return np.asarray(rows, dtype=np.float32).reshape(len(inputs), 26)


def task():
    documents = {
        "b": Document("b", "banana"),
        "k": Document("k", "kiwi, a fruit that is green"),
        "t": Document("t", "nut", title="coco"),
    }
    queries = {"q1": "bananas", "q2": "coconut"}
    return RetrievalTask("fruit", documents, queries, {"q1": {"b": 1}, "q2": {"t": 1}})


def test_documents_are_title_and_text_and_roles_are_kept():
    encoder, ledger = Letters(), Ledger()
    run = evaluate_retrieval(encoder, task(), ledger=ledger)
    assert encoder.seen == [
        (Role.DOCUMENT, ["banana", "kiwi, a fruit that is green", "coco nut"]),
        (Role.QUERY, ["bananas", "coconut"]),
    ]
    assert run.name == "letters"
    assert run.ranking("q1")[0] == "b" and run.ranking("q2")[0] == "t"
    assert run.rankings["q2"]["t"] == pytest.approx(1.0)  # the same letters
    assert ledger.truncated == {Role.DOCUMENT: 1, Role.QUERY: 0}
    assert ledger.texts == {Role.DOCUMENT: 3, Role.QUERY: 2}


def test_depth_and_blocks_change_no_score(monkeypatch):
    whole = evaluate_retrieval(Letters(), task())
    monkeypatch.setattr("nearfield.evaluation.retrieval._SCORES_AT_ONCE", 3)
    blocks = evaluate_retrieval(Letters(), task())
    for query, ranking in whole.rankings.items():
        assert blocks.ranking(query) == whole.ranking(query)
        assert [*blocks.rankings[query].values()] == pytest.approx([*ranking.values()], abs=1e-6)
    short = evaluate_retrieval(Letters(), task(), depth=1)
    assert {q: list(r) for q, r in short.rankings.items()} == {"q1": ["b"], "q2": ["t"]}
    with pytest.raises(InputError, match="depth is 0"):
        evaluate_retrieval(Letters(), task(), depth=0)


@pytest.fixture
def store(tmp_path):
    texts = {"b#0-6": "banana", "b#7-12": "peel it", "k#0-4": "kiwi", "t#0-8": "coco nut"}
    chunks = [Chunk(id_, id_[0], text, 0, len(text)) for id_, text in texts.items()]
    with LocalStore.create(tmp_path / "fruit.nf", dimension=26) as made:
        made.add(chunks, Letters().encode(list(texts.values())))
        yield made


def test_a_stored_collection_ranks_documents_by_their_best_passage(store):
    with store.view() as view:
        run = search_run("dense", view, questions_of(task().queries, Letters()), SearchOptions(k=4))
        words = search_run(
            "BM25", view, questions_of({"q": "peel", "none": "xyz"}, None),
            SearchOptions(mode=Mode.LEXICAL),
        )  # fmt: skip
    assert run.ranking("q1")[0] == "b" and run.ranking("q2")[0] == "t"
    assert sorted(run.ranking("q1")) == ["b", "k", "t"]
    assert words.ranking("q") == ("b",)
    assert words.ranking("none") == ()  # found nothing, and says so


def test_a_reranker_orders_anew(store):
    class Longest:
        name = "longest"

        def score(self, query, texts):
            return np.array([len(text) for text in texts], dtype=np.float32)

    options = SearchOptions(k=4, rerank_weight=1.0)
    with store.view() as view:
        run = search_run(
            "r", view, questions_of({"q": "bananas"}, Letters()), options, reranker=Longest()
        )
    assert run.ranking("q") == ("t", "b", "k")
