from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.errors import UnsupportedModel
from nearfield.models.transformer.weights import open_tensors


def write(folder: Path, header: object, data: bytes, *, length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    size = len(text) if length is None else length
    (folder / "model.safetensors").write_bytes(size.to_bytes(8, "little") + text + data)
    return folder


def entry(begin: int, end: int, *, dtype: str = "F32", shape: tuple[int, ...] = (2,)) -> dict:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def test_equals_the_safetensors_library(golden):
    from safetensors.numpy import load_file

    expected = load_file(golden / "bert" / "model.safetensors")
    tensors = open_tensors(golden / "bert")
    assert set(tensors) == set(expected)
    for name, tensor in expected.items():
        np.testing.assert_array_equal(tensors[name], tensor)
    assert tensors.parameters == sum(tensor.size for tensor in expected.values())


@settings(max_examples=25)
@given(
    arrays=st.dictionaries(
        st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__"),
        st.tuples(
            st.sampled_from(["<f4", "<f2", "<f8"]),
            st.lists(st.integers(0, 4), max_size=3),
        ),
        max_size=5,
    ),
    seed=st.integers(0, 99),
)
def test_reads_whatever_the_library_writes(tmp_path_factory, arrays, seed):
    from safetensors.numpy import save_file

    random = np.random.default_rng(seed)
    written = {
        name: random.normal(size=shape).astype(dtype) for name, (dtype, shape) in arrays.items()
    }
    folder = tmp_path_factory.mktemp("written")
    save_file(written, folder / "model.safetensors")
    tensors = open_tensors(folder)
    assert set(tensors) == set(written)
    for name, array in written.items():
        assert tensors[name].dtype == np.float32
        np.testing.assert_array_equal(tensors[name], array.astype(np.float32))


def test_float32_is_mapped_and_read_only(golden):
    tensors = open_tensors(golden / "bert")
    tensor = tensors["embeddings.word_embeddings.weight"]
    assert not tensor.flags.writeable
    assert not tensor.flags.owndata


@pytest.mark.parametrize(
    ("header", "data", "message"),
    [
        ({"a": entry(0, 8)}, b"\0" * 7, "truncated"),
        ({"a": entry(0, 8)}, b"\0" * 9, "truncated or damaged"),
        ({"a": entry(0, 8), "b": entry(4, 12)}, b"\0" * 12, "overlaps"),
        ({"a": entry(0, 8), "b": entry(12, 20)}, b"\0" * 20, "gap"),
        ({"a": entry(0, 4)}, b"\0" * 4, "needs 8 bytes, its offsets 0..4 give 4"),
        ({"a": entry(8, 0)}, b"", "needs 8 bytes"),
        ({"a": entry(0, 8, dtype="F31")}, b"\0" * 8, "entry 'a' is not valid"),
        ({"a": entry(0, 8, shape=(-1, -2))}, b"\0" * 8, "needs 8 bytes"),
        ({"a": {"dtype": "F32"}}, b"", "entry 'a' is not valid"),
        ({"a": 3}, b"", "entry 'a' is not valid"),
        ([1], b"", "not an object"),
        (b"{", b"", "not valid JSON"),
    ],
)
def test_damaged_files_are_refused(tmp_path, header, data, message):
    with pytest.raises(UnsupportedModel, match=message):
        open_tensors(write(tmp_path, header, data))


@pytest.mark.parametrize("length", [10**6, 2**63])
def test_a_header_longer_than_the_file_is_refused(tmp_path, length):
    with pytest.raises(UnsupportedModel, match="not a whole safetensors file"):
        open_tensors(write(tmp_path, {}, b"", length=length))
    (tmp_path / "model.safetensors").write_bytes(b"\0\0")
    with pytest.raises(UnsupportedModel, match="not a whole safetensors file"):
        open_tensors(tmp_path)


def test_integer_tensors_are_listed_but_not_read(tmp_path):
    write(tmp_path, {"ids": entry(0, 16, dtype="I64")}, b"\0" * 16)
    tensors = open_tensors(tmp_path)
    assert tensors.parameters == 0
    with pytest.raises(UnsupportedModel, match="dtype I64"):
        tensors["ids"]


@pytest.mark.parametrize(
    ("shard", "message"),
    [("absent.safetensors", "not in the folder"), ("../up.safetensors", "names the file"),
     (7, "names the file")],
)  # fmt: skip
def test_wrong_shards_are_refused(tmp_path, shard, message):
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": shard}}))
    with pytest.raises(UnsupportedModel, match=message):
        open_tensors(tmp_path)


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(UnsupportedModel, match="neither"):
        open_tensors(tmp_path)
