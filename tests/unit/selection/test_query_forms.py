from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.selection.doubles import Author, Ticking, collection, loader, models

from nearfield.cli.choose_options import AskedGrid
from nearfield.collection.asking import Expansion
from nearfield.collection.options import Chunking
from nearfield.errors import InputError
from nearfield.models.cache import VectorCache
from nearfield.rag.generators import registry
from nearfield.search.options import Mode
from nearfield.selection import toml
from nearfield.selection.candidates import Grid
from nearfield.selection.choose import choose
from nearfield.selection.decision import text, words
from nearfield.selection.decision.late import late_steps
from nearfield.selection.decision.record import Decision
from nearfield.selection.pipeline import AskChoice, ModelChoice, Pipeline
from nearfield.selection.request import Request
from nearfield.selection.writing import Writer

GRID = Grid(
    ("good",),
    (Chunking("tokens", 50),),
    modes=(Mode.DENSE,),
    expansions=(Expansion.HYDE, Expansion.MULTI_QUERY),
    generator="author.gguf",
)


def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, author: Author, *, grid: Grid = GRID
) -> Decision:
    monkeypatch.setattr(registry, "load", lambda name: author)
    return choose(
        Request(collection(tmp_path / "judged"), grid, budget=1000.0),
        tmp_path / "out",
        cache=VectorCache(tmp_path / "vectors"),
        load=loader(models()),
        clock=author.clock,
        probing=False,
        written=tmp_path / "written.sqlite",
    )


def test_forms_are_tried_behind_the_leader_and_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    author = Author("author.gguf", Ticking(), 0.25)
    found = run(tmp_path, monkeypatch, author)
    late = {t.pipeline.late_step: t for t in found.trials if t.pipeline.is_late}
    assert set(late) == {"hyde", "multi-query"}
    assert all(len(trial.scores) == 40 for trial in late.values())
    asked = [each for each in author.asked if "cold snow" not in each]  # those only measure time
    assert len(asked) == len(set(asked)) == 2 * 40
    assert all(0.25 < trial.quantile(0.5) < 0.3 for trial in late.values())
    for step in late_steps(found):
        plain = next(t for t in found.trials if t.key == step.trial.pipeline.plain.key)
        assert step.seconds > 0.25 > plain.quantile(0.5)
        gains = step.trial.vector(found.choice.questions) - plain.vector(found.choice.questions)
        assert step.gain.mean == pytest.approx(gains.mean())
    assert sum("written by author.gguf" in reason for reason in words.reasons(found)) == 2
    assert {f.name for f in found.plan.late} == {
        "hyde by author.gguf",
        "multi-query by author.gguf",
    }
    assert "hyde" in text.render(found)


def test_texts_of_an_earlier_run_cost_a_question_what_writing_takes(tmp_path: Path) -> None:
    clock = Ticking(0.0)
    first = Writer(Author("author", clock, 2.0), clock, tmp_path / "written.sqlite")
    texts, seconds = first.expand(Expansion.HYDE, "parka price")
    assert texts == ("parka price", "This text tells the parka of the price.") and seconds == 2.0
    author = Author("author", clock, 3.0)
    again = Writer(author, clock, tmp_path / "written.sqlite").expand(Expansion.HYDE, "parka price")
    assert again == (texts, 3.0) and len(author.asked) == 1  # once, to know what it takes


def test_a_pipeline_with_a_form_comes_back_from_its_file() -> None:
    plain = Pipeline(ModelChoice("good"))
    asked = Pipeline(ModelChoice("good"), ask=AskChoice(Expansion.HYDE, "author"))
    assert "[ask]" not in toml.dumps(plain)
    assert '[ask]\nexpansion = "hyde"\ngenerator = "author"\n' in toml.dumps(asked)
    assert toml.loads(toml.dumps(asked)) == asked and asked.plain == plain
    assert asked.key != plain.key and "hyde › dense" in asked.label
    with pytest.raises(InputError, match="needs a generator"):
        AskChoice(Expansion.HYDE)


def test_a_hosted_generator_is_asked_nothing_beyond_what_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    author = Author("openai:gpt-4o-mini", Ticking(), 0.25)
    grid = Grid(
        GRID.models,
        GRID.chunkers,
        modes=GRID.modes,
        expansions=(Expansion.HYDE,),
        generator="openai:gpt-4o-mini#price=1000",
    )
    found = run(tmp_path, monkeypatch, author, grid=grid)
    assert not author.asked and not late_steps(found)
    why = next(each.why for each in found.not_tried if each.what.startswith("hyde by openai"))
    assert "nothing was sent" in why and "$0.00 are allowed; raise --max-money" in why


def test_forms_are_an_option_that_needs_something_to_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def asked(forms: str | None, generator: str | None) -> Grid:
        nothing = (None,) * 8
        return AskedGrid(*nothing, forms, generator).over(Grid(("good",)))

    monkeypatch.setattr(registry, "default_generator", lambda: None)
    assert asked(None, None).expansions == asked("none", None).expansions == ()
    with pytest.raises(InputError, match="none is here"):
        asked("hyde", None)
    assert asked("hyde,decompose", "author").expansions == (Expansion.HYDE, Expansion.DECOMPOSE)
    with pytest.raises(ValueError, match="hyd"):
        asked("hyd", "author")
