"""Calibration by the collection's own sentences: confidences, and when nothing is relevant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nearfield.collection import Collection, open_collection
from nearfield.collection.calibrating import remove_sentence
from nearfield.collection.judged import read_judged
from nearfield.errors import InputError
from nearfield.models.resolve import load
from nearfield.protocols import Encoder
from nearfield.search.calibration import evidence
from nearfield.search.options import SearchOptions
from nearfield.types import Chunk

SUBJECTS = [
    "violin", "glacier", "tomato", "bicycle", "beehive", "volcano", "passport", "telescope",
    "cheese", "marathon", "lighthouse", "penguin", "keyboard", "castle", "umbrella", "orchid",
    "tractor", "submarine", "piano", "desert", "elephant", "bakery", "library", "thunderstorm",
    "chess", "vineyard", "waterfall", "hospital", "mosquito", "satellite",
]  # fmt: skip


def passage(subject: str) -> str:
    return (
        f"The {subject} is what this short passage is all about. "
        f"Anyone who wants to know more about a {subject} may read on here. "
        f"Most people have seen a {subject} at least once in their lives."
    )


@pytest.fixture(scope="module")
def model(minilm_path: Path) -> Encoder:
    return load(minilm_path)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, model: Encoder) -> Path:
    place = tmp_path_factory.mktemp("calibrated") / "c.nf"
    with open_collection(place, encoder=model) as collection:
        collection.add([passage(subject) for subject in SUBJECTS], ids=SUBJECTS)
        assert collection.calibration() is None
        assert collection.judge(collection.search("violin")) is None
        found = collection.calibrate()
        assert found.questions == 2 * len(SUBJECTS)
        assert found.auroc > 0.9
        assert collection.calibration() == found
    return place


@pytest.fixture
def collection(place: Path, model: Encoder) -> Iterator[Collection]:
    with Collection(place, encoder=model) as collection:
        yield collection


def test_hits_have_confidences_that_never_rise(collection: Collection) -> None:
    hits = collection.search("What should I know about a glacier?", k=10)
    confidences = [hit.confidence for hit in hits]
    assert hits[0].chunk.id == "glacier"
    assert all(value is not None and 0.0 <= value <= 1.0 for value in confidences)
    assert confidences == sorted(confidences, reverse=True)  # type: ignore[type-var]
    assert confidences[0] > 2 * confidences[1]  # type: ignore[operator]


def test_a_question_without_an_answer_is_told_from_one_with_an_answer(
    collection: Collection,
) -> None:
    relevant = collection.judge(collection.search("passage all about the penguin"))
    assert relevant is not None
    assert relevant.relevant
    strange = collection.judge(collection.search("kubernetes ingress controller timeout"))
    assert strange is not None
    assert not strange.relevant
    assert strange.confidence < strange.threshold <= relevant.confidence
    nothing = collection.judge(collection.search("penguin", where='id = "nobody"'))
    assert nothing is not None
    assert (nothing.relevant, nothing.confidence) == (False, 0.0)


@pytest.mark.parametrize("k", [1, 2, 5, 10, 30])
def test_confidence_does_not_depend_on_how_many_hits_are_asked_for(
    collection: Collection, k: int
) -> None:
    question = "Where do I see a lighthouse?"
    hits = collection.search(question, k=k)
    assert len(hits) == k
    all_scores = [hit.score for hit in collection.search(question, k=30)]
    calibration = collection.calibration()
    said = evidence(all_scores[:11])
    assert calibration is not None
    assert said is not None
    assert hits[0].confidence == pytest.approx(calibration.probability(said))
    verdict = collection.judge(hits)
    assert verdict is not None
    assert verdict.confidence == hits[0].confidence


def test_hits_ranked_by_anything_else_have_none(collection: Collection) -> None:
    class Flat:
        name = "flat"

        def score(self, query: str, texts: list[str]) -> np.ndarray:
            return np.zeros(len(texts), dtype=np.float32)

    for hits in (
        collection.search("glacier", mode="lexical"),
        collection.search("glacier", mode="hybrid"),
        collection.search("glacier", rerank=Flat()),
        collection.search("glacier", options=SearchOptions(group_by="document")),
        collection.search("glacier", options=SearchOptions(diversity=0.5)),
    ):
        assert hits
        assert {hit.confidence for hit in hits} == {None}
    assert collection.judge(collection.search("glacier", mode="hybrid"), mode="hybrid") is None


def test_passages_without_sentences_cannot_calibrate(tmp_path: Path, encoder: Encoder) -> None:
    with open_collection(tmp_path / "c.nf", encoder=encoder) as collection:
        collection.add(["snow", "ice and frost", "sand. sea."])
        with pytest.raises(InputError, match="none of 3 passages has 3 sentences"):
            collection.calibrate()
        assert collection.calibration() is None


def test_removing_a_sentence_leaves_the_others() -> None:
    chunk = Chunk("a", "a", passage("piano"), 0, 9)
    for seed in range(20):
        removed = remove_sentence(chunk, np.random.default_rng(seed))
        assert removed is not None
        words = sorted((removed.sentence + " " + removed.rest).split())
        assert words == sorted(chunk.text.split())
        assert removed.sentence not in removed.rest
    assert remove_sentence(Chunk("a", "a", "One. Two.", 0, 9), np.random.default_rng(0)) is None


def ask(subject: str) -> str:
    return f"Where may I read on about a {subject}?"


@pytest.mark.parametrize("mode", ["dense", "lexical", "hybrid"])
def test_questions_of_ones_own_calibrate_every_mode(
    tmp_path: Path, model: Encoder, mode: str
) -> None:
    with open_collection(tmp_path / "c.nf", encoder=model) as collection:
        collection.add([passage(subject) for subject in SUBJECTS], ids=SUBJECTS)
        known = {ask(subject): [subject] for subject in SUBJECTS[:20]}
        found = collection.calibrate(questions=known, mode=mode)
        # Each question counts once with its answer and once without.
        assert (found.questions, found.mode) == (40, mode)
        assert found.auroc > 0.95
        # Questions that it was not fitted on: with the answer, and with the answer left out.
        for subject in SUBJECTS[20:]:
            there = collection.judge(collection.search(ask(subject), mode=mode), mode=mode)
            gone = collection.judge(
                collection.search(ask(subject), mode=mode, where=f'id != "{subject}"'), mode=mode
            )
            assert there is not None and there.relevant
            assert gone is not None and not gone.relevant


def test_questions_that_nothing_answers_count_as_such(tmp_path: Path, model: Encoder) -> None:
    with open_collection(tmp_path / "c.nf", encoder=model) as collection:
        collection.add([passage(subject) for subject in SUBJECTS], ids=SUBJECTS)
        known: dict[str, list[str]] = {ask(subject): [subject] for subject in SUBJECTS[:12]}
        known |= {f"How do I compile kernel module {n}?": [] for n in range(5)}
        assert collection.calibrate(questions=known).questions == 12 * 2 + 5


def test_unusable_questions_are_refused(tmp_path: Path, model: Encoder) -> None:
    with open_collection(tmp_path / "c.nf", encoder=model) as collection:
        collection.add([passage(subject) for subject in SUBJECTS], ids=SUBJECTS)
        with pytest.raises(InputError, match=r"1 of 1 answers .* \(sofa\): check"):
            collection.calibrate(questions={"Where do I sit?": ["sofa"]})
        with pytest.raises(InputError, match="1 relevant and 1 irrelevant"):
            collection.calibrate(questions={ask("violin"): ["violin"]})
        with pytest.raises(InputError, match="'hybrid' is calibrated with questions"):
            collection.calibrate(mode="hybrid")
    file = tmp_path / "questions.jsonl"
    file.write_text('{"question": "a", "relevant": ["x"]}\n\n{"question": "a", "relevant": []}\n')
    assert read_judged(file) == {"a": ["x"]}
    for line in ("{", "[]", '{"question": "a"}', '{"question": 1, "relevant": []}'):
        file.write_text(f'{{"question": "a", "relevant": []}}\n{line}\n')
        with pytest.raises(InputError, match="line 2"):
            read_judged(file)
