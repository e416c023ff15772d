from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.errors import InputError
from nearfield.lexical import DamagedIndex, Impacts, Lexical, available
from nearfield.lexical.impacts import STEP
from nearfield.lexical.library import KERNEL_VARIABLE

KERNELS = ["none", *available().kernels]


def random_vectors(seed, count):
    random = np.random.default_rng(seed)
    vectors = []
    for _ in range(count):
        terms = random.choice(40, int(random.integers(0, 12)), replace=False)
        weights = random.gamma(1.0, 1.0, len(terms))
        vectors.append(dict(zip(terms.tolist(), weights.tolist(), strict=True)))
    return vectors


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 700),
    share=st.sampled_from([None, 0.3, 0.02]),
    k=st.sampled_from([1, 10, 1000]),
)
def test_dot_products_equal_the_formula(seed, count, share, k):
    vectors = random_vectors(seed, count)
    random = np.random.default_rng(seed + 1)
    bits = np.ones(count, bool) if share is None else random.random(count) < share
    query = {int(t): float(w) for t, w in zip(range(0, 40, 3), random.gamma(1, 1, 14), strict=True)}
    expected = []
    for slot, vector in enumerate(vectors):
        shared = [t for t in query if round(vector.get(t, 0) / STEP) > 0]
        if shared and bits[slot]:
            dot = sum(query[t] * round(vector[t] / STEP) * STEP for t in shared)
            expected.append((dot, slot))
    expected.sort(key=lambda item: (-item[0], item[1]))
    with TemporaryDirectory() as folder:
        index = Impacts.create(Path(folder))
        index.append(vectors[: count // 2])
        index.append(vectors[count // 2 : count * 3 // 4])
        index.extend_tail(vectors[count * 3 // 4 :])
        allowed = None if share is None else np.packbits(bits, bitorder="little")
        results = []
        for kernel in KERNELS:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv(KERNEL_VARIABLE, kernel)
                results.append(index.search(query, k, allowed=allowed))
        assert all(np.array_equal(r.slots, results[0].slots) for r in results)
        assert all(np.array_equal(r.scores, results[0].scores) for r in results)
        best = expected[:k]
        assert results[0].scores == pytest.approx([dot for dot, _ in best], rel=1e-5, abs=1e-6)
        index.optimise()


def test_opened_again(tmp_path):
    index = Impacts.create(tmp_path)
    index.append([{1: 1.0, 4_000_000_000: 2.0}, {}, {1: 0.001}])
    again = Impacts.open(tmp_path)
    again.verify()
    assert (len(again), again.stored) == (3, 3)
    assert again.search({1: 2.0, 4_000_000_000: 1.0}).scores.tolist() == [4.0]
    assert again.search({1: 0.0, 5: 1.0}).slots.tolist() == []


def test_wrong_vectors_are_named(tmp_path):
    index = Impacts.create(tmp_path)
    for wrong in ({-1: 1.0}, {2**32: 1.0}, {1: -0.5}, {1: float("nan")}, {1: 300.0}):
        with pytest.raises(InputError, match=r"term"):
            index.append([wrong])
    assert len(index) == 0


def test_an_index_of_texts_is_none_of_vectors(tmp_path):
    Lexical.create(tmp_path)
    with pytest.raises(DamagedIndex, match="'text', expected 'impacts'"):
        Impacts.open(tmp_path)
