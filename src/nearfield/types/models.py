"""What models are, and what they say of their work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nearfield.types.values import FloatArray, IntArray
from nearfield.types.words import Modality, Role

__all__ = ["BatchReport", "ModelCard", "TokenVectors", "Usage"]


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What one batch of encoding did; callers add these up.

    Attributes
    ----------
    indices : tuple of int
        Positions of the batch's texts in the call's inputs.
    tokens : int
        Tokens that went through the model, special tokens and prompts included.
    truncated : tuple of int
        Positions in the call's inputs of the texts whose tails were cut.
    empty : tuple of int
        Positions of texts without a single token of their own.
    """

    indices: tuple[int, ...]
    tokens: int
    truncated: tuple[int, ...] = ()
    empty: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """The contextual vector of every token of one text.

    Attributes
    ----------
    tokens : tuple of str
        Tokens as the vocabulary spells them, special tokens left out.
    spans : ndarray of int64, shape (tokens, 2)
        Character offsets of each token in the text, half open.
    vectors : ndarray of float32, shape (tokens, hidden)
        Last hidden state (contextual models) or table row (static models).
    """

    tokens: tuple[str, ...]
    spans: IntArray
    vectors: FloatArray


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Who an encoder is: enough to reproduce its vectors, and to refuse to mix them.

    Attributes
    ----------
    name : str
        Short name, such as ``all-MiniLM-L6-v2``.
    dimension : int
        Length of the vectors that ``encode`` returns.
    max_tokens : int or None
        Longest input in tokens, special tokens included; None when unlimited.
    fingerprint : str
        64 hexadecimal characters: SHA-256 over weights, tokenizer, pooling, prompts,
        dimension, normalisation and precision class. Equal fingerprints, equal space.
    normalised : bool
        Whether vectors have unit Euclidean length.
    prompts : mapping of Role to str
        Text put before an input of that role by the encoder itself.
    modality : Modality
        What it takes.
    licence : str
        SPDX identifier, or empty where the files state none.
    parameters : int
        Number of weights.
    size_bytes : int
        Size of the weights on disk.
    precision : str
        Precision class, such as ``exact`` (fp32).
    runtime : str
        What computes, such as ``onnxruntime``.
    source : str
        Folder or package the files came from.
    identity : str
        Like `fingerprint` but without the precision class: models of one identity are the same
        model, computed more or less exactly. Empty where a model has a single class.
    """

    name: str
    dimension: int
    max_tokens: int | None
    fingerprint: str
    normalised: bool
    prompts: Mapping[Role, str] = field(default_factory=dict)
    modality: Modality = Modality.TEXT
    licence: str = ""
    parameters: int = 0
    size_bytes: int = 0
    precision: str = "exact"
    runtime: str = ""
    source: str = ""
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer, or a batch of vectors, took.

    Attributes
    ----------
    input_tokens, output_tokens : int
        As the model counts them.
    cost : float or None
        In US dollars; None where nothing is charged or the price is not known.
    """

    input_tokens: int
    output_tokens: int = 0
    cost: float | None = None
