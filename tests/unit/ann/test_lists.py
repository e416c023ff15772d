"""Lists of near vectors: equal in every implementation, complete with a long reach, or refused."""

from __future__ import annotations

import numpy as np
import pytest

from nearfield.ann import library
from nearfield.ann.codes import Codes
from nearfield.ann.damage import DamagedIndex
from nearfield.ann.exact import exact_search
from nearfield.ann.lists import EMPTY, Lists
from nearfield.errors import FormatVersionError
from nearfield.masks import pack_mask
from nearfield.metric import Metric

METRICS = list(Metric)
FAR = 1e6


def clustered(n, dimension, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((25, dimension))
    rows = centres[rng.integers(0, 25, n)] + 0.4 * rng.standard_normal((n, dimension))
    return rows.astype(np.float32)


def made(folder, rows, metric, *, listed=None):
    codes = Codes.create(
        folder / "codes", dimension=rows.shape[1], metric=metric, sample=rows[:200]
    )
    codes.append(rows[:listed])
    lists = Lists.build(folder / "lists", codes, rows, b"mine")
    codes.append(rows[len(codes) :])
    return codes, lists


@pytest.mark.parametrize("metric", METRICS)
def test_all_implementations_propose_the_same(metric, tmp_path, monkeypatch):
    rows = clustered(1500, 40)
    queries = rows[:6] + np.float32(0.1)
    codes, lists = made(tmp_path, rows, metric, listed=1290)
    mask = pack_mask(np.random.default_rng(1).random(1500) < 0.3)
    answers = []
    for name in ("none", *library.available().kernels):
        monkeypatch.setenv(library.KERNEL_VARIABLE, name)
        answers.append(
            [
                part
                for reach in (0.0, 1.0, 3.0, FAR)
                for allowed, below in ((None, None), (mask, None), (mask, 1000))
                for found in [
                    codes.search(
                        queries, 9, coarse=30, allowed=allowed, below=below, within=(lists, reach)
                    )
                ]
                for part in (found.slots, found.estimates)
            ]
        )
    for other in answers[1:]:
        for mine, due in zip(other, answers[0], strict=True):
            np.testing.assert_array_equal(mine, due)


@pytest.mark.parametrize("metric", METRICS)
def test_a_long_reach_is_a_scan_of_all(implementation, metric, tmp_path):
    rows = clustered(900, 20)
    codes, lists = made(tmp_path, rows, metric, listed=700)
    mask = pack_mask(np.arange(900) % 3 == 0)
    for allowed in (None, mask):
        given = {"coarse": 60, "allowed": allowed}
        found = codes.search(rows[:5], 12, within=(lists, FAR), **given)
        due = codes.search(rows[:5], 12, **given)
        np.testing.assert_array_equal(found.slots, due.slots)
        np.testing.assert_array_equal(found.estimates, due.estimates)


def test_a_longer_reach_finds_more(implementation, tmp_path):
    rows = clustered(1200, 32)
    codes, lists = made(tmp_path, rows, Metric.COSINE)
    queries = clustered(1240, 32)[1200:]
    truth, _ = exact_search(rows, queries, 10, Metric.COSINE)
    recalls = []
    for reach in (0.0, 1.0, 4.0):
        found = codes.search(queries, 40, within=(lists, reach)).slots
        recalls.append(np.mean([np.isin(t, f).mean() for t, f in zip(truth, found, strict=True)]))
    assert recalls == sorted(recalls)
    assert recalls[-1] >= 0.99


def test_every_slot_stands_in_one_list(tmp_path):
    rows = clustered(1000, 16)
    _, lists = made(tmp_path, rows, Metric.EUCLIDEAN)
    slots = np.concatenate([lists.block(n)[1] for n in range(lists.count)])
    assert sorted(slots[slots != EMPTY].tolist()) == list(range(1000))
    assert (lists.covered, lists.tag) == (1000, b"mine")


def test_vectors_float32_cannot_measure_are_always_proposed(implementation, tmp_path):
    rows = clustered(800, 8)
    rows[[200, 700]] = 3e38
    codes, lists = made(tmp_path, rows, Metric.DOT)
    found = codes.search(rows[:3], 4, within=(lists, 0.0))
    assert (np.isin(found.slots, [200, 700]).sum(axis=1) == 2).all()


def test_no_vectors_and_equal_vectors(implementation, tmp_path):
    rows = np.ones((100, 5), dtype=np.float32)
    codes, lists = made(tmp_path, rows, Metric.EUCLIDEAN)
    assert codes.search(rows[:1], 3, within=(lists, 1.0)).slots.tolist() == [[0, 1, 2]]
    codes, lists = made(tmp_path, rows[:0], Metric.EUCLIDEAN)
    assert codes.search(rows[:1], 2, within=(lists, 1.0)).slots.tolist() == [[-1, -1]]


@pytest.mark.parametrize("offset", [3, 9, 60, 5000, -5])
def test_damage_is_found(offset, tmp_path):
    made(tmp_path, clustered(300, 16), Metric.COSINE)
    path = tmp_path / "lists"
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedIndex, match=r"is not a file|checksum"):
        Lists(path).verify()


def test_other_files_are_refused(tmp_path, monkeypatch):
    made(tmp_path, clustered(300, 16), Metric.COSINE)
    path = tmp_path / "lists"
    Lists(path).verify()
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(DamagedIndex, match="cut off; build it again"):
        Lists(path)
    path.write_bytes(b"")
    with pytest.raises(DamagedIndex, match="cannot be read"):
        Lists(path)
    with pytest.raises(DamagedIndex, match="cannot be read"):
        Lists(tmp_path / "none")
    path.write_bytes(whole)
    monkeypatch.setattr("nearfield.ann.lists.FORMAT", 2)
    with pytest.raises(FormatVersionError, match="has format 1, expected 2"):
        Lists(path)
