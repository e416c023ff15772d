from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from nearfield.models.transformer import graph, load
from nearfield.models.transformer.config import read_shape
from nearfield.models.transformer.names import expected_shapes

FAMILIES = ["bert", "roberta", "xlm-roberta", "distilbert", "mpnet", "electra"]


@pytest.mark.parametrize("family", FAMILIES)
def test_graphs_are_valid_standard_onnx_without_weights(golden, family):
    shape = read_shape(golden / family / "config.json")
    model = onnx.load_from_string(graph.build(shape))
    external = {
        tensor.name: tuple(tensor.dims)
        for tensor in model.graph.initializer
        if tensor.data_location == onnx.TensorProto.EXTERNAL
    }
    assert external == expected_shapes(shape)
    assert len(model.SerializeToString()) < 20_000
    for i, tensor in enumerate(model.graph.initializer):
        if tensor.name in external:
            zeros = np.zeros(external[tensor.name], dtype=np.float32)
            model.graph.initializer[i].CopyFrom(numpy_helper.from_array(zeros, tensor.name))
    onnx.checker.check_model(model, full_check=True)
    assert {node.domain for node in model.graph.node} == {""}


def test_relative_buckets_follow_the_formula():
    # Near distances have their own bucket, the farther ones share: 8 + log2(n / 8) · 2 of 16.
    buckets = graph.relative_buckets(200)
    for distance in range(-199, 200):
        length = abs(distance)
        exact = 8 + math.log(max(length, 8) / 8) / math.log(16) * 8
        near = length if length < 8 else min(15, math.floor(exact + 1e-9))
        assert buckets[distance + 199] == near + (16 if distance > 0 else 0)


def test_the_cache_is_used_rebuilt_when_damaged_and_never_needed(golden, private_home):
    shape = read_shape(golden / "bert" / "config.json")
    built = graph.cached(shape)
    (path,) = (private_home / "cache" / "graphs").iterdir()
    assert graph.cached(shape) == built
    for damage in (b"", path.read_bytes()[:-1], b"\0" * 500):
        path.write_bytes(damage)
        assert graph.cached(shape) == built
        assert path.read_bytes().endswith(built)
    assert list(path.parent.iterdir()) == [path]


def test_a_cache_that_cannot_be_written_costs_only_time(golden, private_home):
    shape = read_shape(golden / "bert" / "config.json")
    (private_home / "cache").write_text("a file where the folder should be")
    assert graph.cached(shape) == graph.build(shape)


def test_different_shapes_have_different_entries(golden, private_home):
    for family in FAMILIES:
        graph.cached(read_shape(golden / family / "config.json"))
    entries = list((private_home / "cache" / "graphs").iterdir())
    assert len(entries) == len(FAMILIES)


def test_a_warm_start_imports_neither_onnx_nor_torch(golden):
    load(golden / "bert", name="x")
    code = (
        "import sys; from pathlib import Path; from nearfield.models.transformer import load;"
        f"vector = load(Path({str(golden / 'bert')!r}), name='x').encode(['snow']);"
        "print(sorted({'onnx', 'torch', 'transformers'} & set(sys.modules)), vector.shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "[] (1, 16)"


def test_padding_tokens_inside_a_text_keep_roberta_positions(golden):
    # Positions skip a padding token that a text spells: the reference vectors have one, too.
    encoder = load(golden / "roberta", name="x")
    (spelled,) = encoder.encode_tokens(["a <pad> b"])
    (plain,) = encoder.encode_tokens(["a b"])
    assert spelled.tokens == ("a", "<pad>", "b")
    assert np.abs(spelled.vectors[0] - plain.vectors[0]).max() > 1e-3
