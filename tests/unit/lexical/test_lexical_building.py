"""Segments made in C and by NumPy are the same to the byte, whatever stands in the texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nearfield.lexical import Impacts, Language, Lexical, available
from nearfield.lexical.analysis import Analyzer
from nearfield.lexical.container import Container
from nearfield.lexical.inverting import Inverter
from nearfield.lexical.library import KERNEL_VARIABLE
from nearfield.lexical.merging import GONE, merge, renumber
from nearfield.lexical.segment import Segment
from nearfield.lexical.wordtable import WordTable
from nearfield.masks import pack_mask

compiled = pytest.mark.skipif(not available().usable, reason=available().reason)

# Few letters, so that words, their parts and their spellings meet again; and every sign that means
# something: joints, suffixes, letters with marks, other scripts, what UTF-8 cannot write.
PLAIN = "aAbBcdeElLmnrsStTvV019''..,,--__@@++##  \n"
ODD = PLAIN + "éÉßß’‐‑́東京ที่ﬁ０ĳǅ\ud800\U0001f600"
texts = st.lists(st.text(PLAIN, max_size=60) | st.text(ODD, max_size=30), max_size=12)
languages = st.sampled_from([Language.AUTO, Language.GERMAN, Language.FRENCH, Language.NONE])


def made(batches, language, kernel, *, positions=True):
    """The segments of batches, one behind the other, by one inverter."""
    return made_from(7, batches, kernel, language, positions=positions)


def made_from(first, batches, kernel, language=Language.AUTO, *, positions=True):
    """The same of slots from another one than 7 on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KERNEL_VARIABLE, kernel)
        inverter, found = Inverter(Analyzer(language), positions=positions), []
        for batch in batches:
            found.append(bytes(inverter.segment(batch, first)))
            first += len(batch)
        return found


def opened(data):
    return [Segment(Container(bytearray(each), "made")) for each in data]


@compiled
@settings(max_examples=150, deadline=None)
@given(st.lists(texts, min_size=1, max_size=3), languages, st.booleans())
@example([["Don't read_file readFile's C++ c# U.S.A. 1,000.5 1,00 a,b,A e-mail ___"]], "auto", True)
@example([["HTTPServer mRNA pH jo@home x" + 70 * "y", "", 300 * "a "]], "english", True)
@example([["Schön schon schön", "SCHÖN-schon"], ["schon"]], "german", False)
def test_both_make_the_same_segments(batches, language, positions):
    by_numpy = made(batches, Language.of(language), "none", positions=positions)
    assert made(batches, Language.of(language), "plain", positions=positions) == by_numpy


