"""Collections that are small and still have every derived part: limits are lowered."""

from __future__ import annotations

import pytest

from nearfield.stores.local import paths
from nearfield.stores.local.derived import building, following, tuning
from nearfield.stores.local.derived.tuning import Tuning

EXACT_MOST = 300


@pytest.fixture
def low_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes from 301 vectors on, background steps of 256 slots, readers that look each time."""
    monkeypatch.setattr(building, "EXACT_MOST", EXACT_MOST)
    monkeypatch.setattr(paths, "EXACT_MOST", EXACT_MOST)
    monkeypatch.setattr(building, "_STEP", 256)
    monkeypatch.setattr(following, "_LOOK_AGAIN", 0.0)


@pytest.fixture
def lists_from(monkeypatch: pytest.MonkeyPatch) -> int:
    """Lists from 600 vectors on, in use even if a scan were faster."""
    monkeypatch.setattr(building, "LISTS_LEAST", 600)
    monkeypatch.setattr(tuning, "_WORTH", float("inf"))
    return 600


@pytest.fixture
def every_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many candidates that the quantised path misses nothing: it must equal exact search."""

    def candidates(
        self: Tuning, k: int, *, filtered: bool = False, in_lists: bool = False
    ) -> tuple[int, int]:
        return 20_000, 20_000

    monkeypatch.setattr(Tuning, "candidates", candidates)
