"""The weights of an int8 cross-encoder in ONNX, as float32 numbers by our names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from nearfield.errors import UnsupportedModel
from nearfield.models.transformer.config import Activation, EncoderShape, Family
from nearfield.models.transformer.names import names_in_files
from nearfield.types import FloatArray

__all__ = ["BaseWeights", "base_shape"]


def base_shape(vocabulary: int) -> EncoderShape:
    """The shape of ms-marco-MiniLM-L-12-v2, whose ONNX file states none."""
    return EncoderShape(
        family=Family.BERT,
        layers=12,
        hidden=384,
        heads=12,
        intermediate=1536,
        embedding=384,
        vocabulary=vocabulary,
        positions=512,
        token_types=2,
        padding_id=None,
        activation=Activation.GELU,
        norm_epsilon=1e-12,
    )


class BaseWeights(Mapping[str, FloatArray]):
    """The encoder's weights; what is int8 in the file is widened when it is asked for.

    Parameters
    ----------
    file : Path

    Raises
    ------
    UnsupportedModel
        When it is asked for: a weight that is missing.
    """

    def __init__(self, file: Path) -> None:
        import onnx

        graph = onnx.load(file).graph
        self._file = file
        self._names = names_in_files(base_shape(0))
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        # A product's weight is named after the product, and stands as (in, out).
        self._products = {}
        for node in graph.node:
            if node.op_type == "MatMulInteger":
                place = node.name.strip("/").rpartition("/")[0].replace("/", ".")
                self._products[f"{place}.weight"] = node.input[1].removesuffix("_quantized")

    def __getitem__(self, name: str) -> FloatArray:
        return self._widened(f"bert.{self._names[name]}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def head(self) -> dict[str, FloatArray]:
        """The pooling layer (``pool``) and what scores relevance (``answered``)."""
        return {
            f"{ours}.{kind}": self._widened(f"{theirs}.{kind}")
            for ours, theirs in (("pool", "bert.pooler.dense"), ("answered", "classifier"))
            for kind in ("weight", "bias")
        }

    def _widened(self, name: str) -> FloatArray:
        from onnx import numpy_helper

        product = self._products.get(name)
        place = name if product is None else product
        try:
            if place in self._tensors:
                array = numpy_helper.to_array(self._tensors[place])
            else:
                whole, zero, scale = (
                    numpy_helper.to_array(self._tensors[f"{place}_{part}"]).astype(np.float32)
                    for part in ("quantized", "zero_point", "scale")
                )
                array = (whole - zero) * scale
        except KeyError:
            raise UnsupportedModel(f"{self._file} has no weight {name!r}: fetch it again") from None
        found = np.asarray(array, dtype=np.float32)
        return found if product is None else np.ascontiguousarray(found.T)
