import math
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.errors import InputError, UnsupportedOperation
from nearfield.lexical import Language, Lexical, available
from nearfield.lexical.analysis import Analyzer
from nearfield.lexical.library import KERNEL_VARIABLE
from nearfield.types import BM25

KERNELS = ["none", *available().kernels]
WORDS = ["ant", "bee", "cod", "doe", "elk", "fox", "gnu", "hen", "ibx", "jay", "kea", "foxy"]


class Oracle:
    """BM25 as the formula says it, text by text, in plain Python."""

    def __init__(self, texts, language, dead=()):
        self.documents = []
        analyzer = Analyzer(language)
        for text in texts:
            places = {}
            position = 0
            for word in analyzer.words(text):
                for offset, part in enumerate(word.parts):
                    places.setdefault(part, []).append(position + offset)
                for whole in word.wholes:
                    places.setdefault(whole, []).append(position)
                position += word.width
            self.documents.append((places, position))
        self.dead = set(dead)

    def alive(self):
        return [(s, d) for s, d in enumerate(self.documents) if s not in self.dead]

    def frequency(self, document, what):
        places, _ = document
        if what.startswith('"'):
            words = what.strip('"').split()
            first = places.get(words[0], [])
            return sum(all(p + i in places.get(w, []) for i, w in enumerate(words)) for p in first)
        if what.endswith("*"):
            return sum(len(p) for w, p in places.items() if w.startswith(what[:-1]))
        return len(places.get(what, []))

    def search(self, optional, allowed, required=(), excluded=(), k1=1.2, b=0.75):
        """All results as (slot, score), best first."""
        alive = self.alive()
        average = max(1, sum(length for _, (_, length) in alive)) / max(1, len(alive))
        weights = {}
        for what, times in Counter([*optional, *required]).items():
            having = sum(self.frequency(d, what) > 0 for _, d in alive)
            ratio = (len(alive) - having + 0.5) / (having + 0.5)
            weights[what] = times * math.log(1 + ratio) if having else 0.0
        found = []
        for slot, document in alive:
            if not allowed(slot):
                continue
            if not all(self.frequency(document, w) for w in required):
                continue
            if any(self.frequency(document, w) for w in excluded):
                continue
            norm = k1 * (1 - b + b * document[1] / average)
            tfs = {what: self.frequency(document, what) for what in weights}
            if any(tfs.values()):
                parts = [weights[w] * tf / (tf + norm) for w, tf in tfs.items() if tf]
                found.append((slot, sum(parts)))
        return sorted(found, key=lambda item: (-item[1], item[0]))


@pytest.fixture(params=KERNELS)
def kernel(request, monkeypatch):
    monkeypatch.setenv(KERNEL_VARIABLE, request.param)
    return request.param


def made(path, texts, language=Language.NONE, **options):
    index = Lexical.create(path, language=language, **options)
    index.append(texts)
    return index


def test_bm25_by_hand(tmp_path, kernel):
    # Lengths 3, 2, 4: the average is 3. "cat": df 2, tf 1 and 2. "dog": df 1.
    index = made(tmp_path, ["cat sat mat", "dog sat", "cat cat ran far"])
    found = index.search("cat dog", 10, k1=1.2, b=0.75)
    cat = math.log(1 + 1.5 / 2.5)
    dog = math.log(1 + 2.5 / 1.5)
    norms = [1.2, 1.2 * (0.25 + 0.75 * 2 / 3), 1.2 * (0.25 + 0.75 * 4 / 3)]
    expected = {
        0: cat / (1 + norms[0]),
        1: dog / (1 + norms[1]),
        2: cat * 2 / (2 + norms[2]),
    }
    assert found.slots.tolist() == [1, 2, 0]
    assert found.scores == pytest.approx([expected[s] for s in (1, 2, 0)], rel=1e-6)
    assert found.labels == ("cat", "dog")
    assert found.frequencies.tolist() == [[0, 1], [2, 0], [1, 0]]
    assert found.matched == (("dog",), ("cat",), ("cat",))


