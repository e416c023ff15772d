"""Make the reference vectors that the tests compare with, using sentence-transformers itself.

Run it where torch, transformers and sentence-transformers are installed:

    python tests/unit/models/transformer/make_golden.py [FOLDER_WITH_MODELS]

It writes ``golden/``: tiny random models of every family with the vectors that
sentence-transformers computes from them, and, for the real models that FOLDER_WITH_MODELS holds,
the vectors of a few texts. The tests read only these files and need no torch.
"""

from __future__ import annotations

import json
import shutil
import string
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import LayerNorm, Pooling
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    ElectraConfig,
    ElectraModel,
    MPNetConfig,
    MPNetModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

GOLDEN = Path(__file__).parent / "golden"

# 20 tokens fit into the tiny models, so the last text is cut.
TINY_TEXTS = [
    "a",
    "",
    "abc",
    "warm parka",
    "the cold wind",
    "a <pad> b [PAD] c",
    "ünknown 123 signs",
    "hats and gloves for snow",
]
REAL_TEXTS = [
    "",
    " ",
    "a",
    "A warm parka for the Arctic.",
    "Ein warmer Parka für die Arktis.",
    "Une parka chaude pour l'Arctique, s'il vous plaît !",
    "Тёплая парка для Арктики",
    "適合北極的保暖大衣",
    "極寒の地でも暖かいコート",
    "معطف دافئ للقطب الشمالي",
    "आर्कटिक के लिए गर्म कोट",
    "เสื้อกันหนาวสำหรับขั้วโลกเหนือ",
    "🧥❄️ +40 °C → −40 °C",
    "naïve café, coöperate, Ångström, ﬁne print",
    "x" * 300,
    "def encode(texts):\n    return [len(text) for text in texts]\n",
    "tab\tnew\nline\r\nnul\x00end",
    "[CLS] a [SEP] b [PAD] c [MASK] </s> <pad>",
    "UPPER lower MiXeD",
    "1234567890 3.14159 1e-12 0x1F",
    "The bank of the river was steep. The bank gave me a loan.",
    "queue queue queue queue queue",
    "snow " * 400,
    "What should I wear when it is freezing outside?",
]
SPECIAL = {
    "bert": ("[PAD]", "[UNK]", "[CLS]", "[SEP]"),
    "roberta": ("<s>", "<pad>", "</s>", "<unk>"),
}
POOLINGS = ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]


