"""Models that come as ONNX files: find the file, and learn what it takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nearfield.errors import UnsupportedModel
from nearfield.models.transformer.files import JsonObject, field, read_object
from nearfield.models.transformer.modules import Normalise, Step, Truncate
from nearfield.models.transformer.onnx_header import OnnxHeader, read_onnx_header
from nearfield.models.transformer.runtime import PooledRuntime, Precision, Runtime
from nearfield.models.transformer.runtimes.onnxruntime import (
    OnnxSentences,
    OnnxTokens,
    SessionInputs,
    open_session,
)

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["OnnxModel", "find", "open_model", "position_limit", "steps_after"]

_INPUTS = ("input_ids", "attention_mask", "token_type_ids", "position_ids")
_SENTENCES = "sentence_embedding"

# Families whose positions start behind the padding id.
_COUNTED_FROM_PADDING = frozenset({"roberta", "xlm-roberta", "camembert", "mpnet"})


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """An opened ONNX file.

    Attributes
    ----------
    runtime : Runtime or PooledRuntime
    pooled : bool
        Whether it gives one vector a text.
    width : int
        Length of its vectors.
    files : tuple of Path
        The file and, where weights lie beside it, theirs.
    parameters : int
        How many weights it has.
    """

    runtime: Runtime | PooledRuntime
    pooled: bool
    width: int
    files: tuple[Path, ...]
    parameters: int


def find(folder: Path) -> Path | None:
    """Return the folder's ONNX file: ``model.onnx``, or the only other one, or None."""
    for place in (folder, folder / "onnx"):
        if (place / "model.onnx").is_file():
            return place / "model.onnx"
    others = [*folder.glob("*.onnx"), *(folder / "onnx").glob("*.onnx")]
    return others[0] if len(others) == 1 else None


def open_model(path: Path, folder: Path, padding_id: int, *, prefer_tokens: bool) -> OnnxModel:
    """Open an ONNX file.

    Parameters
    ----------
    path : Path
    folder : Path
        Where the model's config.json may be.
    padding_id : int
        Fills rows.
    prefer_tokens : bool
        Of a file that gives both, take token vectors rather than pooled ones.

    Raises
    ------
    UnsupportedModel
        The file is damaged, or takes or gives something else than an encoder does.
    """
    header = read_onnx_header(path)
    session = open_session(path)
    precision = _precision(header)
    inputs = SessionInputs(
        types={entry.name: entry.type for entry in session.get_inputs()},
        padding_id=padding_id,
        first_position=_first_position(session, folder, path),
        longest=position_limit(folder),
        one_by_one=header.scaled_by_batch,
    )
    output, pooled = _output(session, path, prefer_tokens=prefer_tokens)
    kind = OnnxSentences if pooled else OnnxTokens
    runtime = kind(session, inputs, output, precision)
    return OnnxModel(
        runtime=runtime,
        pooled=pooled,
        width=runtime.width(),
        files=(path, *(path.parent / name for name in header.external)),
        parameters=header.parameters,
    )


def steps_after(pooled: bool, steps: Sequence[Step], path: Path) -> tuple[Step, ...]:
    """Return the steps that are left to do after an ONNX file.

    A file that pools may hold the later modules as well. Normalising twice is harmless;
    whether a dense layer is inside cannot be seen, so such a model is refused.
    """
    if pooled:
        unclear = [s.spec for s in steps if not isinstance(s, Normalise | Truncate)]
        if unclear:
            raise UnsupportedModel(
                f"{path} gives pooled vectors, and modules.json lists {', '.join(unclear)} after "
                "the pooling: whether the file holds it already is unclear"
            )
    return tuple(steps)


def position_limit(folder: Path) -> int | None:
    """Return the longest input that config.json allows, if it is there and says so."""
    path = folder / "config.json"
    config = read_object(path, optional=True)
    if not isinstance(config.get("max_position_embeddings"), int):
        return None
    positions = field(config, "max_position_embeddings", int, path)
    limit = positions - _behind_padding(config, path)
    return limit if limit > 0 else None


def _behind_padding(config: JsonObject, path: Path) -> int:
    if config.get("model_type") in _COUNTED_FROM_PADDING:
        return field(config, "pad_token_id", int, path, 1) + 1
    return 0


def _first_position(session: onnxruntime.InferenceSession, folder: Path, path: Path) -> int:
    names = [entry.name for entry in session.get_inputs()]
    unknown = sorted(set(names) - set(_INPUTS))
    if unknown or "input_ids" not in names:
        raise UnsupportedModel(
            f"{path} takes {', '.join(names)}; an encoder takes input_ids and some of "
            f"{', '.join(_INPUTS[1:])}"
        )
    config_path = folder / "config.json"
    if "position_ids" not in names:
        return 0
    if not config_path.is_file():
        raise UnsupportedModel(
            f"{path} takes position_ids, and there is no config.json that says where they start"
        )
    return _behind_padding(read_object(config_path), config_path)


def _output(
    session: onnxruntime.InferenceSession, path: Path, *, prefer_tokens: bool
) -> tuple[str, bool]:
    """Name of the output to use, and whether it is pooled."""
    ranks = {entry.name: len(entry.shape) for entry in session.get_outputs()}
    tokens = next((name for name, rank in ranks.items() if rank == 3), None)
    if ranks.get("last_hidden_state") == 3:
        tokens = "last_hidden_state"
    pooled = _SENTENCES if ranks.get(_SENTENCES) == 2 else None
    if tokens is not None and (prefer_tokens or pooled is None):
        return tokens, False
    if pooled is not None:
        return pooled, True
    raise UnsupportedModel(
        f"{path} gives {', '.join(f'{n} of rank {r}' for n, r in ranks.items())}; expected "
        f"token vectors of rank 3 or {_SENTENCES!r} of rank 2"
    )


def _precision(header: OnnxHeader) -> Precision:
    if header.full_precision:
        return Precision.EXACT
    return Precision.FAST if header.half_precision else Precision.SMALL
