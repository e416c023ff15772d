"""One set of names for the weights of every family.

Runtimes ask for ``layers.0.query.weight`` and never learn what each family calls it. All
linear weights are stored as (out, in), as every family does: y = x Wᵀ + b.
"""

from __future__ import annotations

from nearfield.models.transformer.config import EncoderShape, Family

__all__ = ["expected_shapes", "names_in_files"]

_BERT_LAYER = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attended": "attention.output.dense",
    "attended_norm": "attention.output.LayerNorm",
    "widen": "intermediate.dense",
    "narrow": "output.dense",
    "norm": "output.LayerNorm",
}
_MPNET_LAYER = {
    **_BERT_LAYER,
    "query": "attention.attn.q",
    "key": "attention.attn.k",
    "value": "attention.attn.v",
    "attended": "attention.attn.o",
    "attended_norm": "attention.LayerNorm",
}
_DISTILBERT_LAYER = {
    "query": "attention.q_lin",
    "key": "attention.k_lin",
    "value": "attention.v_lin",
    "attended": "attention.out_lin",
    "attended_norm": "sa_layer_norm",
    "widen": "ffn.lin1",
    "narrow": "ffn.lin2",
    "norm": "output_layer_norm",
}


def expected_shapes(shape: EncoderShape) -> dict[str, tuple[int, ...]]:
    """Return every tensor that the encoder needs, by our name, with its shape.

    Examples
    --------
    >>> from nearfield.models.transformer.config import Activation
    >>> tiny = EncoderShape(Family.BERT, 1, 4, 2, 8, 4, 10, 6, 2, None, Activation.GELU, 1e-12)
    >>> expected_shapes(tiny)["layers.0.widen.weight"]
    (8, 4)
    """
    hidden, wide = shape.hidden, shape.intermediate
    tensors: dict[str, tuple[int, ...]] = {
        "words": (shape.vocabulary, shape.embedding),
        "positions": (shape.positions, shape.embedding),
        "embedding_norm.weight": (shape.embedding,),
        "embedding_norm.bias": (shape.embedding,),
    }
    if shape.token_types:
        tensors["token_types"] = (shape.token_types, shape.embedding)
    if shape.embedding != hidden:
        tensors["project.weight"] = (hidden, shape.embedding)
        tensors["project.bias"] = (hidden,)
    if shape.relative_buckets:
        tensors["relative_bias"] = (shape.relative_buckets, shape.heads)
    for i in range(shape.layers):
        for part in ("query", "key", "value", "attended"):
            tensors[f"layers.{i}.{part}.weight"] = (hidden, hidden)
            tensors[f"layers.{i}.{part}.bias"] = (hidden,)
        tensors[f"layers.{i}.widen.weight"] = (wide, hidden)
        tensors[f"layers.{i}.widen.bias"] = (wide,)
        tensors[f"layers.{i}.narrow.weight"] = (hidden, wide)
        tensors[f"layers.{i}.narrow.bias"] = (hidden,)
        for norm in ("attended_norm", "norm"):
            tensors[f"layers.{i}.{norm}.weight"] = (hidden,)
            tensors[f"layers.{i}.{norm}.bias"] = (hidden,)
    return tensors


def names_in_files(shape: EncoderShape) -> dict[str, str]:
    """Return what the family calls each tensor of :func:`expected_shapes`, without a prefix."""
    distil = shape.family is Family.DISTILBERT
    layer_prefix = "transformer.layer" if distil else "encoder.layer"
    parts = {
        Family.DISTILBERT: _DISTILBERT_LAYER,
        Family.MPNET: _MPNET_LAYER,
    }.get(shape.family, _BERT_LAYER)
    fixed = {
        "words": "embeddings.word_embeddings.weight",
        "positions": "embeddings.position_embeddings.weight",
        "token_types": "embeddings.token_type_embeddings.weight",
        "embedding_norm.weight": "embeddings.LayerNorm.weight",
        "embedding_norm.bias": "embeddings.LayerNorm.bias",
        "project.weight": "embeddings_project.weight",
        "project.bias": "embeddings_project.bias",
        "relative_bias": "encoder.relative_attention_bias.weight",
    }
    names = {}
    for ours in expected_shapes(shape):
        if ours.startswith("layers."):
            _, index, part, kind = ours.split(".")
            names[ours] = f"{layer_prefix}.{index}.{parts[part]}.{kind}"
        else:
            names[ours] = fixed[ours]
    return names
