"""What smaller vectors cost: each way against the same thing done by hand."""

from __future__ import annotations

import numpy as np
import pytest

from nearfield.errors import InputError
from nearfield.evaluation.compression import Reduction, Storage, Variant, study, variants
from nearfield.evaluation.compression.reduction import fit
from nearfield.evaluation.compression.storage import keep
from nearfield.metric import normalise


def rows(seed: int, *size: int) -> np.ndarray:
    return normalise(np.random.default_rng(seed).standard_normal(size).astype(np.float32))


def test_principal_components_are_those_of_the_singular_values() -> None:
    documents = rows(1, 300, 12) * np.linspace(3, 0.1, 12, dtype=np.float32)
    made = fit(Reduction.PCA, documents, 4)
    centred = documents - documents.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:4]
    assert np.abs(np.abs(made.axes.T @ axes.T) - np.eye(4)).max() < 1e-4
    reduced = made.apply(documents)
    assert np.allclose(np.linalg.norm(reduced, axis=1), 1, atol=1e-6)


def test_all_components_of_a_turned_space_keep_every_neighbour() -> None:
    documents = rows(2, 200, 10)
    documents -= documents.mean(axis=0)
    documents = normalise(documents)
    made = fit(Reduction.PCA, documents, 10)
    close = normalise(documents - made.mean) @ normalise(documents - made.mean).T
    assert np.allclose(made.apply(documents) @ made.apply(documents).T, close, atol=1e-5)


def test_the_first_components_are_the_first_components() -> None:
    documents = rows(3, 20, 8)
    assert np.allclose(
        fit(Reduction.FIRST, documents, 3).apply(documents), normalise(documents[:, :3])
    )
    with pytest.raises(InputError, match="9 dimensions of 8"):
        fit(Reduction.FIRST, documents, 9)


@pytest.mark.parametrize(
    ("storage", "size"),
    [
        ("float32", 64.0),
        ("float16", 32.0),
        ("int8", 16.0),
        ("binary", 2.0),
        ("binary-float32", 2.0),
    ],
)
def test_bytes_are_counted(storage: str, size: float) -> None:
    assert keep(Storage.of(storage), rows(4, 30, 16)).bytes == size


def test_int8_is_the_nearest_of_256_steps() -> None:
    documents, query = rows(5, 100, 16), rows(6, 1, 16)[0]
    low, high = documents.min(axis=0), documents.max(axis=0)
    step = (high - low) / 255
    decoded = low + step * np.rint((documents - low) / step)
    assert np.abs(decoded - documents).max() <= step.max() / 2 + 1e-6
    expected = np.argsort(-(decoded.astype(np.float32) @ query), kind="stable")[:10]
    assert keep(Storage.INT8, documents).search(query, 10).tolist() == expected.tolist()


def test_binary_is_hamming_distance_and_rescoring_orders_its_candidates() -> None:
    documents, query = rows(7, 300, 24), rows(8, 1, 24)[0]
    distances = ((documents > 0) != (query > 0)).sum(axis=1)
    expected = np.argsort(distances, kind="stable")
    assert keep(Storage.BINARY, documents).search(query, 10).tolist() == expected[:10].tolist()
    candidates = expected[:40]
    signs = np.where(documents > 0, 1.0, -1.0)
    by_signs = candidates[np.argsort(-(signs[candidates] @ query), kind="stable")][:10]
    assert keep(Storage.BINARY_RESCORED, documents).search(query, 10).tolist() == by_signs.tolist()
    by_vectors = candidates[np.argsort(-(documents[candidates] @ query), kind="stable")][:10]
    assert keep(Storage.BINARY_FLOAT32, documents).search(query, 10).tolist() == by_vectors.tolist()


def test_a_study_measures_quality_against_float32(compiled_search: None) -> None:
    documents = rows(9, 400, 32)
    chance = np.random.default_rng(10)
    wanted = chance.integers(0, 400, 60)
    queries = normalise(documents[wanted] + 0.15 * rows(11, 60, 32))
    report = study(documents, queries, qrels=[{int(at): 1} for at in wanted], kept=[8])
    by_name = {each.variant.name: each for each in report.outcomes}
    base = by_name["32 float32"]
    assert base.quality is not None
    assert base.quality.mean > 0.99
    assert (base.recall.mean, base.retention.mean if base.retention else 0) == (1.0, 1.0)
    assert by_name["32 float16"].recall.mean > 0.99
    assert by_name["32 int8"].recall.mean > 0.95
    assert by_name["32 binary"].recall.mean < by_name["32 binary-rescored"].recall.mean
    assert by_name["32 binary-rescored"].recall.mean < by_name["32 binary-float32"].recall.mean
    small = by_name["first 8 binary-rescored"]
    assert small.verdict == "worse"
    assert small.retention is not None
    assert small.retention.low <= small.retention.mean <= small.retention.high < 1
    graph = by_name["32 float32 hnsw m=16 ef=128"]
    assert graph.recall.mean > 0.97
    assert graph.bytes == pytest.approx(32 + 4 * 16 * (2 + 1 / 15))
    smallest = report.smallest()
    assert smallest is not None
    assert smallest.bytes < base.bytes
    assert not report.skipped


def test_without_judgements_neighbours_are_compared() -> None:
    report = study(rows(12, 100, 16), rows(13, 10, 16), graphs=False)
    assert report.measure == ""
    assert report.smallest() is None
    assert {each.verdict for each in report.outcomes} == {""}
    assert [each.variant for each in report.outcomes] == variants(16, None, graphs=False)


def test_names_of_variants_are_distinct() -> None:
    names = [each.name for each in variants(384, None, graphs=True)]
    assert len(set(names)) == len(names)
    assert Variant(384).name == names[0]


def test_too_little_is_refused() -> None:
    with pytest.raises(InputError, match="too few"):
        study(rows(1, 10, 4), rows(2, 3, 4))
    with pytest.raises(InputError, match="1 judgements for 3 questions"):
        study(rows(1, 20, 4), rows(2, 3, 4), qrels=[{0: 1}])
