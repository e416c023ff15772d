"""From a model folder to an encoder: what is there decides what computes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nearfield.errors import InputError, ModelNotInstalled, UnsupportedModel, UnsupportedOperation
from nearfield.models.precision import Precision, asked
from nearfield.models.transformer import choice as choices
from nearfield.models.transformer import weights
from nearfield.models.transformer.choice import Choice, RuntimeName
from nearfield.models.transformer.config import EncoderShape, read_shape
from nearfield.models.transformer.decision import decide
from nearfield.models.transformer.encoder import Head, TransformerEncoder
from nearfield.models.transformer.files import Json, read_object
from nearfield.models.transformer.identity import Facts, card_of
from nearfield.models.transformer.layout import Layout, read_layout
from nearfield.models.transformer.pooling import PoolingMode
from nearfield.models.transformer.runtime import PooledRuntime, Runtime
from nearfield.models.transformer.runtimes.opening import open_runtime
from nearfield.tokenization import SubwordTokenizer
from nearfield.tokenization import load as load_tokenizer
from nearfield.types import FloatArray

__all__ = ["load"]


def load(
    folder: Path,
    *,
    name: str,
    precision: str | None = None,
    pooling: PoolingMode | str | None = None,
    runtime: str | None = None,
) -> TransformerEncoder:
    """Load an encoder from a folder, without torch and without running any code from it.

    Served are sentence-transformers and plain Hugging Face folders of the BERT, RoBERTa, XLM-R,
    CamemBERT, DistilBERT, MPNet and ELECTRA families with safetensors weights, and folders with
    an ONNX file (``model.onnx`` or ``onnx/model.onnx``). Where both are, the safetensors serve.

    Parameters
    ----------
    folder : Path
    name : str
        For the card.
    precision : {"exact", "fast", "small", "auto"}, optional
        Precision class (:mod:`nearfield.models.precision`); as exact as the files allow by
        default. ``auto`` takes ``fast`` where it is possible here and the model's calibration
        passes. An ONNX file has one class.
    pooling : PoolingMode or str, optional
        For folders that do not state one (no ``modules.json``). Without it such a folder is
        read with mean pooling, and the encoder's ``notes`` say so.
    runtime : {"native", "openvino", "onnxruntime", "cuda", "rocm", "directml", "coreml"}, optional
        What computes; the fastest that is here by default, or what ``NEARFIELD_RUNTIME`` names.

    Returns
    -------
    TransformerEncoder

    Raises
    ------
    ModelNotInstalled
        There is no such folder, or it has no tokenizer.
    UnsupportedModel
        Something in it is not understood; the message says what and where.
    InputError
        Another precision class, runtime or pooling than there is.
    UnsupportedOperation
        This machine or this model cannot be computed in that class or by that runtime.
    MissingExtra
        The runtime is not installed.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ModelNotInstalled(f"there is no model folder at {folder}")
    wanted = None if precision is None else asked(precision)
    computer = choices.named(runtime)
    layout = read_layout(folder, pooling=_pooling(pooling))
    tokenizer = _tokenizer(layout)
    file = _onnx_file(layout)
    if file is None or _has_safetensors(layout):
        try:
            model = _BuiltIn.read(name, layout, tokenizer)
        except UnsupportedModel:
            if file is None:
                raise
        else:
            return decide(model, Precision.EXACT if precision is None else wanted, computer)
    return _open_file(file, name, layout, tokenizer, wanted, stated_pooling=pooling is not None)


