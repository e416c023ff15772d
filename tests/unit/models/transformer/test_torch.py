"""Live comparison with sentence-transformers; needs the extra "torch"."""

from __future__ import annotations

import gzip
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from nearfield.errors import MissingExtra, ModelNotInstalled, UnsupportedModel
from nearfield.models.transformer import load, torch
from nearfield.protocols import Encoder
from nearfield.types import BatchReport

needs_torch = pytest.mark.slow


def counted(report: BatchReport) -> None:
    """Take reports, so that truncation is not a warning."""


def passages(count: int) -> list[str]:
    """Real passages: of ``tech-docs`` in the folder NEARFIELD_DATA, else of the project's files."""
    data = os.environ.get("NEARFIELD_DATA")
    if data:
        with gzip.open(Path(data) / "tech-docs" / "corpus.jsonl.gz", "rt", encoding="utf-8") as f:
            found = [json.loads(line)["text"] for line in f]
    else:
        files = sorted((Path(__file__).parents[4] / "src").rglob("*.py"))
        blocks = [block for f in files for block in f.read_text(encoding="utf-8").split("\n\n")]
        found = [block.strip() for block in blocks if len(block) > 40]
    return found[:: len(found) // count][:count]


def test_without_the_extra_the_error_names_it(golden, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtra, match=r"nearfield\[torch\]"):
        torch.load(golden / "bert", name="x")


@needs_torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "all-mpnet-base-v2"])
def test_equals_sentence_transformers_on_real_passages(minilm_path, name):
    library = pytest.importorskip("sentence_transformers")
    folder = minilm_path.parent / name
    if not folder.is_dir():
        pytest.skip(f"the model {name} is missing")
    texts = passages(1000)
    assert len(texts) == 1000
    expected = library.SentenceTransformer(str(folder), device="cpu", local_files_only=True).encode(
        texts
    )
    vectors = load(folder, name=name).encode(texts, observe=counted)
    cosine = (vectors * expected).sum(1) / np.linalg.norm(expected, axis=1)
    assert cosine.min() >= 0.99999


@needs_torch
@pytest.mark.filterwarnings("ignore")
def test_the_torch_encoder_keeps_the_contract(folder, edit, texts, references):
    pytest.importorskip("sentence_transformers")
    edit("config_sentence_transformers.json", prompts={"query": "b "})
    encoder = torch.load(folder, name="x")
    assert isinstance(encoder, Encoder)
    reports: list[BatchReport] = []
    vectors = encoder.encode([*texts["tiny"], "a"], observe=reports.append)
    np.testing.assert_allclose(vectors[:-1], references["bert/mean"], atol=3e-6)
    assert (vectors[-1] == vectors[0]).all()
    assert sorted(i for r in reports for i in r.indices) == list(range(len(vectors)))
    assert [i for r in reports for i in r.truncated] == [7]
    assert [i for r in reports for i in r.empty] == [1]
    assert encoder.encode([]).shape == (0, 16)
    np.testing.assert_allclose(
        encoder.encode(["c"], role="query"), encoder.encode(["b c"]), atol=1e-6
    )
    assert (encoder.card.dimension, encoder.card.max_tokens) == (16, 20)
    assert encoder.card.normalised


@needs_torch
@pytest.mark.filterwarnings("ignore")
def test_the_torch_encoder_refuses_code_and_pickles(folder, tmp_path):
    pytest.importorskip("sentence_transformers")
    with pytest.raises(ModelNotInstalled):
        torch.load(tmp_path / "absent", name="x")
    path = folder / "modules.json"
    entries = json.loads(path.read_text())
    path.write_text(json.dumps([*entries, {"idx": 3, "name": "3", "path": "3", "type": "own.M"}]))
    with pytest.raises(UnsupportedModel, match="cannot load"):
        torch.load(folder, name="x")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UnsupportedModel, match="pickled"):
        torch.load(folder, name="x")
