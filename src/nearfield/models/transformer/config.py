"""config.json of the BERT-like families, read into one shape.

All of them are the encoder of "Attention is all you need" (Vaswani et al. 2017) with layer
norm after each residual sum. They differ in how positions enter and in names:

==============  ==========================================================================
BERT, ELECTRA   positions from 0; a token type vector; ELECTRA may widen small embeddings
RoBERTa, XLM-R  positions from the padding id + 1, padding ids in the text stay unnumbered
DistilBERT      positions from 0, no token types, other names
MPNet           RoBERTa's positions plus a learned bias for each relative distance
==============  ==========================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from nearfield.errors import UnsupportedModel
from nearfield.models.transformer.files import JsonObject, field, read_object

__all__ = ["Activation", "EncoderShape", "Family", "read_shape"]


class Family(StrEnum):
    """Which names the weights have and how positions enter."""

    BERT = "bert"
    ROBERTA = "roberta"
    DISTILBERT = "distilbert"
    MPNET = "mpnet"
    ELECTRA = "electra"


class Activation(StrEnum):
    """The feed-forward layer's nonlinearity."""

    GELU = "gelu"
    GELU_TANH = "gelu_tanh"
    RELU = "relu"
    SILU = "silu"
    TANH = "tanh"


# XLM-R and CamemBERT are RoBERTa with another vocabulary.
_FAMILIES = {
    "bert": Family.BERT,
    "roberta": Family.ROBERTA,
    "xlm-roberta": Family.ROBERTA,
    "camembert": Family.ROBERTA,
    "distilbert": Family.DISTILBERT,
    "mpnet": Family.MPNET,
    "electra": Family.ELECTRA,
}

_ACTIVATIONS = {
    "gelu": Activation.GELU,
    "gelu_python": Activation.GELU,
    "gelu_new": Activation.GELU_TANH,
    "gelu_fast": Activation.GELU_TANH,
    "gelu_accurate": Activation.GELU_TANH,
    "gelu_pytorch_tanh": Activation.GELU_TANH,
    "gelu_python_tanh": Activation.GELU_TANH,
    "relu": Activation.RELU,
    "silu": Activation.SILU,
    "swish": Activation.SILU,
    "tanh": Activation.TANH,
}

# DistilBERT's own words for the same numbers.
_DISTILBERT_KEYS = {
    "hidden_size": "dim",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "intermediate_size": "hidden_dim",
    "hidden_act": "activation",
}


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """Everything about an encoder but its numbers: equal shapes run the same graph.

    Attributes
    ----------
    family : Family
    layers, hidden, heads, intermediate : int
        Depth, width of the hidden state, attention heads, width of the feed-forward layer.
    embedding : int
        Width of the embedding tables; differs from `hidden` only in small ELECTRA models.
    vocabulary, positions, token_types : int
        Rows of the embedding tables; `token_types` is 0 where there is no such table.
    padding_id : int or None
        Where positions start after the padding id (RoBERTa, MPNet), that id; else None.
    activation : Activation
    norm_epsilon : float
        Added to the variance by every layer norm.
    relative_buckets : int
        Rows of MPNet's table of relative distances; 0 elsewhere.
    """

    family: Family
    layers: int
    hidden: int
    heads: int
    intermediate: int
    embedding: int
    vocabulary: int
    positions: int
    token_types: int
    padding_id: int | None
    activation: Activation
    norm_epsilon: float
    relative_buckets: int = 0

    @property
    def head_size(self) -> int:
        """Width of one attention head."""
        return self.hidden // self.heads

    @property
    def max_tokens(self) -> int:
        """Longest sequence the position table has rows for."""
        first = 0 if self.padding_id is None else self.padding_id + 1
        return self.positions - first


def read_shape(path: Path) -> EncoderShape:
    """Read a config.json.

    Raises
    ------
    UnsupportedModel
        Another architecture, activation or kind of position, remote code, or a number that
        is missing or impossible; the message says which and where.
    """
    config = read_object(path)
    family = _family(config, path)
    _refuse_unknown_computation(config, family, path)
    names = _DISTILBERT_KEYS if family is Family.DISTILBERT else {}

    def number(key: str) -> int:
        value = field(config, names.get(key, key), int, path)
        if value < 1:
            raise UnsupportedModel(f"{path} states {key} = {value}, expected at least 1")
        return value

    hidden, heads = number("hidden_size"), number("num_attention_heads")
    if hidden % heads:
        raise UnsupportedModel(
            f"{path} states a hidden size of {hidden}, not a multiple of its {heads} heads"
        )
    counted_from_padding = family in (Family.ROBERTA, Family.MPNET)
    return EncoderShape(
        family=family,
        layers=number("num_hidden_layers"),
        hidden=hidden,
        heads=heads,
        intermediate=number("intermediate_size"),
        embedding=field(config, "embedding_size", int, path, hidden)
        if family is Family.ELECTRA
        else hidden,
        vocabulary=number("vocab_size"),
        positions=number("max_position_embeddings"),
        token_types=0
        if family in (Family.DISTILBERT, Family.MPNET)
        else field(config, "type_vocab_size", int, path, 2),
        # MPNet's code fixes the padding id at 1 whatever its configuration says.
        padding_id=(1 if family is Family.MPNET else field(config, "pad_token_id", int, path, 1))
        if counted_from_padding
        else None,
        activation=_activation(config, names.get("hidden_act", "hidden_act"), path),
        norm_epsilon=1e-12
        if family is Family.DISTILBERT
        else field(config, "layer_norm_eps", float, path, 1e-12),
        relative_buckets=field(config, "relative_attention_num_buckets", int, path, 32)
        if family is Family.MPNET
        else 0,
    )


def _family(config: JsonObject, path: Path) -> Family:
    model_type = field(config, "model_type", str, path)
    try:
        return _FAMILIES[model_type]
    except KeyError:
        raise UnsupportedModel(
            f"{path} states the architecture {model_type!r}; built in are "
            f"{', '.join(_FAMILIES)}. An ONNX file beside it, or the extra 'torch', serves others"
        ) from None


def _activation(config: JsonObject, key: str, path: Path) -> Activation:
    name = field(config, key, str, path, "gelu")
    try:
        return _ACTIVATIONS[name]
    except KeyError:
        raise UnsupportedModel(
            f"{path} states the activation {name!r}; known are {', '.join(_ACTIVATIONS)}"
        ) from None


def _refuse_unknown_computation(config: JsonObject, family: Family, path: Path) -> None:
    positions = field(config, "position_embedding_type", str, path, "absolute")
    if positions != "absolute":
        raise UnsupportedModel(
            f"{path} states position_embedding_type = {positions!r}; only 'absolute' is built in"
        )
    if config.get("is_decoder") or config.get("add_cross_attention"):
        raise UnsupportedModel(f"{path} describes a decoder; only encoders are built in")
    if config.get("auto_map"):
        raise UnsupportedModel(
            f"{path} asks for code of its own (auto_map), which is never run; "
            "an ONNX file beside it would serve"
        )
    if config.get("quantization_config"):
        raise UnsupportedModel(f"{path} describes quantised weights, which are not built in")
    buckets = field(config, "relative_attention_num_buckets", int, path, 32)
    if family is Family.MPNET and buckets < 32:
        raise UnsupportedModel(
            f"{path} states {buckets} relative distances; MPNet's formula fills 32"
        )
