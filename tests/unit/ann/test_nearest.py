"""A whole search by codes: equal in every implementation, and to exact search where it sees all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.ann import library
from nearfield.ann.codes import Codes
from nearfield.ann.exact import Records, exact_search
from nearfield.ann.nearest import ROW_HEAD, UnusableQuery, nearest_by_codes, tail_of
from nearfield.errors import InputError
from nearfield.masks import everything, mask_of, members, pack_mask
from nearfield.metric import Metric

METRICS = list(Metric)


def stored(folder, rows, numbers):
    """A file of records as the store writes them, and what reads it."""
    kind = np.dtype([("row", "<i8"), ("rest", "<i8"), ("vector", "<f4", (rows.shape[1],))])
    records = np.zeros(len(rows), dtype=kind)
    records["row"], records["vector"] = numbers, rows
    path = folder / "records"
    path.write_bytes(b"head" + records.tobytes())
    file = path.open("rb")
    return file, Records(
        file.fileno(), 4 + ROW_HEAD, kind.itemsize, len(rows), rows.shape[1]
    )  # fmt: skip


def coded(folder, rows, metric):
    codes = Codes.create(folder / "codes", dimension=rows.shape[1], metric=metric, sample=rows)
    codes.append(rows)
    return codes


@settings(max_examples=25, deadline=None)
@given(
    n=st.sampled_from([1, 64, 65, 300, 1100]), covered=st.floats(0, 1), ahead=st.integers(0, 40),
    dimension=st.integers(1, 80), metric=st.sampled_from(METRICS), seed=st.integers(0, 2**20),
)  # fmt: skip
def test_all_implementations_give_the_same_bits(
    tmp_path_factory, n, covered, ahead, dimension, metric, seed
):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n + ahead, dimension)).astype(np.float32)
    rows[n // 2 : n] = rows[: n - n // 2]  # many ties
    numbers = rng.permutation(n + ahead) + 1
    folder = tmp_path_factory.mktemp("nearest")
    # Codes behind the records, or ahead of them as those that another process extended.
    codes = coded(folder, rows if ahead else rows[: int(n * covered)], metric)
    file, records = stored(folder, rows[:n], numbers[:n])
    queries = rng.standard_normal((20, dimension)).astype(np.float32)
    mask = pack_mask(rng.random(n) < 0.4)
    answers = []
    for name in ("none", *library.available().kernels):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(library.KERNEL_VARIABLE, name)
            found = [
                nearest_by_codes(codes, records, queries, k, (fine, coarse), allowed)
                for k, fine, coarse in ((1, 3, 9), (7, 20, 40), (12, n + 50, n + 50))
                for allowed in (None, mask)
            ]
            answers.append([a for f in found for a in (f.slots, f.rows, f.scores)])
    for other in answers[1:]:
        for mine, due in zip(other, answers[0], strict=True):
            np.testing.assert_array_equal(mine, due)
    file.close()
    codes.close()


@pytest.mark.parametrize("metric", METRICS)
def test_with_every_slot_a_candidate_it_is_exact_search_in_order_of_age(
    implementation, metric, tmp_path
):
    rng = np.random.default_rng(4)
    rows = rng.standard_normal((700, 24)).astype(np.float32)
    rows[350:] = rows[:350]
    numbers = rng.permutation(700) + 1
    codes = coded(tmp_path, rows[:600], metric)
    file, records = stored(tmp_path, rows, numbers)
    queries = rng.standard_normal((5, 24)).astype(np.float32)
    allowed = pack_mask(rng.random(700) < 0.8)
    found = nearest_by_codes(codes, records, queries, 15, (700, 700), allowed)
    slots, scores = exact_search(rows, queries, 700, metric, allowed)
    for place in range(5):
        there = slots[place][slots[place] >= 0]
        points = scores[place][: len(there)]
        order = np.lexsort((numbers[there], -points))[:15]
        assert found.slots[place].tolist() == there[order].tolist()
        assert found.rows[place].tolist() == numbers[there[order]].tolist()
        assert found.scores[place].tolist() == points[order].tolist()
    file.close()


def test_fewer_than_asked_for_end_with_minus_one(implementation, tmp_path):
    rows = np.eye(3, dtype=np.float32)
    codes = coded(tmp_path, rows[:2], Metric.COSINE)
    file, records = stored(tmp_path, rows, [5, 6, 7])
    found = nearest_by_codes(codes, records, rows[2:], 5, (4, 4), mask_of(np.array([0, 2]), 3))
    assert found.slots.tolist() == [[2, 0, -1, -1, -1]]
    assert found.rows.tolist() == [[7, 5, -1, -1, -1]]
    assert found.scores.tolist() == [[1.0, 0.0, -np.inf, -np.inf, -np.inf]]
    file.close()


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_queries_without_a_direction_are_refused(implementation, value, tmp_path):
    rows = np.eye(3, dtype=np.float32)
    codes = coded(tmp_path, rows, Metric.DOT)
    file, records = stored(tmp_path, rows, [1, 2, 3])
    queries = np.array([[1, 0, 0], [value, value, value]], dtype=np.float32)
    with pytest.raises(UnusableQuery):
        nearest_by_codes(codes, records, queries, 1, (3, 3))
    tiny = np.array([[1e-30, 0, 0]], dtype=np.float32)
    assert nearest_by_codes(codes, records, tiny, 1, (3, 3)).slots.shape == (1, 1)
    with pytest.raises(InputError, match="k is 0"):
        nearest_by_codes(codes, records, queries, 0, (3, 3))
    file.close()


def test_a_record_that_is_cut_off_is_an_error(implementation, tmp_path):
    rows = np.eye(4, dtype=np.float32)
    codes = coded(tmp_path, rows, Metric.COSINE)
    file, records = stored(tmp_path, rows, [1, 2, 3, 4])
    path = tmp_path / "records"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(OSError, match="shorter than expected"):
        nearest_by_codes(codes, records, rows, 4, (4, 4))
    file.close()


def test_the_tail_is_what_is_allowed_behind_the_codes():
    assert tail_of(None, 3, 6).tolist() == [3, 4, 5]
    mask = mask_of(np.array([1, 62, 70, 71, 99]), 100)
    for covered in (0, 1, 2, 63, 70, 71, 100):
        due = [slot for slot in members(mask).tolist() if slot >= covered]
        assert tail_of(mask, covered, 100).tolist() == due
    assert tail_of(everything(100), 98, 99).tolist() == [98]
