"""Saving and opening a graph, and files that are damaged."""

from __future__ import annotations

import numpy as np
import pytest

from nearfield.ann import graph_file, graph_library
from nearfield.ann.damage import DamagedIndex
from nearfield.ann.graph import Graph, GraphOptions, RowFormat
from nearfield.errors import InputError
from nearfield.masks import pack_mask
from nearfield.metric import Metric

pytestmark = pytest.mark.skipif(
    graph_library.chosen_kernel() is None, reason="the compiled library is not here"
)

VECTORS = np.random.default_rng(0).standard_normal((600, 20)).astype(np.float32)
QUERIES = np.random.default_rng(1).standard_normal((10, 20)).astype(np.float32)


@pytest.fixture
def path(tmp_path):
    saved = tmp_path / "graph"
    Graph.build(VECTORS, GraphOptions(m=6), tag="generation 7").save(saved)
    return saved


@pytest.mark.parametrize("row_format", RowFormat)
@pytest.mark.parametrize("metric", Metric)
def test_an_opened_graph_is_the_saved_one(tmp_path, metric, row_format):
    options = GraphOptions(metric=metric, m=6, format=row_format, seed=9, keep_pruned=True)
    built = Graph.build(VECTORS[:500], options, tag="seventh")
    built.save(tmp_path / "graph")
    matrix = VECTORS if row_format is RowFormat.FLOAT32 else None
    opened = Graph.open(tmp_path / "graph", matrix)
    assert (len(opened), opened.options, opened.tag) == (500, options, "seventh")
    allowed = pack_mask(np.arange(500) % 2 == 0)
    for mask in (None, allowed):
        one = built.search(QUERIES, 10, 40, allowed=mask)
        two = opened.search(QUERIES, 10, 40, allowed=mask)
        np.testing.assert_array_equal(one.slots, two.slots)
        np.testing.assert_array_equal(one.estimates, two.estimates)
    # An opened graph grows like the one in memory; its file stays what it is.
    before = (tmp_path / "graph").read_bytes()
    for each in (built, opened):
        each.extend(VECTORS)
    np.testing.assert_array_equal(
        built.search(QUERIES, 10, 40).slots, opened.search(QUERIES, 10, 40).slots
    )
    assert (tmp_path / "graph").read_bytes() == before


def test_an_empty_graph_can_be_kept(tmp_path):
    Graph.build(VECTORS[:0]).save(tmp_path / "graph")
    opened = Graph.open(tmp_path / "graph")
    assert len(opened) == 0
    opened.extend(VECTORS)
    assert opened.search(VECTORS[:1], 1).slots.tolist() == [[0]]


def test_sizes_on_disk(path):
    # Codes of 64 (20, padded) and a scale, 2 M links, a level and a place: 64 + 4 + 48 + 5, and
    # M links for each layer above; sections begin at multiples of 4096.
    upper = sum(int(level) for level in Graph.open(path)._state.links.levels)
    assert path.stat().st_size <= 600 * (64 + 4 + 48 + 5) + upper * 24 + 7 * 4096


def test_saving_replaces_the_file_and_leaves_nothing_beside_it(path):
    other = Graph.build(VECTORS[:50], GraphOptions(m=6))
    other.save(path)
    assert len(Graph.open(path)) == 50
    assert [each.name for each in path.parent.iterdir()] == ["graph"]


def test_a_failed_save_keeps_the_old_file(path, monkeypatch):
    before = path.read_bytes()

    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(graph_file, "_page", full)
    with pytest.raises(OSError, match="No space left"):
        Graph.build(VECTORS[:50]).save(path)
    assert path.read_bytes() == before
    assert len(list(path.parent.iterdir())) == 1


def test_every_flipped_bit_of_an_array_is_found(path):
    good = bytearray(path.read_bytes())
    _, sections, _ = graph_file._read_page(path)
    for section in sections:
        if not section.size:
            continue
        for place in (section.offset, section.offset + section.size - 1):
            bad = good.copy()
            bad[place] ^= 0x10
            path.write_bytes(bad)
            with pytest.raises(DamagedIndex, match=f"damaged in '{section.name}'"):
                Graph.open(path)


@pytest.mark.parametrize("place", [0, 9, 13, 20, 200, 4000, 4095])
def test_a_flipped_bit_of_the_first_page_is_found(path, place):
    bad = bytearray(path.read_bytes())
    bad[place] ^= 1
    path.write_bytes(bad)
    with pytest.raises(DamagedIndex, match="build the graph again"):
        Graph.open(path, verify=False)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.5, 0.999])
def test_a_truncated_file_is_found(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(DamagedIndex, match="build the graph again"):
        Graph.open(path, verify=False)


def test_another_version_is_told_from_damage(path, monkeypatch):
    monkeypatch.setattr(graph_file, "FORMAT_VERSION", 9)
    with pytest.raises(DamagedIndex, match="has graph format 1, expected 9"):
        Graph.open(path)


def test_unverified_damage_costs_recall_but_no_crash(path):
    good = path.read_bytes()
    rng = np.random.default_rng(3)
    for _ in range(30):
        bad = np.frombuffer(good, dtype=np.uint8).copy()
        places = rng.integers(4096, len(bad), 400)
        bad[places] = rng.integers(0, 256, 400)
        path.write_bytes(bad.tobytes())
        try:
            damaged = Graph.open(path, verify=False)
            found = damaged.search(QUERIES, 10, 40)
        except DamagedIndex:
            continue
        assert ((found.slots >= -1) & (found.slots < 600)).all()


def test_a_float_graph_needs_its_matrix(tmp_path):
    Graph.build(VECTORS, GraphOptions(format=RowFormat.FLOAT32)).save(tmp_path / "graph")
    with pytest.raises(InputError, match="open it with their matrix"):
        Graph.open(tmp_path / "graph")
    with pytest.raises(InputError, match="10 rows, fewer than the graph's 600"):
        Graph.open(tmp_path / "graph", VECTORS[:10])
