from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfield.models.remote.pace import Pace
from nearfield.models.remote.retry import RetryPolicy, retry_after


def test_success_raises_the_limit_slowly_and_429_halves_it() -> None:
    pace = Pace(4, 16)
    for _ in range(4):
        pace.went_well({})
    assert pace.limit == 4
    pace.went_well({})
    assert pace.limit == 5
    pace.was_too_fast(None)
    assert pace.limit == 2
    for _ in range(10):
        pace.was_too_fast(None)
    assert pace.limit == 1
    for _ in range(1000):
        pace.went_well({})
    assert pace.limit == 16


def test_everybody_waits_as_long_as_the_server_asks() -> None:
    now = [100.0]
    pace = Pace(4, 16, clock=lambda: now[0])
    pace.was_too_fast(7.0)
    assert pace._resume == 107.0
    pace.went_well({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m30s"})
    assert pace._resume == 160.0  # no header holds back for more than a minute
    pace.went_well({"x-ratelimit-remaining-tokens": "12", "x-ratelimit-reset-tokens": "1h"})
    assert pace._resume == 160.0


def test_no_more_than_the_limit_are_under_way() -> None:
    pace, most, at_once, lock = Pace(3, 3), 0, 0, threading.Lock()

    def work() -> None:
        nonlocal most, at_once
        with pace.slot():
            with lock:
                at_once += 1
                most = max(most, at_once)
            threading.Event().wait(0.005)
            with lock:
                at_once -= 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert most == 3


@given(st.integers(1, 30), st.floats(0, 0.999), st.one_of(st.none(), st.floats(0, 100)))
def test_waits_stay_in_their_bounds(failures: int, draw: float, asked: float | None) -> None:
    policy = RetryPolicy(6, 0.5, 30.0, 120.0)
    wait = policy.wait(failures, asked, draw)
    least = asked or 0.0
    assert least <= wait <= least + min(30.0, 0.5 * 2 ** (failures - 1))


@pytest.mark.parametrize("value", ["nan", "inf", "", "soon", "Thu, 99 Jan"])
def test_unreadable_waits_count_as_none(value: str) -> None:
    assert retry_after({"retry-after": value}) is None


def test_a_wait_in_the_past_is_no_wait() -> None:
    assert retry_after({"retry-after": "-5"}) == 0.0
    assert retry_after({"retry-after": "Thu, 01 Jan 1970 00:00:01 GMT"}) == 0.0
