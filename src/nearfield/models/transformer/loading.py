"""From a model folder to an encoder: what is there decides what computes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nearfield.errors import (
    InputError,
    ModelNotInstalled,
    UnsupportedModel,
    UnsupportedOperation,
)
from nearfield.models import card as cards
from nearfield.models.hashes import file_sha256
from nearfield.models.transformer import graph, weights
from nearfield.models.transformer.config import EncoderShape, read_shape
from nearfield.models.transformer.encoder import Head, TransformerEncoder
from nearfield.models.transformer.files import Json, read_object
from nearfield.models.transformer.layout import Layout, read_layout
from nearfield.models.transformer.modules import Normalise, PoolingSpec
from nearfield.models.transformer.pooling import PoolingMode
from nearfield.models.transformer.runtime import PooledRuntime, Precision, Runtime
from nearfield.tokenization import SubwordTokenizer
from nearfield.tokenization import load as load_tokenizer
from nearfield.types import FloatArray, ModelCard, Role

__all__ = ["load"]

_LICENCE = re.compile(r"^license:\s*[\"']?([^\s\"'\[\]]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Engine:
    """A runtime that is ready, with what the card says about it."""

    runtime: Runtime | PooledRuntime
    head: Head
    width: int
    files: tuple[Path, ...]
    parameters: int
    identity: str
    max_tokens: int | None
    vocabulary: int | None = None
    notes: tuple[str, ...] = ()


def load(
    folder: Path,
    *,
    name: str,
    precision: str = Precision.EXACT,
    pooling: PoolingMode | str | None = None,
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
    precision : {"exact", "fast"}
        Precision class: float32, or bfloat16 with float32 sums where the processor has it. An
        ONNX file runs as it is; the card says its class.
    pooling : PoolingMode or str, optional
        For folders that do not state one (no ``modules.json``). Without it such a folder is
        read with mean pooling, and the encoder's ``notes`` say so.

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
        Another precision class or pooling than there is.
    UnsupportedOperation
        This machine or this model cannot be computed in the class "fast".
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ModelNotInstalled(f"there is no model folder at {folder}")
    if precision not in (Precision.EXACT, Precision.FAST):
        raise InputError(f"precision is {precision!r}, expected 'exact' or 'fast'")
    layout = read_layout(folder, pooling=_pooling(pooling))
    tokenizer = _tokenizer(layout)
    engine = _engine(layout, tokenizer, Precision(precision), stated_pooling=pooling is not None)
    return TransformerEncoder(
        _card(name, layout, tokenizer, engine),
        tokenizer,
        engine.runtime,
        engine.head,
        vocabulary=engine.vocabulary,
        notes=engine.notes,
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


def _engine(
    layout: Layout, tokenizer: SubwordTokenizer, precision: Precision, *, stated_pooling: bool
) -> _Engine:
    from nearfield.models.transformer import onnx_files

    folder = layout.transformer
    onnx_file = onnx_files.find(folder)
    stored = (folder / weights.SINGLE).is_file() or (folder / weights.INDEX).is_file()
    if onnx_file is None or stored:
        try:
            return _built_in_engine(layout, tokenizer, precision)
        except UnsupportedModel:
            if onnx_file is None:
                raise
    if precision is Precision.FAST:
        raise UnsupportedOperation(
            f"{folder} holds an ONNX file, which runs as it is: precision 'fast' needs safetensors "
            "of a built-in family. Use precision='exact'"
        )
    return _onnx_engine(layout, onnx_file, tokenizer, stated_pooling=stated_pooling)


def _built_in_engine(layout: Layout, tokenizer: SubwordTokenizer, precision: Precision) -> _Engine:
    folder = layout.transformer
    shape = read_shape(folder / "config.json")
    if layout.pooling.hidden not in (None, shape.hidden):
        raise UnsupportedModel(
            f"{layout.folder}: the pooling expects {layout.pooling.hidden} dimensions, "
            f"the encoder gives {shape.hidden}"
        )
    tensors = weights.open_tensors(folder)
    bound = weights.bind(shape, tensors, folder)
    return _Engine(
        runtime=_runtime(shape, bound, precision, layout.pooling, tokenizer.pad_id),
        head=Head(layout.pooling, layout.steps),
        width=shape.hidden * len(layout.pooling.modes),
        files=tensors.files,
        parameters=sum(math.prod(array.shape) for array in bound.values()),
        identity=repr(shape),
        max_tokens=_smaller(layout.max_tokens, shape.max_tokens),
        vocabulary=shape.vocabulary,
        notes=layout.notes,
    )


def _runtime(
    shape: EncoderShape,
    bound: Mapping[str, FloatArray],
    precision: Precision,
    pooling: PoolingSpec,
    padding_id: int,
) -> Runtime | PooledRuntime:
    """Return the native encoder where it serves, else ONNX Runtime."""
    from nearfield.models.transformer.runtimes import native
    from nearfield.models.transformer.runtimes.onnxruntime import OnnxEncoder

    if precision is Precision.FAST or native.is_fastest(shape):
        modes = pooling.modes if pooling.include_prompt else ()
        return native.open_native(shape, bound, precision, modes)
    return OnnxEncoder(graph.cached(shape), bound, padding_id)


def _onnx_engine(
    layout: Layout, file: Path, tokenizer: SubwordTokenizer, *, stated_pooling: bool
) -> _Engine:
    from nearfield.models.transformer import onnx_files

    states_pooling = stated_pooling or (layout.folder / "modules.json").is_file()
    model = onnx_files.open_model(
        file, layout.transformer, tokenizer.pad_id, prefer_tokens=states_pooling
    )
    return _Engine(
        runtime=model.runtime,
        head=Head(layout.pooling, onnx_files.steps_after(model.pooled, layout.steps, file)),
        width=model.width * (1 if model.pooled else len(layout.pooling.modes)),
        files=model.files,
        parameters=model.parameters,
        identity="sentence_embedding" if model.pooled else "last_hidden_state",
        max_tokens=_smaller(layout.max_tokens, onnx_files.position_limit(layout.transformer)),
        # A file that pools leaves nothing open.
        notes=() if model.pooled else layout.notes,
    )


def _card(name: str, layout: Layout, tokenizer: SubwordTokenizer, engine: _Engine) -> ModelCard:
    dimension = engine.width
    for step in engine.head.steps:
        dimension = step.dimension(dimension)
    files = [*engine.files, *_step_files(engine.head)]
    normalised = bool(engine.head.steps) and isinstance(engine.head.steps[-1], Normalise)
    identity: dict[str, str | int | float | bool] = {
        "kind": "transformer",
        "weights": ",".join(file_sha256(file) for file in files),
        "encoder": engine.identity,
        "tokenizer": tokenizer.fingerprint,
        "pooling": ",".join(engine.head.pooling.modes),
        "include_prompt": engine.head.pooling.include_prompt,
        "steps": ",".join(step.spec for step in engine.head.steps),
        "dimension": dimension,
        "normalised": normalised,
        "max_tokens": engine.max_tokens or 0,
        "precision": str(engine.runtime.precision),
        **{f"prompt:{role}": layout.prompts.get(role, "") for role in Role},
    }
    return ModelCard(
        name=name,
        dimension=dimension,
        max_tokens=engine.max_tokens,
        fingerprint=cards.fingerprint(identity),
        normalised=normalised,
        prompts=dict(layout.prompts),
        licence=_licence(layout.folder / "README.md"),
        parameters=engine.parameters
        + sum(step.weights.parameters for step in engine.head.steps if step.weights is not None),
        size_bytes=sum(file.stat().st_size for file in files),
        precision=str(engine.runtime.precision),
        runtime=engine.runtime.name,
        source=str(layout.folder),
    )


def _step_files(head: Head) -> list[Path]:
    return [file for step in head.steps if step.weights is not None for file in step.weights.files]


def _licence(readme: Path) -> str:
    """Return the licence that a README's front matter states, or nothing."""
    try:
        with readme.open(encoding="utf-8", errors="replace") as file:
            start = file.read(20_000)
    except OSError:
        return ""
    if not start.startswith("---"):
        return ""
    match = _LICENCE.search(start.partition("\n---")[0])
    return match.group(1) if match else ""


def _smaller(first: int | None, second: int | None) -> int | None:
    limits = [limit for limit in (first, second) if limit is not None]
    return min(limits, default=None)