@dataclass(frozen=True, slots=True)
class _BuiltIn:
    """A model of a built-in family: everything but what computes it.

    Attributes
    ----------
    name : str
    shape : EncoderShape
    weights : mapping of str to ndarray of float32
    layout : Layout
    tokenizer : SubwordTokenizer
    facts : Facts
    """

    name: str
    shape: EncoderShape
    weights: Mapping[str, FloatArray]
    layout: Layout
    tokenizer: SubwordTokenizer
    facts: Facts

    @classmethod
    def read(cls, name: str, layout: Layout, tokenizer: SubwordTokenizer) -> _BuiltIn:
        folder = layout.transformer
        shape = read_shape(folder / "config.json")
        if layout.pooling.hidden not in (None, shape.hidden):
            raise UnsupportedModel(
                f"{layout.folder}: the pooling expects {layout.pooling.hidden} dimensions, "
                f"the encoder gives {shape.hidden}"
            )
        tensors = weights.open_tensors(folder)
        bound = weights.bind(shape, tensors, folder)
        facts = Facts(
            head=Head(layout.pooling, layout.steps),
            width=shape.hidden * len(layout.pooling.modes),
            files=tensors.files,
            parameters=sum(math.prod(array.shape) for array in bound.values()),
            encoder=repr(shape),
            max_tokens=_smaller(layout.max_tokens, shape.max_tokens),
        )
        return cls(name, shape, bound, layout, tokenizer, facts)

    @property
    def identity(self) -> str:
        """Identity of the model without its class, known before anything computes."""
        return card_of(self.name, self.layout, self.tokenizer, self.facts, Precision.EXACT).identity

    def open(self, choice: Choice) -> TransformerEncoder:
        """Make the encoder that a choice stands for."""
        runtime = self._runtime(choice)
        card = card_of(
            self.name, self.layout, self.tokenizer, self.facts, runtime.precision, runtime.name
        )
        return TransformerEncoder(
            card,
            self.tokenizer,
            runtime,
            self.facts.head,
            vocabulary=self.shape.vocabulary,
            notes=self.layout.notes,
            choice=choice,
        )

    def _runtime(self, choice: Choice) -> Runtime | PooledRuntime:
        pooling = self.layout.pooling
        return open_runtime(
            self.shape,
            self.weights,
            choice,
            padding_id=self.tokenizer.pad_id,
            modes=pooling.modes if pooling.include_prompt else (),
            identity=self.identity,
        )


def _pooling(pooling: PoolingMode | str | None) -> PoolingMode | None:
    if pooling is None:
        return None
    try:
        return PoolingMode(pooling)
    except ValueError:
        raise InputError(
            f"pooling is {pooling!r}, expected one of {', '.join(PoolingMode)}"
        ) from None


def _tokenizer(layout: Layout) -> SubwordTokenizer:
    if not layout.lower_case:
        return load_tokenizer(layout.transformer)
    path = layout.transformer / "tokenizer.json"
    if not path.is_file():
        raise ModelNotInstalled(f"there is no tokenizer at {path}")
    return SubwordTokenizer(_lower_cased(path), source=str(path))


def _lower_cased(path: Path) -> bytes:
    """Put lower-casing before the tokenizer's own normalisation, as sentence-transformers does."""
    described = dict(read_object(path))
    own = described.get("normalizer")
    steps: list[Json] = [] if own is None else [own]
    if isinstance(own, dict) and own.get("type") == "Sequence":
        nested = own.get("normalizers")
        steps = nested if isinstance(nested, list) else []
    if any(isinstance(step, dict) and step.get("type") == "Lowercase" for step in steps):
        return path.read_bytes()
    described["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Lowercase"}, *steps]}
    return json.dumps(described).encode()


def _onnx_file(layout: Layout) -> Path | None:
    from nearfield.models.transformer import onnx_files

    return onnx_files.find(layout.transformer)


def _has_safetensors(layout: Layout) -> bool:
    folder = layout.transformer
    return (folder / weights.SINGLE).is_file() or (folder / weights.INDEX).is_file()


def _open_file(
    file: Path,
    name: str,
    layout: Layout,
    tokenizer: SubwordTokenizer,
    wanted: Precision | None,
    *,
    stated_pooling: bool,
) -> TransformerEncoder:
    """Open an ONNX file, which has the class and the runtime that it has."""
    from nearfield.models.transformer import onnx_files

    states_pooling = stated_pooling or (layout.folder / "modules.json").is_file()
    model = onnx_files.open_model(
        file, layout.transformer, tokenizer.pad_id, prefer_tokens=states_pooling
    )
    runtime = model.runtime
    if wanted not in (None, runtime.precision):
        raise UnsupportedOperation(
            f"{file} is of precision '{runtime.precision}' and runs as it is, so it cannot be "
            f"computed as '{wanted}': use precision='auto' or '{runtime.precision}'"
        )
    facts = Facts(
        head=Head(layout.pooling, onnx_files.steps_after(model.pooled, layout.steps, file)),
        width=model.width * (1 if model.pooled else len(layout.pooling.modes)),
        files=model.files,
        parameters=model.parameters,
        encoder="sentence_embedding" if model.pooled else "last_hidden_state",
        max_tokens=_smaller(layout.max_tokens, onnx_files.position_limit(layout.transformer)),
    )
    card = card_of(name, layout, tokenizer, facts, runtime.precision, runtime.name)
    # A file that pools leaves nothing open.
    notes = () if model.pooled else layout.notes
    why = Choice(RuntimeName.ONNXRUNTIME, runtime.precision, "the model is an ONNX file")
    return TransformerEncoder(card, tokenizer, runtime, facts.head, notes=notes, choice=why)


def _smaller(first: int | None, second: int | None) -> int | None:
    limits = [limit for limit in (first, second) if limit is not None]
    return min(limits, default=None)
