"""Post-mortem: each cause is made on purpose, and must be named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from nearfield.collection import Chunking, Collection, IndexOptions, open_collection
from nearfield.evaluation.postmortem import Cause, postmortem
from nearfield.filters import parse
from nearfield.models.card import fingerprint
from nearfield.protocols import Encoder, ReadLimits
from nearfield.search.options import SearchOptions
from nearfield.tokenization import WordTokenizer
from nearfield.types import BatchReport, ModelCard

LETTERS = "abcdefghijklmnop"
WORDS = [f"{one}{other}" for one in LETTERS for other in LETTERS]


class Bag:
    """A model that counts words: what it finds can be worked out by hand.

    The vector's first component is the same for every text, so that no text is a zero.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.tokenizer = WordTokenizer(WORDS)
        self.limit = limit
        self.card = ModelCard(
            f"bag-{limit}", len(WORDS) + 1, limit, fingerprint({"bag": limit}), False
        )

    def encode(
        self, inputs: Sequence[str], *, role: object = "document", observe: object = None
    ) -> np.ndarray:
        rows = np.zeros((len(inputs), len(WORDS) + 1), dtype=np.float32)
        rows[:, 0] = 0.1
        for row, text in zip(rows, inputs, strict=True):
            for word in text.split()[: self.limit]:
                if word in WORDS:
                    row[1 + WORDS.index(word)] += 1.0
        if callable(observe):
            observe(BatchReport(tuple(range(len(inputs))), tokens=0))
        return rows


def made(path: Path, texts: dict[str, str], limit: int | None = None, **fields: dict) -> Collection:
    collection = open_collection(path, encoder=Bag(limit))
    metadata = [fields.get(name, {}) for name in texts]
    collection.add(list(texts.values()), ids=list(texts), metadata=metadata)
    return collection


def others(count: int, words: str) -> dict[str, str]:
    return {f"other{at}": f"{words} {WORDS[100 + at]}" for at in range(count)}


def causes(
    collection: Collection, query: str, relevant: str, options: SearchOptions, **more: object
) -> tuple[Cause, str]:
    found = postmortem(collection, {"q": query}, {"q": {relevant: 1}}, options=options, **more)
    (failure,) = found.failures
    assert found.by_cause == {failure.cause: 1}
    assert (found.questions, found.answered) == (1, 0)
    assert failure.evidence
    return failure.cause, failure.evidence


def test_answered_questions_do_not_fail(tmp_path: Path) -> None:
    with made(tmp_path / "c.nf", {"a": "aa ab", "b": "ba bb"}) as collection:
        found = postmortem(collection, {"q": "aa"}, {"q": {"a": 1}}, options=SearchOptions(k=1))
        assert (found.answered, found.failures) == (1, ())


def test_not_indexed(tmp_path: Path) -> None:
    with made(tmp_path / "c.nf", {"a": "aa", "b": "ab"}) as collection:
        cause, said = causes(collection, "aa", "missing.txt", SearchOptions(k=2))
        assert cause is Cause.NOT_INDEXED
        assert "missing.txt" in said


def test_not_indexed_names_the_reason_of_the_ledger(tmp_path: Path, encoder: Encoder) -> None:
    root = tmp_path / "files"
    root.mkdir()
    (root / "large.txt").write_text("snow " * 200, encoding="utf-8")
    (root / "small.txt").write_text("beach and sun", encoding="utf-8")
    with open_collection(tmp_path / "c.nf", encoder=encoder) as collection:
        collection.index(root, options=IndexOptions(limits=ReadLimits(file_bytes=100)))
        cause, said = causes(collection, "snow", "large.txt", SearchOptions(k=1))
        assert cause is Cause.NOT_INDEXED
        assert "large.txt" in said
        assert "no passage of" not in said


def test_filter(tmp_path: Path) -> None:
    texts = {"a": "aa ab", "b": "aa ac"}
    with made(tmp_path / "c.nf", texts, a={"lang": "de"}, b={"lang": "en"}) as collection:
        options = SearchOptions(k=1, where=parse('lang = "en"'))
        cause, said = causes(collection, "aa ab", "a", options)
        assert (cause, "rank 1 without it" in said) == (Cause.FILTER, True)


class Backwards:
    """A reranker that likes what has fewest words in common."""

    name = "backwards"

    def score(self, query: str, texts: Sequence[str]) -> np.ndarray:
        wanted = set(query.split())
        return np.array([-len(wanted & set(text.split())) for text in texts], dtype=np.float32)


def test_rerank(tmp_path: Path) -> None:
    with made(tmp_path / "c.nf", {"a": "aa ab", **others(5, "ba bb")}) as collection:
        options = SearchOptions(k=2, rerank_weight=1.0)
        cause, said = causes(collection, "aa ab", "a", options, rerank=Backwards())
        assert (cause, "rank 1 before reranking" in said) == (Cause.RERANK, True)


def test_diversity(tmp_path: Path) -> None:
    texts = {"best": "aa ab ac", "near": "aa ab ac ad", "far": "aa ba bb bc", "also": "ca cb cc"}
    with made(tmp_path / "c.nf", texts) as collection:
        options = SearchOptions(k=2, diversity=0.9)
        cause, said = causes(collection, "aa ab ac", "near", options)
        assert (cause, "rank 2 before spreading" in said) == (Cause.DIVERSITY, True)