def tokenizer(kind: str) -> PreTrainedTokenizerFast:
    """A WordPiece vocabulary of single letters."""
    letters = string.ascii_lowercase
    tokens = [*SPECIAL[kind], *letters, *(f"##{letter}" for letter in letters)]
    if kind == "bert":
        pad, unknown, opening, closing = SPECIAL[kind]
    else:
        opening, pad, closing, unknown = SPECIAL[kind]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token=unknown))
    backend.normalizer = normalizers.BertNormalizer(lowercase=False)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.TemplateProcessing(
        single=f"{opening} $A {closing}",
        special_tokens=[(token, vocabulary[token]) for token in (opening, closing)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token=pad,
        unk_token=unknown,
        cls_token=opening,
        sep_token=closing,
        model_max_length=20,
        model_input_names=["input_ids", "attention_mask"],
    )


def tiny_models() -> dict[str, tuple[torch.nn.Module, str]]:
    """Random encoders with their kind of tokenizer."""
    size = {
        "vocab_size": 56,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 24,
    }
    distil = {
        "vocab_size": 56, "dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32,
        "max_position_embeddings": 24, "pad_token_id": 0,
    }  # fmt: skip
    return {
        "bert": (BertModel(BertConfig(**size, pad_token_id=0)), "bert"),
        "roberta": (RobertaModel(RobertaConfig(**size, type_vocab_size=1)), "roberta"),
        "xlm-roberta": (
            XLMRobertaModel(
                XLMRobertaConfig(**size, type_vocab_size=1, layer_norm_eps=1e-5, hidden_act="relu")
            ),
            "roberta",
        ),
        "distilbert": (DistilBertModel(DistilBertConfig(**distil)), "bert"),
        "mpnet": (MPNetModel(MPNetConfig(**size)), "roberta"),
        "electra": (
            ElectraModel(ElectraConfig(**size, embedding_size=8, hidden_act="gelu_new")),
            "bert",
        ),
    }


def shake(model: torch.nn.Module) -> None:
    """Random weights large enough for every part to matter; a fresh model hardly attends."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.4)
            if "norm" in name.lower() and name.endswith("weight"):
                parameter.add_(1.0)


def build(model: torch.nn.Module, kind: str, folder: Path) -> Transformer:
    """Save the encoder alone, and open it as sentence-transformers does."""
    model.save_pretrained(folder)
    tokenizer(kind).save_pretrained(folder)
    return Transformer(str(folder), model_kwargs={"torch_dtype": torch.float32})


def strip_poolers(path: Path) -> None:
    """Drop what no embedding needs."""
    tensors = load_file(path)
    save_file({k: v for k, v in tensors.items() if "pooler" not in k}, path, {"format": "pt"})


def tiny() -> dict[str, np.ndarray]:
    references: dict[str, np.ndarray] = {}
    for name, (model, kind) in tiny_models().items():
        shake(model)
        with tempfile.TemporaryDirectory() as place:
            transformer = build(model, kind, Path(place))
        whole = SentenceTransformer(modules=[transformer, Pooling(16, "mean"), Normalize()])
        whole.save(str(GOLDEN / name), create_model_card=False)
        references[f"{name}/mean"] = whole.encode(TINY_TEXTS)
        references[f"{name}/tokens"] = whole.encode(
            ["warm parka"], output_value="token_embeddings"
        )[0].numpy()[1:-1]
        if name == "bert":
            references |= bert_variants(transformer)
        strip_poolers(GOLDEN / name / "model.safetensors")
    return references


def bert_variants(transformer: Transformer) -> dict[str, np.ndarray]:
    """Every pooling, prompts, and the modules that may follow."""
    references = {}
    for mode in POOLINGS:
        model = SentenceTransformer(modules=[transformer, Pooling(16, mode)])
        references[f"pooling/{mode}"] = model.encode(TINY_TEXTS)
        skipping = SentenceTransformer(
            modules=[transformer, Pooling(16, mode, include_prompt=False)]
        )
        references[f"without-prompt/{mode}"] = skipping.encode(TINY_TEXTS, prompt="ask: ")
        references[f"with-prompt/{mode}"] = model.encode(TINY_TEXTS, prompt="ask: ")
    both = SentenceTransformer(modules=[transformer, Pooling(16, ("cls", "mean", "max"))])
    references["pooling/cls+mean+max"] = both.encode(TINY_TEXTS)

    dense = Dense(16, 12)
    residual = Dense(12, 8, bias=False, activation_function=torch.nn.GELU(), use_residual=True)
    square = Dense(8, 8, activation_function=torch.nn.SiLU(), use_residual=True)
    norm = LayerNorm(8)
    for module in (dense, residual, square, norm):
        shake(module)
    modules = [transformer, Pooling(16, "mean"), dense, residual, square, norm, Normalize()]
    headed = SentenceTransformer(modules=modules)
    references["headed/mean"] = headed.encode(TINY_TEXTS)
    with tempfile.TemporaryDirectory() as place:
        headed.save(place, create_model_card=False)
        for module in Path(place).iterdir():
            if module.is_dir() or module.name == "modules.json":
                target = GOLDEN / "headed" / module.name
                (shutil.copytree if module.is_dir() else copy)(module, target)
    return references


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def real(models_folder: Path) -> dict[str, np.ndarray]:
    references = {}
    for name, texts in (("all-MiniLM-L6-v2", REAL_TEXTS), ("all-mpnet-base-v2", REAL_TEXTS[2:10])):
        if (models_folder / name).is_dir():
            model = SentenceTransformer(
                str(models_folder / name), device="cpu", local_files_only=True
            )
            references[name] = model.encode(texts)
    return references


def main() -> None:
    torch.manual_seed(20)
    shutil.rmtree(GOLDEN, ignore_errors=True)
    GOLDEN.mkdir()
    np.savez_compressed(GOLDEN / "tiny.npz", **tiny())
    (GOLDEN / "texts.json").write_text(
        json.dumps({"tiny": TINY_TEXTS, "real": REAL_TEXTS}, ensure_ascii=True, indent=1) + "\n"
    )
    if len(sys.argv) > 1:
        np.savez_compressed(GOLDEN / "real.npz", **real(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
