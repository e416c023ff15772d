"""model2vec, sentence-transformers and WordLlama folders against those libraries' own numbers.

The reference rows were computed by model2vec 0.10.0 (``StaticModel(...).encode``) and
sentence-transformers 5 (``StaticEmbedding``) from the very table and vocabulary built here.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from nearfield.errors import TruncationWarning, UnsupportedModel
from nearfield.models.static import load, recognises
from nearfield.types import BatchReport, Role

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "warm", "coat", "glove", "##s", "for", "winter",
              "!"]  # fmt: skip
TABLE = (np.arange(44).reshape(11, 4) * 7 % 13 - 6).astype(np.float32) / 4
TEXTS = ["Warm coats for winter!", "gloves", "unheard of", "", "a warm glove"]
ZERO = [0.0, 0.0, 0.0, 0.0]

PLAIN = [[-1 / 12, 1 / 24, 1 / 6, -1 / 4], [0.125, 0.25, -1.25, 0.5], ZERO, ZERO,
         [1.0, -0.5, -0.375, -0.25]]  # fmt: skip
WEIGHTED = [[-0.449236, 0.350966, 0.238657, -0.786163], [0.024439, 0.195515, -0.904256, 0.37881],
            ZERO, ZERO, [0.832987, -0.32038, -0.432512, -0.128152]]  # fmt: skip
MAPPED = [[-0.308333, -0.183333, -0.004167, 0.120833], [-0.025, 0.2, 0.2625, 0.4875], ZERO, ZERO,
          [0.05, 0.0125, 0.3, 0.2625]]  # fmt: skip
LIMITED = [[1 / 12, -1 / 3, 1 / 3, -1 / 12], *PLAIN[1:]]
# sentence-transformers gives unknown words the unknown token's row.
WITH_UNKNOWN = [PLAIN[0], PLAIN[1], [-1.0, 0.75, -0.75, 1.0], ZERO,
                [1 / 3, -1 / 12, -0.5, 1 / 6]]  # fmt: skip

Tensors = dict[str, npt.NDArray[np.generic]]


def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(
        models.WordPiece({word: i for i, word in enumerate(VOCABULARY)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def _folder(
    folder: Path, tensors: Tensors, *, inner: str = "", **files: dict[str, object] | list[object]
) -> Path:
    place = folder / inner
    place.mkdir(parents=True, exist_ok=True)
    save_file(tensors, place / "model.safetensors")
    _tokenizer().save(str(place / "tokenizer.json"))
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def _unit(rows: list[list[float]]) -> npt.NDArray[np.float64]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows) / np.where(lengths, lengths, 1)


MODULES = [{"idx": 0, "path": "", "type": "sentence_transformers.models.StaticEmbedding"}]
NORMALISE = {"idx": 1, "path": "1_Normalize", "type": "sentence_transformers.models.Normalize"}


@pytest.mark.parametrize(
    ("tensors", "config", "expected"),
    [
        ({"embeddings": TABLE}, {"normalize": False, "max_length": 512}, PLAIN),
        ({"embeddings": TABLE}, {"normalize": True}, _unit(PLAIN)),
        ({"embeddings": TABLE}, {"model_type": "model2vec"}, PLAIN),
        (
            {"embeddings": TABLE, "weights": np.linspace(0.1, 1.1, 11)},
            {"normalize": True},
            WEIGHTED,
        ),
        (
            {
                "embeddings": TABLE[:5],
                "mapping": np.array([0, 0, 1, 1, 2, 3, 4, 2, 3, 4, 1]),
                "weights": np.linspace(0.5, 1.5, 11),
            },
            {"normalize": False},
            MAPPED,
        ),
        ({"embeddings": (TABLE * 4).astype(np.int8)}, {"normalize": False}, np.multiply(PLAIN, 4)),
    ],
)
def test_model2vec(
    tmp_path: Path, tensors: Tensors, config: dict[str, object], expected: list[list[float]]
) -> None:
    encoder = load(_folder(tmp_path, tensors, config=config), name="toy")
    assert encoder.encode(TEXTS) == pytest.approx(np.asarray(expected), abs=1e-6)
    assert encoder.card.normalised == config.get("normalize", False)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_precisions(tmp_path: Path, dtype: str) -> None:
    folder = _folder(tmp_path, {"embeddings": TABLE.astype(dtype)}, config={"normalize": False})
    vectors = load(folder, name="toy").encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors == pytest.approx(np.asarray(PLAIN), abs=1e-6)


def test_the_stated_limit_cuts_and_tells(tmp_path: Path) -> None:
    config = {"normalize": False, "max_length": 3}
    encoder = load(_folder(tmp_path, {"embeddings": TABLE}, config=config), name="toy")
    assert encoder.card.max_tokens == 3
    with pytest.warns(TruncationWarning, match="1 of 5 texts are longer than the 3 tokens"):
        vectors = encoder.encode(TEXTS)
    assert vectors == pytest.approx(np.asarray(LIMITED), abs=1e-6)
    reports: list[BatchReport] = []
    encoder.encode(TEXTS, observe=reports.append)
    assert reports == [BatchReport((0, 1, 2, 3, 4), tokens=10, truncated=(0,), empty=(2, 3))]
    with pytest.warns(TruncationWarning):
        (shown,) = encoder.encode_tokens(TEXTS[:1])
    assert shown.tokens == ("warm", "coat", "##s")


def test_no_limit_where_its_author_switched_it_off(tmp_path: Path) -> None:
    config = {"normalize": False, "max_length": None}
    assert (
        load(_folder(tmp_path, {"embeddings": TABLE}, config=config), name="t").card.max_tokens
        is None
    )


@pytest.mark.parametrize("inner", ["", "0_StaticEmbedding"])
def test_sentence_transformers(tmp_path: Path, inner: str) -> None:
    folder = _folder(tmp_path, {"embedding.weight": TABLE}, inner=inner, modules=MODULES)
    encoder = load(folder, name="toy")
    assert recognises(folder)
    assert encoder.encode(TEXTS) == pytest.approx(np.asarray(WITH_UNKNOWN), abs=1e-6)
    assert not encoder.card.normalised
    (folder / "modules.json").write_text(json.dumps([*MODULES, NORMALISE]))
    normal = load(folder, name="toy")
    assert normal.card.normalised
    assert normal.encode(TEXTS) == pytest.approx(_unit(WITH_UNKNOWN), abs=1e-6)
    assert normal.card.fingerprint != encoder.card.fingerprint


def test_wordllama_layout_is_normalised(tmp_path: Path) -> None:
    encoder = load(_folder(tmp_path, {"embedding.weight": TABLE.astype(np.float16)}), name="toy")
    assert encoder.card.normalised
    assert encoder.encode(TEXTS) == pytest.approx(_unit(WITH_UNKNOWN), abs=1e-6)


def test_prompts_are_applied_by_role(tmp_path: Path) -> None:
    folder = _folder(
        tmp_path,
        {"embeddings": TABLE},
        config={"normalize": False},
        config_sentence_transformers={"prompts": {"query": "winter ", "document": ""}},
    )
    encoder = load(folder, name="toy")
    assert encoder.card.prompts == {Role.QUERY: "winter "}
    reports: list[BatchReport] = []
    as_query = encoder.encode(["glove", ""], role="query", observe=reports.append)
    assert as_query[0] == pytest.approx((TABLE[9] + TABLE[6]) / 2)
    assert as_query[1].tolist() == ZERO
    assert reports[0].empty == (1,)
    assert encoder.encode(["glove"])[0] == pytest.approx(TABLE[6])


def test_tokens_show_their_rows(tmp_path: Path) -> None:
    folder = _folder(tmp_path, {"embeddings": TABLE}, config={"normalize": False})
    (shown, empty) = load(folder, name="toy").encode_tokens(["Warm anorak coats", ""])
    assert shown.tokens == ("warm", "coat", "##s")
    assert shown.spans.tolist() == [[0, 4], [12, 16], [16, 17]]
    assert shown.vectors.tolist() == TABLE[[4, 5, 7]].tolist()
    assert (empty.tokens, empty.spans.shape, empty.vectors.shape) == ((), (0, 2), (0, 4))


def test_the_card(tmp_path: Path) -> None:
    folder = _folder(tmp_path, {"embeddings": TABLE}, config={"normalize": False})
    encoder = load(folder, name="toy")
    card = encoder.card
    assert (card.name, card.dimension, card.parameters, card.runtime) == ("toy", 4, 44, "numpy")
    assert card.size_bytes == (folder / "model.safetensors").stat().st_size
    assert load(folder, name="other").card.fingerprint == card.fingerprint
    other = _folder(tmp_path / "other", {"embeddings": TABLE + 1}, config={"normalize": False})
    assert load(other, name="toy").card.fingerprint != card.fingerprint


@pytest.mark.parametrize(
    ("tensors", "files", "message"),
    [
        ({"embeddings": TABLE[:9]}, {}, "has 9 rows for the 11 tokens"),
        ({"embeddings": TABLE.ravel()}, {}, "expected 2 axes"),
        ({"embeddings": TABLE, "weights": np.ones(3)}, {}, "3 weights for 11 tokens"),
        (
            {"embeddings": TABLE[:5], "mapping": np.full(11, 5)},
            {},
            "does not name rows 0 to 4",
        ),
        ({"embeddings": TABLE}, {"config": {"normalize": "yes"}}, "normalize"),
        (
            {"embedding.weight": TABLE},
            {"modules": [*MODULES, {"type": "sentence_transformers.models.Dense"}]},
            "lists StaticEmbedding, Dense",
        ),
        ({"embedding.weight": TABLE}, {"modules": {}}, "lists nothing"),
    ],
)
def test_folders_that_are_refused(
    tmp_path: Path, tensors: Tensors, files: dict[str, dict[str, object]], message: str
) -> None:
    with pytest.raises(UnsupportedModel, match=message):
        load(_folder(tmp_path, tensors, **files), name="toy")


def test_other_tensors_are_no_static_model(tmp_path: Path) -> None:
    folder = _folder(tmp_path, {"encoder.layer.0.weight": TABLE})
    assert not recognises(folder)
    with pytest.raises(UnsupportedModel, match="is no static model"):
        load(folder, name="toy")


def test_wordllama_by_numpy(wordllama_path: Path) -> None:
    texts = ["cold weather gear", "Die Katze schläft auf dem Sofa.", "北京 🏔️"]
    encoder = load(wordllama_path, name="wordllama")
    tokenizer = Tokenizer.from_file(str(wordllama_path / "tokenizer.json"))
    means = np.stack(
        [
            encoder.rows[tokenizer.encode(text, add_special_tokens=False).ids].mean(axis=0)
            for text in texts
        ]
    )
    vectors = encoder.encode(texts)
    assert vectors == pytest.approx(_unit(means.tolist()), abs=1e-6)
    # Computed from the published weights with safetensors, tokenizers and numpy alone.
    golden = [-0.05996341, 0.01579649, -0.01668176, 0.00519905, 0.0020649, 0.02228473]
    assert vectors[0, :6] == pytest.approx(golden, abs=1e-6)
    assert encoder.card.dimension == 256
