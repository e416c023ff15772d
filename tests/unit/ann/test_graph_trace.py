"""A recorded search is the search itself, and its text says what happened."""

from __future__ import annotations

import numpy as np
import pytest

from nearfield.ann import graph_library
from nearfield.ann.graph import Graph, GraphOptions, RowFormat
from nearfield.ann.graph_trace import render
from nearfield.masks import pack_mask
from nearfield.metric import Metric

pytestmark = pytest.mark.skipif(
    graph_library.chosen_kernel() is None, reason="the compiled library is not here"
)

VECTORS = np.random.default_rng(0).standard_normal((700, 16)).astype(np.float32)


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("masked", [False, True])
def test_the_trace_is_the_search(metric, masked):
    graph = Graph.build(VECTORS, GraphOptions(metric=metric, m=6))
    allowed = pack_mask(np.arange(700) % 2 == 0) if masked else None
    for query in VECTORS[:5] + np.float32(0.1):
        found = graph.search(query[None, :], 10, 32, allowed=allowed)
        trace = graph.explain(query, 10, 32, allowed=allowed)
        assert [each.slot for each in trace.kept[:10]] == found.slots[0].tolist()
        assert [each.estimate for each in trace.kept[:10]] == found.estimates[0].tolist()
        assert trace.computed == found.computed[0] == 1 + sum(x.computed for x in trace.layers)
        assert trace.stopped == found.exhausted[0]


def test_layers_lead_from_the_entry_downwards():
    graph = Graph.build(VECTORS, GraphOptions(m=4))
    trace = graph.explain(VECTORS[3], 5, 20)
    links = graph._state.links
    assert [layer.layer for layer in trace.layers] == list(range(links.top, -1, -1))
    assert trace.layers[0].entry.slot == links.entry
    for above, below in zip(trace.layers, trace.layers[1:], strict=False):
        assert above.hops[-1].slot == below.entry.slot  # it begins where the last one ended
        estimates = [hop.estimate for hop in above.hops]
        assert estimates == sorted(estimates)  # each hop is closer
        assert above.slots < below.slots
    assert trace.kept[0].slot == 3
    assert len(trace.kept) == 20


def test_text_of_a_line_of_points():
    line = np.arange(4, dtype=np.float32)[:, None]
    options = GraphOptions(metric=Metric.EUCLIDEAN, m=100, format=RowFormat.FLOAT32)
    graph = Graph.build(line, options)
    shown = render(graph.explain(np.array([2.5], dtype=np.float32), 2, 3), lambda s: f"point\n{s}")
    assert shown == (
        "4 of 4 vectors compared (100%) in 4 hops; M 100, ef 3, k 2\n"
        "\n"
        "layer 0: 4 vectors, 4 hops, 3 compared\n"
        " hop       slot     score  compared  taken\n"
        "   1          0   -2.5000         1      1  point 0\n"
        "   2          1   -1.5000         1      1  point 1\n"
        "   3          2   -0.5000         1      1  point 2\n"
        "   4          3   -0.5000         0      0  point 3\n"
        "\n"
        "answer: the best 2 of 3 kept\n"
        "   1          2   -0.5000  point 2\n"
        "   2          3   -0.5000  point 3\n"
    )


def test_lines_fit_the_screen_and_long_lists_are_summed_up():
    graph = Graph.build(VECTORS, GraphOptions(m=4))
    trace = graph.explain(VECTORS[3], 5, 50)
    lines = render(trace, lambda slot: "a long text " * 30, hops=3).splitlines()
    assert max(len(line) for line in lines) == 100
    rest = len(trace.layers[-1].hops) - 3
    assert any(f"{rest} more hops" in line for line in lines)


def test_an_empty_graph_has_an_empty_trace():
    trace = Graph.build(VECTORS[:0]).explain(VECTORS[0], 3)
    assert (trace.layers, trace.kept, trace.computed, trace.hops) == ((), (), 0, 0)
    assert "the best 0 of 0" in render(trace)