def test_explanation_adds_up(tmp_path, kernel):
    index = made(tmp_path, ["cat sat mat", "dog sat", "cat cat ran far"])
    shown = index.explain("cat dog sat", 0)
    assert [(t.label, t.frequency, t.texts) for t in shown.terms] == [
        ("cat", 1.0, 2), ("dog", 0.0, 1), ("sat", 1.0, 2)
    ]  # fmt: skip
    assert shown.terms[0].weight == pytest.approx(math.log(1.6))
    assert (shown.length, shown.average, shown.texts) == (3, 3.0, 3)
    assert shown.norm == pytest.approx(1.2)
    found = index.search("cat dog sat", 3)
    assert shown.score == found.scores[found.slots.tolist().index(0)]
    with pytest.raises(InputError, match="slot is 3"):
        index.explain("cat", 3)


def test_equal_texts_tie_by_slot(tmp_path, kernel):
    index = made(tmp_path, ["bee", "ant elk", "ant elk", "ant elk"])
    assert index.search("elk ant", 2).slots.tolist() == [1, 2]


def random_texts(seed, count):
    random = np.random.default_rng(seed)
    shares = 1 / np.arange(1, len(WORDS) + 1)
    return [
        " ".join(random.choice(WORDS, int(random.integers(0, 12)), p=shares / shares.sum()))
        for _ in range(count)
    ]


def packed(bits):
    return np.packbits(np.asarray(bits, dtype=bool), bitorder="little")


def agree(index, oracle, query, expected, k, **options):
    """The compiled and NumPy's search agree in every bit, and with the oracle to rounding."""
    results = []
    for name in KERNELS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(KERNEL_VARIABLE, name)
            results.append(index.search(query, k, **options))
    for other in results[1:]:
        assert np.array_equal(other.slots, results[0].slots)
        assert np.array_equal(other.scores, results[0].scores)
        assert np.array_equal(other.frequencies, results[0].frequencies)
    found = results[0]
    assert len(found.slots) == min(k, len(expected))
    assert found.scores == pytest.approx([score for _, score in expected[:k]], rel=1e-5)
    scores = dict(expected)
    for slot, score in zip(found.slots.tolist(), found.scores.tolist(), strict=True):
        assert score == pytest.approx(scores[slot], rel=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 900),
    query=st.lists(st.sampled_from([*WORDS, "nothing"]), min_size=1, max_size=5),
    share=st.sampled_from([None, 0.5, 0.02]),
    k=st.sampled_from([1, 10, 2000]),
    parameters=st.sampled_from([(1.2, 0.75), (0.9, 0.4), (0.0, 1.0), (3.0, 0.0)]),
)
def test_random_texts_equal_the_oracle(seed, count, query, share, k, parameters):
    texts = random_texts(seed, count)
    random = np.random.default_rng(seed)
    bits = np.ones(count, bool) if share is None else random.random(count) < share
    k1, b = parameters
    with TemporaryDirectory() as folder:
        index = Lexical.create(Path(folder), language=Language.NONE)
        # Several segments, and a tail in memory.
        borders = np.sort(random.integers(0, count + 1, 3)).tolist()
        for begin, end in zip([0, *borders], borders, strict=False):
            index.append(texts[begin:end])
        index.extend_tail(texts[borders[-1] :])
        assert len(index) == count
        oracle = Oracle(texts, Language.NONE)
        expected = oracle.search(query, lambda s: bits[s], k1=k1, b=b)
        allowed = None if share is None else packed(bits)
        agree(index, oracle, " ".join(query), expected, k, allowed=allowed, k1=k1, b=b)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    parts=st.lists(
        st.sampled_from(["ant", "+bee", "-cod", '"ant bee"', '+"bee ant"', '-"cod ant"', "fo*",
                         "+e*", "-h*", '"ant ant"', '"doe"', "-kea"]),
        min_size=1, max_size=4, unique=True,
    ),
)  # fmt: skip
def test_signs_phrases_and_beginnings_equal_brute_force(seed, parts):
    texts = random_texts(seed, 400)
    bare = [part.lstrip("+-") for part in parts]
    optional = [w for p, w in zip(parts, bare, strict=True) if p[0] not in "+-"]
    required = [w for p, w in zip(parts, bare, strict=True) if p[0] == "+"]
    excluded = [w for p, w in zip(parts, bare, strict=True) if p[0] == "-"]
    with TemporaryDirectory() as folder:
        index = made(Path(folder), texts[:250])
        index.extend_tail(texts[250:])
        oracle = Oracle(texts, Language.NONE)
        expected = oracle.search(optional, lambda _: True, required, excluded)
        agree(index, oracle, " ".join(parts), expected, 50)


