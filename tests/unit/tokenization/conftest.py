"""Tiny vocabularies of every kind, trained on a few lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from nearfield.tokenization import SubwordTokenizer, load

LINES = ["a warm parka for cold winters", "warm gloves and a parka", "low lower lowest newer wider"]


def _wordpiece() -> Tokenizer:
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "warm", "coat", "glove", "##s", "for", "!", "北"]
    tokenizer = Tokenizer(
        models.WordPiece({word: i for i, word in enumerate(vocab)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    return tokenizer


def _byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<s>", "<pad>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(LINES, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


def _unigram() -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=60, special_tokens=["<pad>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(LINES, trainer)
    return tokenizer


def _letters() -> Tokenizer:
    # Neither bytes nor an unknown token: characters that are not listed vanish.
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(show_progress=False)
    tokenizer.train_from_iterator(["warm coat", "warm coat"], trainer)
    return tokenizer


def _word_level() -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel({"warm": 0, "coat": 1, "?": 2}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


KINDS = {
    "wordpiece": _wordpiece,
    "byte_level": _byte_level,
    "unigram": _unigram,
    "letters": _letters,
    "word_level": _word_level,
}


def save(tokenizer: Tokenizer, folder: Path) -> Path:
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(params=list(KINDS))
def any_tokenizer(request: pytest.FixtureRequest, tmp_path: Path) -> SubwordTokenizer:
    return load(save(KINDS[request.param](), tmp_path))


@pytest.fixture
def wordpiece(tmp_path: Path) -> SubwordTokenizer:
    return load(save(_wordpiece(), tmp_path))


@pytest.fixture
def byte_level(tmp_path: Path) -> SubwordTokenizer:
    return load(save(_byte_level(), tmp_path))


@pytest.fixture
def unigram(tmp_path: Path) -> SubwordTokenizer:
    return load(save(_unigram(), tmp_path))


@pytest.fixture
def letters(tmp_path: Path) -> SubwordTokenizer:
    return load(save(_letters(), tmp_path))


@pytest.fixture
def greedy_file(tmp_path: Path) -> Path:
    """A file that asks for padding to 16 and truncation to 4 tokens."""
    tokenizer = _wordpiece()
    tokenizer.enable_padding(length=16, pad_id=7, pad_token="##s")
    tokenizer.enable_truncation(4)
    tokenizer.add_special_tokens([AddedToken("[MASK]", lstrip=True)])
    folder = save(tokenizer, tmp_path)
    assert json.loads((folder / "tokenizer.json").read_text())["truncation"]["max_length"] == 4
    return folder / "tokenizer.json"