@compiled
@settings(max_examples=60, deadline=None)
@given(st.lists(texts, min_size=2, max_size=5), st.randoms(use_true_random=False), st.booleans())
def test_both_merge_to_the_same_segment(batches, random, drop):
    segments = opened(made(batches, Language.AUTO, "none"))
    end = segments[-1].end
    dead = pack_mask([random.random() < 0.4 for _ in range(end)]) if drop else None
    found = []
    for kernel in ("none", "plain"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(KERNEL_VARIABLE, kernel)
            found.append(bytes(merge(segments, dead)))
    assert found[0] == found[1]


@compiled
def test_long_lists_are_merged_across_blocks():
    batches = [[f"often {'twice twice' if i % 3 else ''} {i}" for i in range(n)] for n in (500, 77)]
    segments = opened(made(batches, Language.NONE, "plain"))
    (merged,) = opened([merge(segments)])
    often, twice = (merged.read(merged.find(key)) for key in (b"often", b"twice"))
    assert often.slots.tolist() == list(range(577))
    assert set(twice.frequencies.tolist()) == {2.0}
    assert twice.count == sum(i % 3 > 0 for i in range(500)) + sum(i % 3 > 0 for i in range(77))
    assert bytes(merge(segments)) == made([batches[0] + batches[1]], Language.NONE, "plain")[0]


def test_a_segment_holds_terms_spellings_and_positions():
    (segment,) = opened(made([["Running dogs", "a dog's run"]], Language.ENGLISH, "none"))
    assert segment.keys.all() == [b"a", b"dog", b"run"]
    assert dict(segment.spellings()) == {b"running": 2, b"dogs": 1}
    assert segment.lengths.tolist() == [2, 3]
    dog = segment.find(b"dog")
    assert segment.read(dog).slots.tolist() == [0, 1]
    assert segment.positions(dog, segment.read(dog).frequencies).tolist() == [1, 1]


@compiled
def test_words_are_asked_about_once(monkeypatch):
    asked = []
    analyse = Analyzer.analyse
    monkeypatch.setattr(
        Analyzer, "analyse", lambda self, raw: asked.append(raw) or analyse(self, raw)
    )
    made([["naïve café naïve", "plain"], ["café naïve plain"]], Language.AUTO, "plain")
    assert sorted(asked) == ["café", "naïve"]  # the library knows what ASCII stands for


@compiled
def test_many_words_are_forgotten(monkeypatch):
    monkeypatch.setattr("nearfield.lexical.inverting._REMEMBERED", 3)
    tables = []
    learn = WordTable.learn
    monkeypatch.setattr(
        WordTable, "learn", lambda self, analyzer: tables.append(self) or learn(self, analyzer)
    )
    batches = [["one two three four"], ["five one"], ["two"]]
    assert made(batches, Language.AUTO, "plain") == made(batches, Language.AUTO, "none")
    assert [table is tables[1] for table in tables] == [False, True, True]


@compiled
@settings(max_examples=60, deadline=None)
@given(st.lists(texts, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_slots_are_renumbered_as_if_texts_had_come_in_another_order(batches, random):
    segments = opened(made_from(0, batches, "none"))
    flat = [text for batch in batches for text in batch]
    order = [slot for slot in range(len(flat)) if random.random() < 0.7]
    random.shuffle(order)
    targets = np.full(len(flat), GONE)
    targets[order] = np.arange(len(order))
    found = []
    for kernel in ("none", "plain"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(KERNEL_VARIABLE, kernel)
            found.append(bytes(renumber(segments, targets, len(order))))
    assert found[0] == found[1]
    # Spellings may differ: the last word that has one decides. All else is as if made afresh.
    (one,), (other,) = opened(found[:1]), opened(made_from(0, [[flat[i] for i in order]], "none"))
    assert one.keys.all() == other.keys.all()
    assert one.lengths.tolist() == other.lengths.tolist()
    for key in one.keys.all():
        mine, theirs = one.read(one.find(key)), other.read(other.find(key))
        assert mine.slots.tolist() == theirs.slots.tolist()
        assert mine.frequencies.tolist() == theirs.frequencies.tolist()
        assert (
            one.positions(one.find(key), mine.frequencies).tolist()
            == other.positions(other.find(key), theirs.frequencies).tolist()
        )


def test_a_carried_index_ends_before_the_first_text_that_it_lacks(tmp_path):
    index = Lexical.create(tmp_path / "a")
    index.append(["ant", "bee", "cod"])
    # Slot 0 went; 3 and 4 are not covered; 3 comes before 2 in the new order.
    targets = np.array([GONE, 0, 2, 1, 3], dtype=np.uint32)
    assert index.carry(tmp_path / "b", targets, tag="other") == 1
    carried = Lexical.open(tmp_path / "b", write=True)
    assert (carried.tag, carried.counted, carried.stored) == ("other", 1, 1)
    assert carried.search("bee cod").slots.tolist() == [0]
    carried.append(["dog", "cod"])
    assert carried.search("cod").slots.tolist() == [2]
    weights = Impacts.create(tmp_path / "c")
    weights.append([{1: 1.0}, {2: 1.0}, {1: 2.0}])
    assert weights.carry(tmp_path / "d", np.array([1, GONE, 0], dtype=np.uint32)) == 2
    found = Impacts.open(tmp_path / "d").search({1: 1.0})
    assert (found.slots.tolist(), found.scores.tolist()) == ([0, 1], [2.0, 1.0])
