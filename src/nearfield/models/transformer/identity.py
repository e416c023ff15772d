"""Who a transformer is: its card, with the fingerprint that tells its space from every other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from nearfield.models import card as cards
from nearfield.models.hashes import file_sha256
from nearfield.models.precision import Precision
from nearfield.models.transformer.encoder import Head
from nearfield.models.transformer.layout import Layout
from nearfield.models.transformer.modules import Normalise
from nearfield.tokenization import SubwordTokenizer
from nearfield.types import ModelCard, Role

__all__ = ["Facts", "card_of"]

_LICENCE = re.compile(r"^license:\s*[\"']?([^\s\"'\[\]]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a model's weights say, whatever computes them.

    Attributes
    ----------
    head : Head
        What follows the encoder.
    width : int
        Components of a pooled vector, before the head's steps.
    files : tuple of Path
        The weights.
    parameters : int
        How many weights there are.
    encoder : str
        The computation from tokens to vectors in one line.
    max_tokens : int or None
        Longest input, special tokens included.
    """

    head: Head
    width: int
    files: tuple[Path, ...]
    parameters: int
    encoder: str
    max_tokens: int | None


def card_of(
    name: str,
    layout: Layout,
    tokenizer: SubwordTokenizer,
    facts: Facts,
    precision: Precision,
    runtime: str = "",
) -> ModelCard:
    """Make the card of a model that is computed in a precision class."""
    head = facts.head
    dimension = facts.width
    for step in head.steps:
        dimension = step.dimension(dimension)
    files = [*facts.files, *_step_files(head)]
    normalised = bool(head.steps) and isinstance(head.steps[-1], Normalise)
    identity: dict[str, str | int | float | bool] = {
        "kind": "transformer",
        "weights": ",".join(file_sha256(file) for file in files),
        "encoder": facts.encoder,
        "tokenizer": tokenizer.fingerprint,
        "pooling": ",".join(head.pooling.modes),
        "include_prompt": head.pooling.include_prompt,
        "steps": ",".join(step.spec for step in head.steps),
        "dimension": dimension,
        "normalised": normalised,
        "max_tokens": facts.max_tokens or 0,
        **{f"prompt:{role}": layout.prompts.get(role, "") for role in Role},
    }
    return ModelCard(
        name=name,
        dimension=dimension,
        max_tokens=facts.max_tokens,
        fingerprint=cards.fingerprint(identity | {"precision": str(precision)}),
        normalised=normalised,
        prompts=dict(layout.prompts),
        licence=_licence(layout.folder / "README.md"),
        parameters=facts.parameters
        + sum(step.weights.parameters for step in head.steps if step.weights is not None),
        size_bytes=sum(file.stat().st_size for file in files),
        precision=str(precision),
        runtime=runtime,
        source=str(layout.folder),
        identity=cards.fingerprint(identity),
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
