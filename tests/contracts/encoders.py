"""Every kind of encoder for the contract suite: tiny ones made here, real ones if installed."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tests.support.hosted import HostedServer
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from nearfield.errors import MissingExtra, UnsupportedOperation
from nearfield.models import matryoshka, remote, static, transformer
from nearfield.models.precision import Precision
from nearfield.models.transformer.choice import RuntimeName, choose
from nearfield.models.transformer.config import read_shape
from nearfield.protocols import Encoder

_WORDS = ["warm", "cold", "parka", "glove", "bank", "river", "loan", "a", "the", "!"]
_TINY_BERT = Path(__file__).parents[1] / "unit" / "models" / "transformer" / "golden" / "bert"


def sentence_vectors(folder: Path) -> Encoder:
    """A model2vec folder that reads eight tokens and normalises."""
    pieces = ["[UNK]", *_WORDS, "##s"]
    tokenizer = Tokenizer(
        models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    rows = np.random.default_rng(0).standard_normal((len(pieces), 8), dtype=np.float32)
    save_file({"embeddings": rows}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"normalize": True, "max_length": 8}))
    return static.load(folder, name="tiny-sentences")


def word_vectors(folder: Path) -> Encoder:
    """Word vectors that are not normalised and read texts of any length."""
    rows = np.random.default_rng(1).standard_normal((len(_WORDS), 5), dtype=np.float32)
    static.save_words(folder, _WORDS, rows)
    return static.load(folder, name="tiny-words")


def shortened(folder: Path) -> Encoder:
    """The sentence vectors, cut to three dimensions."""
    return matryoshka.truncate(sentence_vectors(folder), 3)


def tiny_bert(runtime: RuntimeName, precision: Precision) -> Callable[[Path], Encoder]:
    """A BERT of random weights."""
    return lambda _: transformer.load(
        _TINY_BERT, name="tiny-bert", runtime=runtime, precision=precision
    )


def present() -> list[tuple[RuntimeName, Precision]]:
    """What computes the tiny BERT on this machine."""
    shape = read_shape(_TINY_BERT / "config.json")
    found = []
    for runtime in (RuntimeName.NATIVE, RuntimeName.OPENVINO, RuntimeName.ONNXRUNTIME):
        for precision in (Precision.EXACT, Precision.FAST):
            with suppress(UnsupportedOperation, MissingExtra):
                choose(shape, precision, wanted=runtime)
                found.append((runtime, precision))
    return found


def hosted(folder: Path) -> Encoder:
    """The sentence vectors behind a server that speaks OpenAI's protocol."""
    return remote.load(f"openai:tiny-sentences@{_served(folder)}/openai/v1#max_tokens=8")


@cache
def _served(folder: Path) -> str:
    """URL of a server that lives as long as the tests; its threads are daemons."""
    server = HostedServer(sentence_vectors(folder), max_tokens=8, key="")
    return server.__enter__().url


MADE: dict[str, Callable[[Path], Encoder]] = {
    "sentence vectors": sentence_vectors,
    "hosted": hosted,
    "word vectors": word_vectors,
    "shortened": shortened,
    **{f"tiny BERT, {r} {p}": tiny_bert(r, p) for r, p in present()},
}

# Name → the fixture with the folder, and what loads it.
INSTALLED: dict[str, tuple[str, Callable[[Path], Encoder]]] = {
    "wordllama": ("wordllama_path", lambda path: static.load(path, name="wordllama")),
    "glove": ("glove_path", lambda path: static.load(path, name="glove")),
    "MiniLM as good as it gets": (
        "minilm_path",
        lambda path: transformer.load(path, name="minilm", precision="auto"),
    ),
    "MiniLM": ("minilm_path", lambda path: transformer.load(path, name="minilm")),
    "bge": ("bge_path", lambda path: transformer.load(path, name="bge")),
}