def test_ann_miss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with made(tmp_path / "c.nf", {"a": "aa ab", **others(6, "aa ba")}) as collection:
        searched = Collection.search

        def forgetful(self: Collection, *given: object, **options: object) -> list:
            hits = searched(self, *given, **options)  # type: ignore[arg-type]
            chosen = options["options"]
            fast = isinstance(chosen, SearchOptions) and chosen.path == "auto"
            return [hit for hit in hits if not (fast and hit.chunk.id == "a")]

        monkeypatch.setattr(Collection, "search", forgetful)
        cause, said = causes(collection, "aa ab", "a", SearchOptions(k=3))
        assert (cause, "rank 1 by exact search" in said) == (Cause.ANN_MISS, True)


def test_fusion(tmp_path: Path) -> None:
    # By words a is best: it alone has the rare word that the model does not know.
    texts = {"a": "zzz ca cb cc", **others(4, "aa ab")}
    with made(tmp_path / "c.nf", texts) as collection:
        options = SearchOptions(k=2, mode="hybrid", dense_weight=1.0)
        cause, said = causes(collection, "zzz aa ab", "a", options)
        assert (cause, "rank 1 by words alone" in said) == (Cause.FUSION, True)


def test_truncated(tmp_path: Path) -> None:
    answer = " ".join(["ba bb bc bd"] * 3 + ["aa ab"])
    texts = {"a": answer, **others(4, "aa ac ad")}
    with made(tmp_path / "c.nf", texts, limit=12) as collection:
        cause, said = causes(collection, "aa ab", "a", SearchOptions(k=2))
        assert (cause, "reads 12 tokens" in said) == (Cause.TRUNCATED, True)


def test_out_of_vocabulary(tmp_path: Path) -> None:
    texts = {"a": "zzz yyy ca cb cc cd ce cf", **others(4, "aa ab")}
    with made(tmp_path / "c.nf", texts) as collection:
        cause, said = causes(collection, "zzz yyy", "a", SearchOptions(k=2))
        assert (cause, "zzz, yyy" in said) == (Cause.OUT_OF_VOCABULARY, True)
        lexical = SearchOptions(k=2, mode="lexical")
        cause, said = causes(collection, "aa ab", "a", lexical)
        assert (cause, "no word of the question" in said) == (Cause.OUT_OF_VOCABULARY, True)


def test_chunked_apart(tmp_path: Path) -> None:
    root = tmp_path / "files"
    root.mkdir()
    (root / "answer.txt").write_text("aa ab ba bb\n\nac ad bc bd\n", encoding="utf-8")
    for at in range(4):
        (root / f"o{at}.txt").write_text(f"aa ac {WORDS[100 + at]}", encoding="utf-8")
    with open_collection(
        tmp_path / "c.nf", encoder=Bag(), chunking=Chunking("recursive", 4, 0)
    ) as collection:
        collection.index(root)
        assert len(collection.store.chunks_of(str(root / "answer.txt"))) == 2
        cause, said = causes(collection, "aa ab ac ad", "answer.txt", SearchOptions(k=2))
        assert (cause, "two neighbouring passages" in said) == (Cause.CHUNKED_APART, True)


def test_model(tmp_path: Path) -> None:
    texts = {"a": "aa ba bb bc bd", **others(4, "aa ab")}
    with made(tmp_path / "c.nf", texts) as collection:
        cause, said = causes(collection, "aa ab", "a", SearchOptions(k=2))
        assert (cause, "rank 5 by exact comparison" in said) == (Cause.MODEL, True)


def test_ranks_are_told_stage_by_stage(tmp_path: Path) -> None:
    texts = {"a": "aa ba bb bc bd", **others(4, "aa ab")}
    with made(tmp_path / "c.nf", texts) as collection:
        found = postmortem(collection, {"q": "aa ab"}, {"q": {"a": 1}}, options=SearchOptions(k=2))
        ranks = found.failures[0].ranks
        assert (ranks.dense, ranks.lexical, ranks.first_stage, ranks.final) == (5, 5, 5, None)
        assert found.failures[0].found == ("other0", "other1")


def test_the_place_of_an_answer_decides_which_passage_counts(tmp_path: Path) -> None:
    root = tmp_path / "files"
    root.mkdir()
    (root / "long.txt").write_text("aa ab ac ad\n\nba bb bc bd\n", encoding="utf-8")
    (root / "wrong.txt").write_text("aa ab ac ae\n", encoding="utf-8")
    with open_collection(
        tmp_path / "c.nf", encoder=Bag(), chunking=Chunking("recursive", 4, 0)
    ) as collection:
        collection.index(root)
        document = str(root / "long.txt")
        queries, qrels = {"q": "aa ab ac"}, {"q": {document: 1}}
        one = SearchOptions(k=2)
        assert not postmortem(collection, queries, qrels, options=one).failures
        spans = {"q": (document, 13, 24)}  # the second passage
        (failure,) = postmortem(collection, queries, qrels, options=one, spans=spans).failures
        assert failure.ranks.dense == 3


def test_passages_can_be_named_by_their_own_ids(tmp_path: Path) -> None:
    with made(tmp_path / "c.nf", {"a": "aa", "b": "ab", "c": "ac"}) as collection:
        found = postmortem(
            collection, {"1": "aa", "2": "aa"}, {"1": {"a": 1}, "2": {"c": 1}},
            options=SearchOptions(k=1),
        )  # fmt: skip
        assert [failure.query for failure in found.failures] == ["2"]
