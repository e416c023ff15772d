from __future__ import annotations

from pathlib import Path

from nearfield.selection.journal import Journal


def test_events_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "journal.jsonl"
    first = Journal(path, "a")
    first.add("measured", n=1)
    first.add("measured", n=2)
    again = Journal(path, "a")
    assert [event["n"] for event in again.events("measured")] == [1, 2]
    assert again.last("measured") == {"event": "measured", "n": 2}
    assert again.last("nothing") is None


def test_a_line_cut_short_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path, "a").add("measured", n=1)
    with path.open("a") as file:
        file.write('{"event": "measured", "n"')
    again = Journal(path, "a")
    assert [event["n"] for event in again.events("measured")] == [1]
    again.add("measured", n=2)
    assert [event["n"] for event in Journal(path, "a").events("measured")] == [1, 2]


def test_another_experiment_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path, "a").add("measured", n=1)
    assert not list(Journal(path, "b").events("measured"))
    path.write_text("no JSON\n")
    assert [event["event"] for event in Journal(path, "b").events("begun")] == ["begun"]


def test_what_runs_took_is_remembered(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl", "a")
    assert journal.spent == 0.0
    journal.add("measured", spent=2.5)
    journal.add("interrupted", spent=4.0)
    assert Journal(journal.path, "a").spent == 4.0
    journal.begin()
    assert Journal(journal.path, "a").spent == 0.0
