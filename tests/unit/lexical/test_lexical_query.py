from hypothesis import given
from hypothesis import strategies as st

from nearfield.lexical.query import Kind, Need, Part, parse


def test_plain_text_is_one_part():
    assert parse("what is drag?") == [Part(Need.OPTIONAL, Kind.WORDS, "what is drag?")]


def test_signs_phrases_and_beginnings():
    assert parse('+wing -"slip stream" "a b" aero* +ro* -x') == [
        Part(Need.REQUIRED, Kind.WORDS, "wing"),
        Part(Need.EXCLUDED, Kind.PHRASE, "slip stream"),
        Part(Need.OPTIONAL, Kind.PHRASE, "a b"),
        Part(Need.OPTIONAL, Kind.PREFIX, "aero"),
        Part(Need.REQUIRED, Kind.PREFIX, "ro"),
        Part(Need.EXCLUDED, Kind.WORDS, "x"),
    ]


def test_what_is_no_sign_is_text():
    assert [part.text for part in parse('5" pipe')] == ['5"', "pipe"]
    kinds = {(part.need, part.kind) for part in parse('--flag C++ a-b - + * "open')}
    assert kinds == {(Need.OPTIONAL, Kind.WORDS)}


def test_typographic_quotation_marks():
    assert parse("„ein Satz“") == [Part(Need.OPTIONAL, Kind.PHRASE, "ein Satz")]


@given(st.text(st.sampled_from('ab "+-*\u201c\n')))
def test_any_text_is_a_query(text):
    assert all(part.text for part in parse(text)) or not any(c in text for c in '"+-*\u201c')