def test_merging_changes_no_score_and_drops_the_dead(tmp_path, kernel):
    texts = random_texts(5, 700)
    index = Lexical.create(tmp_path, language=Language.NONE)
    for begin, end in ((0, 550), (550, 650), (650, 700)):
        index.append(texts[begin:end])
    assert len(list(tmp_path.glob("segment-*"))) == 3
    before = index.search("ant fox kea", 300)
    index.optimise()
    assert len(list(tmp_path.glob("segment-*"))) == 1
    after = index.search("ant fox kea", 300)
    assert np.array_equal(before.slots, after.slots)
    assert np.array_equal(before.scores, after.scores)
    assert index.search('"ant bee"', 300).slots.tolist() == sorted_slots(texts, "ant bee", index)

    gone = np.random.default_rng(0).random(700) < 0.3
    index.optimise(dead=packed(gone))
    oracle = Oracle(texts, Language.NONE, dead=np.flatnonzero(gone).tolist())
    expected = oracle.search(["ant", "fox", "kea"], lambda _: True)
    found = index.search("ant fox kea", 700)
    assert found.scores == pytest.approx([score for _, score in expected], rel=1e-5)
    assert sorted(found.slots.tolist()) == sorted(slot for slot, _ in expected)
    assert len(index) == 700


def sorted_slots(texts, phrase, index):
    oracle = Oracle(texts, Language.NONE)
    expected = dict(oracle.search([f'"{phrase}"'], lambda _: True))
    found = index.search(f'"{phrase}"', 300)
    assert set(found.slots.tolist()) == set(expected)
    return found.slots.tolist()


def test_merging_to_nothing(tmp_path, kernel):
    index = made(tmp_path, ["ant", "bee"])
    index.optimise(dead=packed([1, 1]))
    assert index.search("ant bee", 5).slots.tolist() == []
    index.append(["ant"])
    assert index.search("ant", 5).slots.tolist() == [2]


def test_chinese_japanese_thai_and_korean_need_no_spaces(tmp_path, kernel):
    texts = [
        "我们在北京大学学习",
        "東京都に住んでいます",
        "ภาษาไทยเป็นภาษาที่สวยงาม",
        "학교에서 공부한다",
        "ខ្មែរ",
    ]
    index = made(tmp_path, texts, Language.AUTO)
    chinese, japanese, thai, korean, khmer = range(5)
    expected = {"北京": chinese, "大学": chinese, "住む": japanese, "都": japanese, "ไทย": thai}
    expected |= {"สวย": thai, "학교": korean, "공부": korean, "ខ្មែ": khmer}
    for query, slot in expected.items():
        assert index.search(query).slots.tolist() == [slot]
    assert index.search("習").slots.tolist() == []
    assert index.search('"北京大学"').slots.tolist() == [0]
    assert index.search('"北大"').slots.tolist() == []
    assert index.search("+東京都 -北京").slots.tolist() == [1]
    assert index.search("京").slots.tolist() == [0, 1]


def test_parts_of_compounds_are_found(tmp_path, kernel):
    texts = [
        "Die Krankenversicherungskarte fehlt",
        "Versicherungen",
        "nichts",
        "Datenbank und Karte",
    ]
    for language in (Language.AUTO, Language.GERMAN):
        index = made(tmp_path, texts, language)
        found = index.search("Versicherung").slots.tolist()
        assert set(found) == {0, 1}
        assert set(index.search("Karte").slots.tolist()) == {0, 3}
        assert index.search("Bank").slots.tolist() == [3]
        # A compound that stands nowhere is found by its parts.
        assert 3 in index.search("Datenbankkarte").slots.tolist()


