"""Segments made in C and by NumPy are the same to the byte, whatever stands in the texts."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nearfield.lexical import Language, available
from nearfield.lexical.analysis import Analyzer
from nearfield.lexical.container import Container
from nearfield.lexical.inverting import Inverter
from nearfield.lexical.library import KERNEL_VARIABLE
from nearfield.lexical.merging import merge
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KERNEL_VARIABLE, kernel)
        inverter, found, first = Inverter(Analyzer(language), positions=positions), [], 7
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
