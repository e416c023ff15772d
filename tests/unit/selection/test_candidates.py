from __future__ import annotations

import pytest

from nearfield.collection.options import Chunking
from nearfield.errors import InputError, UnknownName
from nearfield.search.options import Mode
from nearfield.selection.candidates import Grid, Prompts, chunkers_of, dimensions_of, storages_of
from nearfield.selection.limits import Limits, bytes_of, seconds_of
from nearfield.types import ModelCard, Role

CARD = ModelCard("a", 64, None, "f" * 64, True)
PROMPTED = ModelCard("b", 32, None, "e" * 64, True, prompts={Role.QUERY: "query: "})


def test_everything_is_combined_and_words_need_no_model() -> None:
    grid = Grid(("a", "b"), (Chunking("tokens", 10), Chunking("tokens", 20)))
    found, left = grid.pipelines({("a", "auto"): CARD, ("b", "auto"): PROMPTED}, 100)
    dense = [each for each in found if each.search.mode is Mode.DENSE]
    words = [each for each in found if each.search.mode is Mode.LEXICAL]
    assert len(dense) == 2 + 2 * 2  # b with and without its prompt
    assert len(words) == 2
    assert {each.model.name for each in words} == {"a"}
    assert len({each.key for each in found}) == len(found) == 14
    assert not left
    # Every model comes before the second chunker.
    assert [each.model.name for each in found[:5]] == ["a", "a", "a", "b", "b"]


def test_what_a_model_cannot_do_is_told() -> None:
    grid = Grid(("b",), dimensions=(None, 16, 48), prompts=(Prompts.CARD,), modes=(Mode.DENSE,))
    found, left = grid.pipelines({("b", "auto"): PROMPTED}, 100)
    assert {each.model.dimensions for each in found} == {None, 16}
    assert [(each.what, each.why) for each in left] == [("b@48", "it has 32 dimensions")]


def test_many_passages_are_tried_with_codes() -> None:
    grid = Grid(("a",), (Chunking(),), modes=(Mode.DENSE,))
    few, _ = grid.pipelines({("a", "auto"): CARD}, 10_000)
    many, _ = grid.pipelines({("a", "auto"): CARD}, 10_001)
    assert [str(each.storage) for each in few] == ["exact"]
    assert [str(each.storage) for each in many] == ["exact", "quantised, recall 0.99"]


@pytest.mark.parametrize("text", ["", "tokens:x", "tokens:10+y"])
def test_bad_chunkers(text: str) -> None:
    with pytest.raises(InputError):
        chunkers_of(text)


def test_unknown_words_are_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean 'recursive'"):
        chunkers_of("recursiv:10")
    with pytest.raises(InputError, match="expected one of"):
        storages_of("fast")
    with pytest.raises(InputError, match="no storage"):
        storages_of("quantised:much")
    with pytest.raises(InputError, match="no whole number"):
        dimensions_of("all")


def test_sizes_and_durations() -> None:
    assert (bytes_of("1.5 GiB"), bytes_of("10kB")) == (1610612736, 10_000)
    assert (seconds_of("1.5h"), seconds_of("250us")) == (5400.0, pytest.approx(0.00025))
    for text in ("", "0", "-1s", "10 parsecs"):
        with pytest.raises(InputError):
            seconds_of(text)
    with pytest.raises(InputError, match="expected a unit"):
        bytes_of("10 m")


def test_limits_say_both_values() -> None:
    limits = Limits(memory=10**8, latency=0.02)
    assert limits.broken(0.01, 10**8) == ""
    assert limits.broken(0.01, 2 * 10**8) == "takes 200 MB of memory, the limit is 100 MB"
    assert limits.broken(0.05, 0) == "takes 50.0 ms a question, the limit is 20 ms"