def test_the_word_itself_ranks_above_longer_ones(tmp_path, kernel):
    texts = ["Krankenversicherung"] * 3 + ["eine Versicherung hilft immer"] + ["sonst"] * 5
    index = made(tmp_path, texts, Language.GERMAN)
    assert index.search("Versicherung").slots.tolist() == [3, 0, 1, 2]


def test_beginnings_see_what_stemming_cut_off(tmp_path, kernel):
    index = made(tmp_path, ["natural immunity", "immune cells", "commune"], Language.ENGLISH)
    # "immunity" and "immune" have one stem, so both are found by either's beginning.
    assert set(index.search("immuni*").slots.tolist()) == {0, 1}
    assert index.search("immunitx*").slots.tolist() == []


def test_beginnings_of_many_words(tmp_path, kernel):
    texts = [f"pre{i % 90} pre{i % 7} other{i}" for i in range(600)]
    index = made(tmp_path, texts)
    found = index.search("pre*", 600)
    assert sorted(found.slots.tolist()) == list(range(600))
    assert set(found.frequencies[:, 0].tolist()) == {2.0}
    assert len(index.search("pre8*", 600).slots) == sum(
        t.startswith("pre8") or " pre8" in t for t in texts
    )


def test_identifiers_are_found_whole_and_in_parts(tmp_path, kernel):
    texts = ["call read_file here", "readFile", "read a file", "jo@example.com wrote"]
    index = made(tmp_path, texts, Language.AUTO)
    assert index.search("read_file").slots.tolist()[0] == 0
    assert set(index.search("file").slots.tolist()) == {0, 1, 2}
    assert set(index.search('"read file"').slots.tolist()) == {0, 1}
    assert index.search("jo@example.com").slots.tolist() == [3]
    assert index.search("+read_file").slots.tolist() == [0, 1]


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("ab京ก \"+-*_.@'\u0301\n\ud800")))
def test_any_query_has_an_answer(text):
    with TemporaryDirectory() as folder:
        index = made(Path(folder), ["a b", "京ก"], Language.AUTO)
        assert len(index.search(text).slots) <= 2


def test_wrong_arguments_are_named(tmp_path):
    index = made(tmp_path, ["ant"])
    with pytest.raises(InputError, match="k is 0"):
        index.search("ant", 0)
    with pytest.raises(InputError, match="k1 is -1"):
        index.search("ant", k1=-1)
    with pytest.raises(InputError, match="b is 2"):
        index.search("ant", b=2)


def test_without_positions_there_are_no_phrases(tmp_path, kernel):
    index = made(tmp_path, ["ant bee"], positions=False)
    assert index.search("ant").slots.tolist() == [0]
    with pytest.raises(UnsupportedOperation, match="positions=True"):
        index.search('"ant bee"')


def test_an_empty_index_finds_nothing(tmp_path, kernel):
    index = Lexical.create(tmp_path)
    assert len(index) == 0
    assert index.search("ant +bee").slots.tolist() == []
    index.append([""])
    assert index.search("ant").slots.tolist() == []


def test_words_inside_words_count_what_is_asked(tmp_path):
    index = Lexical.create(tmp_path, language="german")
    index.append(["Versicherung", "Krankenversicherungskarte", "Karte"])
    assert index.search("versicherung").slots.tolist() == [0, 1]
    assert index.search("versicherung", inside=0).slots.tolist() == [0]
    more = index.search("versicherung", inside=0.5).scores[1]
    assert more == pytest.approx(5 * index.search("versicherung").scores[1])
    assert index.search("versicherung").slots.tolist() == [0, 1]  # whatever was asked before
    assert len(index.explain("versicherung", 1, inside=0).terms) == 1


@pytest.mark.parametrize("wrong", [{"k1": -1}, {"k1": float("nan")}, {"b": 1.5}, {"inside": -0.1}])
def test_parameters_out_of_range_are_named(wrong):
    with pytest.raises(InputError, match=f"{next(iter(wrong))} is "):
        BM25(**wrong)
