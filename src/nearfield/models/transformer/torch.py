"""Everything else that sentence-transformers itself loads, through it (extra ``torch``).

Slower to start and heavier than the built-in runtimes, so it is only for models that they do not
serve. Code that comes with a model is never run, and nothing is downloaded.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nearfield.errors import (
    MissingExtra,
    ModelNotInstalled,
    TruncationWarning,
    UnsupportedModel,
)
from nearfield.models import card as cards
from nearfield.models.hashes import file_sha256
from nearfield.models.transformer.batches import distinct, plan
from nearfield.models.transformer.layout import read_prompts
from nearfield.models.transformer.runtime import Precision
from nearfield.protocols import Observer
from nearfield.tokenization import SubwordTokenizer, check_texts
from nearfield.tokenization import load as load_tokenizer
from nearfield.types import BatchReport, FloatArray, IntArray, ModelCard, Role

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["TorchEncoder", "load"]

_BATCH_TOKENS = 4096
_WINDOW = 4096

# Files that decide a model's vectors; what else lies in the folder does not.
_DECISIVE = ("*.json", "*.txt", "*.model", "*.safetensors")


def load(folder: Path, *, name: str) -> TorchEncoder:
    """Load a folder with sentence-transformers on the CPU, in float32.

    Parameters
    ----------
    folder : Path
        A model folder with safetensors weights and a ``tokenizer.json``.
    name : str
        For the card.

    Raises
    ------
    MissingExtra
        sentence-transformers is not installed.
    ModelNotInstalled
        There is no such folder.
    UnsupportedModel
        sentence-transformers cannot load it without running its code or a pickle.
    """
    try:
        import torch
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MissingExtra(f"the model {name!r}", "torch") from error
    folder = Path(folder)
    if not folder.is_dir():
        raise ModelNotInstalled(f"there is no model folder at {folder}")
    if not any(folder.rglob("*.safetensors")):
        raise UnsupportedModel(
            f"{folder} holds no safetensors weights; pickled ones can run any code and are not read"
        )
    try:
        model = SentenceTransformer(
            str(folder),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"torch_dtype": torch.float32, "use_safetensors": True},
        )
    except (ValueError, OSError, KeyError, TypeError, ImportError, RuntimeError) as error:
        raise UnsupportedModel(f"sentence-transformers cannot load {folder}: {error}") from error
    return TorchEncoder(model, load_tokenizer(folder), folder, name)


class TorchEncoder:
    """Encodes texts with a sentence-transformers model; made by :func:`load`.

    Parameters
    ----------
    model : SentenceTransformer
    tokenizer : SubwordTokenizer
    folder : Path
        Where the model came from.
    name : str
        For the card.
    """

    def __init__(
        self, model: SentenceTransformer, tokenizer: SubwordTokenizer, folder: Path, name: str
    ) -> None:
        self._model = model
        self.tokenizer = tokenizer
        self.card = _card(model, tokenizer, folder, name)

    def __repr__(self) -> str:
        return f"TorchEncoder({self.card.name!r}, {self.card.dimension} dimensions)"

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        prompt = self.card.prompts.get(Role.of(role), "")
        found = distinct(check_texts(inputs))
        vectors = np.empty((len(found.texts), self.card.dimension), dtype=np.float32)
        cut = 0
        for start in range(0, len(found.texts), _WINDOW):
            window = found.texts[start : start + _WINDOW]
            own, lengths, truncated = self._measure(window, prompt)
            for rows in plan(lengths, _BATCH_TOKENS):
                vectors[rows + start] = self._model.encode(
                    [window[i] for i in rows],
                    prompt=prompt,
                    batch_size=len(rows),
                    show_progress_bar=False,
                    convert_to_numpy=True,
                )
                report = BatchReport(
                    indices=found.inputs(rows + start),
                    tokens=int(lengths[rows].sum()),
                    truncated=found.inputs(rows[truncated[rows]] + start),
                    empty=found.inputs(rows[own[rows] == 0] + start),
                )
                cut += len(report.truncated)
                if observe is not None:
                    observe(report)
        if cut and observe is None:
            warnings.warn(
                f"{cut:,} of {len(inputs):,} texts were longer than the model's "
                f"{self.card.max_tokens} tokens and lost their tails",
                TruncationWarning,
                stacklevel=2,
            )
        return found.expand(vectors)

    def _measure(
        self, window: list[str], prompt: str
    ) -> tuple[IntArray, IntArray, np.typing.NDArray[np.bool_]]:
        """Tokens of each text's own, tokens read by the model, and which texts are cut."""
        counts = np.array(self.tokenizer.count([prompt + text for text in window]))
        whole = counts + self.tokenizer.special_count
        limit = self.card.max_tokens
        lengths = whole if limit is None else np.minimum(whole, limit)
        return counts, lengths, whole > lengths


def _card(
    model: SentenceTransformer, tokenizer: SubwordTokenizer, folder: Path, name: str
) -> ModelCard:
    from sentence_transformers import models

    dimension = int(model.encode(["a"], show_progress_bar=False).shape[1])
    modules = list(model)
    normalised = isinstance(modules[-1], models.Normalize) and model.truncate_dim is None
    prompts = read_prompts(folder / "config_sentence_transformers.json")
    files = sorted({file for pattern in _DECISIVE for file in folder.rglob(pattern)})
    weights = [file for file in files if file.suffix == ".safetensors"]
    limit = model.max_seq_length
    identity: dict[str, str | int | float | bool] = {
        "kind": "sentence-transformers",
        "files": ",".join(f"{f.relative_to(folder).as_posix()}:{file_sha256(f)}" for f in files),
        "dimension": dimension,
        "precision": str(Precision.EXACT),
    }
    return ModelCard(
        name=name,
        dimension=dimension,
        max_tokens=int(limit) if limit is not None and limit < 1_000_000 else None,
        fingerprint=cards.fingerprint(identity),
        normalised=normalised,
        prompts=prompts,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        size_bytes=sum(file.stat().st_size for file in weights),
        precision=str(Precision.EXACT),
        runtime="torch",
        source=str(folder),
    )
