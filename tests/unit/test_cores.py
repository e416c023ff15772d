"""How many cores are left."""

from __future__ import annotations

from pathlib import Path

import pytest

from nearfield import cores


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "usable_cores", lambda: 4)


@pytest.mark.parametrize(
    ("running", "idle"),
    [(1, 4), (2, 3), (4, 1), (5, 1), (90, 1)],  # one of those that run is the one that asks
)
def test_what_runs_just_now_is_left_alone(
    running: int, idle: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = tmp_path / "loadavg"
    loads.write_text(f"3.25 1.50 0.75 {running}/812 4711\n")  # the averages do not count
    monkeypatch.setattr(cores, "_RUNNING", loads)
    assert cores.idle_cores() == idle


def test_the_average_counts_where_nothing_better_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "_RUNNING", tmp_path / "none")
    monkeypatch.setattr(cores.os, "getloadavg", lambda: (1.9, 0.0, 0.0), raising=False)
    assert cores.idle_cores() == 3
