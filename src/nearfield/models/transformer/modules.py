"""What follows the encoder in a sentence-transformers model: pooling, dense layers, norms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from nearfield.errors import UnsupportedModel
from nearfield.metric import normalise
from nearfield.models.transformer.files import JsonObject, field, read_object
from nearfield.models.transformer.pooling import PoolingMode
from nearfield.models.transformer.weights import SINGLE, Tensors, open_tensors
from nearfield.types import FloatArray

__all__ = ["Dense", "LayerNorm", "Normalise", "PoolingSpec", "Step", "Truncate"]

# Old files switch each mode on by its own key; the order is that of the concatenation.
_SWITCHES = {
    "pooling_mode_cls_token": PoolingMode.CLS,
    "pooling_mode_max_tokens": PoolingMode.MAX,
    "pooling_mode_mean_tokens": PoolingMode.MEAN,
    "pooling_mode_mean_sqrt_len_tokens": PoolingMode.MEAN_SQRT_LENGTH,
    "pooling_mode_weightedmean_tokens": PoolingMode.WEIGHTED_MEAN,
    "pooling_mode_lasttoken": PoolingMode.LAST_TOKEN,
}


@dataclass(frozen=True, slots=True)
class PoolingSpec:
    """How token vectors become one.

    Attributes
    ----------
    modes : tuple of PoolingMode
        Their results are put side by side.
    include_prompt : bool
        Whether the prompt's tokens take part.
    hidden : int or None
        Width of the token vectors that the file states.
    """

    modes: tuple[PoolingMode, ...]
    include_prompt: bool = True
    hidden: int | None = None


class Step(Protocol):
    """Turns pooled vectors into others; knows its own part of the fingerprint."""

    @property
    def spec(self) -> str:
        """Name and settings in one line."""

    @property
    def weights(self) -> Tensors | None:
        """Its numbers, where it has any."""

    def dimension(self, width: int) -> int:
        """Width of its results for vectors of `width`; UnsupportedModel when it cannot."""

    def apply(self, vectors: FloatArray) -> FloatArray:
        """Shape (n, width) to (n, dimension(width))."""


@dataclass(frozen=True, slots=True)
class Normalise:
    """x / ‖x‖₂."""

    spec: str = "normalise"
    weights: None = None

    def dimension(self, width: int) -> int:
        return width

    def apply(self, vectors: FloatArray) -> FloatArray:
        return normalise(vectors)


@dataclass(frozen=True, slots=True)
class Truncate:
    """The first `size` dimensions, not normalised again."""

    size: int
    weights: None = None

    @property
    def spec(self) -> str:
        return f"truncate:{self.size}"

    def dimension(self, width: int) -> int:
        return min(width, self.size)

    def apply(self, vectors: FloatArray) -> FloatArray:
        return np.ascontiguousarray(vectors[:, : self.size])


@dataclass(frozen=True, slots=True)
class LayerNorm:
    """(x - mean(x)) / √(var(x) + 1e-5) · scale + shift (Ba et al. 2016)."""

    scale: FloatArray
    shift: FloatArray
    weights: Tensors
    spec: str = "layer_norm"

    def dimension(self, width: int) -> int:
        return _require_width(width, len(self.scale), self.weights)

    def apply(self, vectors: FloatArray) -> FloatArray:
        centred = vectors - vectors.mean(axis=1, keepdims=True)
        deviation = np.sqrt(np.mean(centred**2, axis=1, keepdims=True) + np.float32(1e-5))
        normed: FloatArray = centred / deviation * self.scale + self.shift
        return normed


@dataclass(frozen=True, slots=True)
class Dense:
    """f(x Wᵀ + b), plus x or x Rᵀ where the module has a residual.

    Attributes
    ----------
    matrix : ndarray of float32, shape (out, in)
    bias : ndarray of float32, shape (out,), or None
    activation : str
        Name of f in PyTorch.
    residual : ndarray of float32, shape (out, in), or None
        R.
    adds_input : bool
        Adds x itself.
    """

    matrix: FloatArray
    bias: FloatArray | None
    activation: str
    weights: Tensors
    residual: FloatArray | None = None
    adds_input: bool = False

    @property
    def spec(self) -> str:
        kind = "matrix" if self.residual is not None else "input" if self.adds_input else "none"
        return f"dense:{self.activation}:residual={kind}"

    def dimension(self, width: int) -> int:
        _require_width(width, self.matrix.shape[1], self.weights)
        return int(self.matrix.shape[0])

    def apply(self, vectors: FloatArray) -> FloatArray:
        product = vectors @ self.matrix.T
        if self.bias is not None:
            product += self.bias
        out = _ACTIVATIONS[self.activation](product)
        if self.residual is not None:
            out = out + vectors @ self.residual.T
        return out + vectors if self.adds_input else out


def read_pooling(path: Path) -> PoolingSpec:
    """Read a Pooling module's config.json, in the old or the new spelling.

    Raises
    ------
    UnsupportedModel
        An unknown mode or key.
    """
    config = dict(read_object(path))
    stated = config.pop("pooling_mode", None)
    switched = {key: config.pop(key) for key in list(config) if key.startswith("pooling_mode_")}
    unknown = [key for key, on in switched.items() if on and key not in _SWITCHES]
    if unknown:
        raise UnsupportedModel(f"{path} switches on {', '.join(unknown)}, which is not known")
    if stated is None:
        stated = [mode for key, mode in _SWITCHES.items() if switched.get(key)] or ["mean"]
    names = [stated] if isinstance(stated, str) else stated
    try:
        modes = tuple(PoolingMode(name) for name in names)  # type: ignore[union-attr, arg-type]
    except (ValueError, TypeError):
        raise UnsupportedModel(
            f"{path} states pooling_mode = {stated!r}; known are {', '.join(PoolingMode)}"
        ) from None
    include_prompt = field(config, "include_prompt", bool, path, True)
    width_key = next(
        (k for k in ("embedding_dimension", "word_embedding_dimension") if k in config), None
    )
    hidden = field(config, width_key, int, path) if width_key else None
    rest = set(config) - {"include_prompt", "embedding_dimension", "word_embedding_dimension"}
    if rest:
        raise UnsupportedModel(f"{path} states {', '.join(sorted(rest))}, which is not understood")
    return PoolingSpec(modes, include_prompt, hidden)


def read_step(kind: str, folder: Path) -> Step | None:
    """Read a module that follows the pooling; None for one that does nothing when encoding.

    Raises
    ------
    UnsupportedModel
        A kind or setting that is not understood.
    """
    match kind:
        case "Dropout":
            return None
        case "Normalize":
            config = read_object(folder / "config.json", optional=True)
            _require_sentence_input(config, folder)
            return Normalise()
        case "LayerNorm":
            tensors = open_tensors(folder)
            return LayerNorm(
                _vector("norm.weight", tensors, folder),
                _vector("norm.bias", tensors, folder),
                tensors,
            )
        case "Dense":
            return _read_dense(folder)
        case _:
            raise UnsupportedModel(
                f"{folder.parent / 'modules.json'} lists the module {kind} after the pooling; "
                "built in are Dense, Dropout, LayerNorm and Normalize. "
                "The extra 'torch' serves others"
            )


def _read_dense(folder: Path) -> Dense:
    path = folder / "config.json"
    config = read_object(path)
    _require_sentence_input(config, folder)
    known = {
        "in_features", "out_features", "bias", "activation_function", "use_residual",
        "module_input_name", "module_output_name",
    }  # fmt: skip
    if set(config) - known:
        unknown = ", ".join(sorted(set(config) - known))
        raise UnsupportedModel(f"{path} states {unknown}, which is not understood")
    # sentence-transformers' own default is tanh.
    stated = field(config, "activation_function", str, path, "torch.nn.modules.activation.Tanh")
    module, _, activation = stated.rpartition(".")
    if not module.startswith("torch.nn") or activation not in _ACTIVATIONS:
        raise UnsupportedModel(
            f"{path} states activation_function = {stated!r}; known are torch.nn's "
            f"{', '.join(_ACTIVATIONS)}"
        )
    tensors = open_tensors(folder)
    sizes = field(config, "out_features", int, path), field(config, "in_features", int, path)
    residual = field(config, "use_residual", bool, path, False)
    widened = residual and sizes[0] != sizes[1]
    with_bias = field(config, "bias", bool, path, True)
    return Dense(
        matrix=_matrix("linear.weight", tensors, sizes, folder),
        bias=_vector("linear.bias", tensors, folder, sizes[0]) if with_bias else None,
        activation=activation,
        weights=tensors,
        residual=_matrix("residual.weight", tensors, sizes, folder) if widened else None,
        adds_input=residual and not widened,
    )


def _require_sentence_input(config: JsonObject, folder: Path) -> None:
    for key in ("module_input_name", "module_output_name"):
        value = config.get(key)
        if value not in (None, "sentence_embedding"):
            raise UnsupportedModel(
                f"{folder / 'config.json'} states {key} = {value!r}; "
                "built in is only 'sentence_embedding'"
            )


def _matrix(name: str, tensors: Tensors, sizes: tuple[int, int], folder: Path) -> FloatArray:
    found = tensors.stored[name].shape if name in tensors.stored else None
    if found != sizes:
        raise UnsupportedModel(
            f"{folder / SINGLE}: tensor {name!r} is of shape {found}, expected {sizes}"
        )
    return tensors[name]


def _vector(name: str, tensors: Tensors, folder: Path, size: int | None = None) -> FloatArray:
    found = tensors.stored[name].shape if name in tensors.stored else None
    if found is None or len(found) != 1 or (size is not None and found != (size,)):
        raise UnsupportedModel(
            f"{folder / SINGLE}: tensor {name!r} is of shape {found}, expected ({size or 'n'},)"
        )
    return tensors[name]


def _require_width(width: int, expected: int, tensors: Tensors) -> int:
    if width != expected:
        raise UnsupportedModel(
            f"{tensors.files[0].parent} takes vectors of {expected} dimensions, "
            f"the module before it gives {width}"
        )
    return width


def _gelu(x: FloatArray) -> FloatArray:
    """X Φ(x), Φ through the error function; few rows and columns, so a loop serves."""
    from math import erf, sqrt

    phi = 0.5 * (1.0 + np.vectorize(erf, otypes=[np.float32])(x / np.float32(sqrt(2.0))))
    activated: FloatArray = (x * phi).astype(np.float32)
    return activated


def _sigmoid(x: FloatArray) -> FloatArray:
    # tanh does not overflow for large negative x, as exp(-x) would.
    half = np.float32(0.5)
    activated: FloatArray = half + half * np.tanh(half * x)
    return activated


_ACTIVATIONS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "Identity": lambda x: x,
    "Tanh": np.tanh,
    "ReLU": lambda x: np.maximum(x, np.float32(0.0)),
    "GELU": _gelu,
    "Sigmoid": _sigmoid,
    "SiLU": lambda x: x * _sigmoid(x),
}
