"""Quantised vectors: equal in every implementation, within their bounds, good enough to recall."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.ann import library, with_numpy
from nearfield.ann.codes import Codes
from nearfield.ann.exact import exact_search, rescore
from nearfield.ann.space import Space
from nearfield.errors import DimensionMismatch, InputError
from nearfield.masks import pack_mask
from nearfield.metric import Metric

METRICS = list(Metric)


def made(folder, rows, metric, *, seed=0, sample=None):
    codes = Codes.create(
        folder / "codes", dimension=rows.shape[1], metric=metric, seed=seed,
        sample=rows if sample is None else sample,
    )  # fmt: skip
    codes.append(rows)
    return codes


def clustered(rng, n, dimension, *, inner=12, clusters=30):
    """Points near low-dimensional patches, as embeddings of texts are."""
    centres = rng.standard_normal((clusters, dimension))
    patches = rng.standard_normal((clusters, inner, dimension))
    which = rng.integers(0, clusters, n)
    inside = np.einsum("ni,nid->nd", rng.standard_normal((n, inner)), patches[which])
    noise = rng.standard_normal((n, dimension))
    return (3.0 * centres[which] + inside + 0.2 * noise + 0.5).astype(np.float32)


def all_bytes(codes):
    return np.concatenate(codes._mapped[0])


@settings(max_examples=15, deadline=None)
@given(
    n=st.sampled_from([1, 63, 64, 65, 300, 1025, 1500]), dimension=st.integers(1, 200),
    metric=st.sampled_from(METRICS), seed=st.integers(0, 2**20),
)  # fmt: skip
def test_all_implementations_give_the_same_bytes_and_candidates(
    tmp_path_factory, n, dimension, metric, seed
):
    rng = np.random.default_rng(seed)
    rows = (rng.standard_normal((n, dimension)) * 3 + 1).astype(np.float32)
    rows[n // 2 :] = rows[: n - n // 2]
    rows[n // 3] = 0.0
    queries = rng.standard_normal((3, dimension)).astype(np.float32)
    mask = pack_mask(rng.random(n) < 0.5)
    folder = tmp_path_factory.mktemp("codes")
    answers = []
    for name in ("none", *library.available().kernels):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(library.KERNEL_VARIABLE, name)
            codes = made(folder, rows, metric, seed=seed)
            found = [
                codes.search(queries, 7, coarse=c, allowed=m) for c in (7, 40) for m in (None, mask)
            ]
            answers.append([all_bytes(codes), *(a for f in found for a in (f.slots, f.estimates))])
            codes.close()
    for other in answers[1:]:
        for mine, due in zip(other, answers[0], strict=True):
            np.testing.assert_array_equal(mine, due)


@pytest.mark.parametrize("dimension", [768, 1024, 4160])
def test_wide_vectors_stay_inside_of_their_integers(dimension, tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((70, dimension)).astype(np.float32)
    answers = []
    for name in ("none", *library.available().kernels):
        monkeypatch.setenv(library.KERNEL_VARIABLE, name)
        codes = made(tmp_path, rows, Metric.COSINE)
        found = codes.search(rows[:5], 3, coarse=6)
        assert found.slots[:, 0].tolist() == [0, 1, 2, 3, 4]
        assert found.estimates[:, 0] == pytest.approx(1.0, abs=0.02)
        answers.append(found)
        codes.close()
    for other in answers[1:]:
        np.testing.assert_array_equal(other.estimates, answers[0].estimates)


@pytest.mark.parametrize("metric", METRICS)
def test_recall_with_the_defaults(implementation, metric, tmp_path):
    rng = np.random.default_rng(2)
    data = clustered(rng, 6050, 96)
    rows, queries = data[:6000], data[6000:]
    codes = made(tmp_path, rows, metric, sample=rows[:500])
    truth, scores = exact_search(rows, queries, 10, metric)
    proposed = codes.search(queries, 30)
    slots, again = rescore(rows, queries, proposed.slots, metric, 10)
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(slots, truth, strict=True)])
    assert recall >= 0.995
    assert (again <= scores).all()


@pytest.mark.parametrize("metric", METRICS)
def test_estimates_are_near_and_unbiased(metric, tmp_path):
    """The error of a 4-bit estimate: 0.1 |r| |q| / √width typically, nothing on average."""
    rng = np.random.default_rng(3)
    rows = clustered(rng, 400, 128)
    query = rows[:1] + rng.standard_normal((1, 128)).astype(np.float32)
    slots, scores = exact_search(rows, query, 400, metric)
    errors = []
    for seed in range(8):
        codes = made(tmp_path, rows, metric, seed=seed)
        found = codes.search(query, 400, coarse=400)
        estimates = np.empty(400)
        estimates[found.slots[0]] = found.estimates[0]
        errors.append(estimates[slots[0]] - scores[0])
        codes.close()
    size = np.abs(scores).max()
    assert np.abs(errors).max() < 0.06 * size
    assert abs(np.mean(errors)) < 0.002 * size


def test_one_bit_estimates_are_within_the_bound_of_the_paper(tmp_path):
    """|error| ≤ ε |r| |q| √((1 - a²) / a²) / √(width - 1), a = <s, r> / (√width |r|).

    ε = 4 leaves out less than one in ten thousand (RaBitQ, theorem 3.2).
    """
    rng = np.random.default_rng(4)
    rows = clustered(rng, 500, 128)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    query = rows[0] + 0.3 * rng.standard_normal(128).astype(np.float32)
    outside = 0
    for seed in range(4):
        codes = made(tmp_path, rows, Metric.COSINE, seed=seed)
        space = codes.space
        ready = with_numpy.prepare(space, query)
        residuals = space.rotated(space.placed(rows) - space.centre)
        lengths = np.linalg.norm(residuals, axis=1)
        a = np.abs(residuals).sum(axis=1) / (np.sqrt(space.width) * lengths)
        one_bit = lengths**2 / np.abs(residuals).sum(axis=1)
        estimates = one_bit * (np.sign(residuals) @ ready.coarse) * ready.coarse_step
        bound = lengths * np.linalg.norm(ready.rotated) * np.sqrt((1 - a**2) / a**2 / 127)
        outside += int((np.abs(estimates - residuals @ ready.rotated) > 4 * bound).sum())
        codes.close()
    assert outside <= 1


def test_a_rotation_keeps_lengths_and_angles():
    for dimension in (1, 64, 100, 384, 700):
        rows = np.random.default_rng(5).standard_normal((4, dimension)).astype(np.float32)
        space = Space.around(rows, Metric.EUCLIDEAN, seed=9)
        padded = np.zeros((4, space.width), dtype=np.float32)
        padded[:, :dimension] = rows
        turned = space.rotated(padded)
        np.testing.assert_allclose(turned @ turned.T, rows @ rows.T, atol=1e-4 * dimension)
        if dimension > 1:
            assert not np.allclose(turned[:, :dimension], rows, atol=0.1)


def test_the_rotation_follows_from_the_seed():
    rows = np.ones((1, 64), dtype=np.float32)
    same = [Space.around(rows, Metric.DOT, seed=s).signs for s in (7, 7, 8)]
    np.testing.assert_array_equal(same[0], same[1])
    assert (same[0] != same[2]).any()
    # SplitMix64 of seed 0 starts with 0xE220A8397B1DCDAF: the lowest bits are 1111 0101.
    assert Space.around(rows, Metric.DOT, seed=0).signs[0, :8].tolist() == [
        1,
        1,
        1,
        1,
        -1,
        1,
        -1,
        1,
    ]


@pytest.mark.parametrize("share", [0.5, 0.1, 0.02, 0.0])
def test_only_allowed_slots_are_proposed(implementation, share, tmp_path):
    rng = np.random.default_rng(6)
    rows = clustered(rng, 3000, 40)
    codes = made(tmp_path, rows, Metric.COSINE)
    wanted = rng.random(3000) < share
    found = codes.search(rows[:4], 25, coarse=100, allowed=pack_mask(wanted))
    truth, _ = exact_search(rows, rows[:4], 10, Metric.COSINE, pack_mask(wanted))
    for slots, true in zip(found.slots, truth, strict=True):
        there = slots[slots >= 0]
        assert wanted[there].all()
        assert len(set(there)) == len(there) == min(25, wanted.sum())
        assert len(set(there) & set(true)) >= 0.9 * (true >= 0).sum()


def test_appending_in_pieces_is_appending_at_once(implementation, tmp_path):
    rows = np.random.default_rng(7).standard_normal((2100, 20)).astype(np.float32)
    codes = made(tmp_path, rows, Metric.DOT)
    whole = all_bytes(codes).copy()
    other = Codes.create(tmp_path / "other", dimension=20, metric=Metric.DOT, sample=rows)
    strided = np.zeros((2100, 24), dtype=np.float32)
    strided[:, 4:] = rows
    for start, end in ((0, 1), (1, 64), (64, 65), (65, 65), (65, 1023), (1023, 1024), (1024, 2100)):
        other.append(strided[start:end, 4:])
        assert len(other) == end
        assert other.verify() == ()
    np.testing.assert_array_equal(all_bytes(other), whole)


def test_vectors_float32_cannot_measure_are_always_proposed(implementation, tmp_path):
    rows = np.random.default_rng(8).standard_normal((300, 8)).astype(np.float32)
    rows[200] = 3e38
    codes = made(tmp_path, rows, Metric.DOT, sample=rows[:100])
    found = codes.search(rows[:2], 3, coarse=5)
    assert (found.slots == 200).any(axis=1).all()
    assert not np.isnan(found.estimates).any()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("factor", [0.0, 1e-30, 1e30])
def test_extreme_queries_give_no_nan(implementation, metric, factor, tmp_path):
    rows = np.random.default_rng(9).standard_normal((200, 8)).astype(np.float32)
    codes = made(tmp_path, rows, metric)
    found = codes.search(rows[:2] * np.float32(factor), 5)
    assert not np.isnan(found.estimates).any()
    assert ((found.slots >= 0) & (found.slots < 200)).all()


def test_equal_vectors_and_an_empty_collection(implementation, tmp_path):
    rows = np.ones((100, 5), dtype=np.float32)
    codes = Codes.create(tmp_path / "codes", dimension=5, metric=Metric.EUCLIDEAN, sample=rows[:0])
    assert codes.search(rows[:1], 2).slots.tolist() == [[-1, -1]]
    codes.append(rows)
    assert codes.search(rows[:1], 4).slots.tolist() == [[0, 1, 2, 3]]


def test_searches_run_beside_appends(tmp_path):
    rows = np.random.default_rng(10).standard_normal((5000, 32)).astype(np.float32)
    codes = Codes.create(tmp_path / "codes", dimension=32, metric=Metric.COSINE, sample=rows)
    codes.append(rows[:700])
    faults = []

    def ask():
        for _ in range(40):
            count = len(codes)
            found = codes.search(rows[600:602], 5).slots
            if found[:, 0].tolist() != [600, 601] or found.max() >= len(codes) or count < 700:
                faults.append(found)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for start in range(700, 5000, 100):
        codes.append(rows[start : start + 100])
    for thread in threads:
        thread.join()
    assert not faults
    assert codes.search(rows[-1:], 1).slots.tolist() == [[4999]]


def test_mistakes_are_told(tmp_path):
    rows = np.ones((3, 2), dtype=np.float32)
    codes = made(tmp_path, rows, Metric.DOT)
    with pytest.raises(DimensionMismatch, match=r"expected \(n, 2\)"):
        codes.append(np.ones((1, 3), dtype=np.float32))
    with pytest.raises(DimensionMismatch, match="sample has shape"):
        Codes.create(tmp_path / "x", dimension=3, metric=Metric.DOT, sample=rows)
    with pytest.raises(InputError, match="candidates is 0"):
        codes.search(rows, 0)
    wide = np.ones((1, 16385), dtype=np.float32)
    with pytest.raises(InputError, match="1 to 16384 can be quantised"):
        Codes.create(tmp_path / "x", dimension=16385, metric=Metric.DOT, sample=wide)
    with pytest.raises(InputError, match="at most 64 fit"):
        Codes.create(tmp_path / "x", dimension=2, metric=Metric.DOT, sample=rows, tag=b"x" * 65)
