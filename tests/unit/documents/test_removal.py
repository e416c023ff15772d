"""Taking parts out of a text: what is left, and where its places went."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nearfield.documents.removal import askable, without

TEXT = "One is here. Two is there. Three is far."


def test_a_sentence_goes_with_the_space_behind_it() -> None:
    assert without(TEXT, [(13, 26)]).text == "One is here. Three is far."
    assert without(TEXT, []).text == TEXT
    assert without(TEXT, [(0, 20), (13, 26)]).text == "Three is far."


@given(
    st.text(alphabet="ab \n", max_size=40),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=5),
)
def test_places_that_stay_keep_their_character(text: str, raw: list[tuple[int, int]]) -> None:
    parts = [(min(pair), min(max(pair), len(text))) for pair in raw]
    parts = [(start, end) for start, end in parts if start < end]
    shortened = without(text, parts)
    gone = {at for start, end in shortened.cuts for at in range(start, end)}
    assert shortened.text == "".join(c for at, c in enumerate(text) if at not in gone)
    assert {at for start, end in parts for at in range(start, end)} <= gone
    last = 0
    for at in range(len(text) + 1):
        assert shortened.position(at) >= last
        last = shortened.position(at)
        if at < len(text) and at not in gone:
            assert shortened.text[shortened.position(at)] == text[at]
    assert last == len(shortened.text)


def test_short_texts_have_nothing_to_ask() -> None:
    assert askable("Only one sentence of many words stands here.")[1] == []
    assert askable("One. Two. Three.")[1] == []
    assert askable("The first sentence has six words. Two. Three.")[1] == [0]
