"""Shorter vectors from the same model: keep the first components, restore the unit length.

Models trained with Matryoshka representation learning put the most useful directions first, so a
prefix of a vector is itself a good vector (Kusupati et al. 2022, https://arxiv.org/abs/2205.13147).
Other models can be cut as well, at a price in quality that has to be measured; the catalog says
which sizes a model was trained for. Cutting is always an explicit request, so there is no warning:
the card's name ends in ``@dimensions`` wherever it is shown, and its fingerprint is another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nearfield.errors import InputError
from nearfield.metric import normalise
from nearfield.models.around import EncoderAround
from nearfield.models.card import fingerprint
from nearfield.models.paid import PaidEncoder
from nearfield.protocols import Encoder, Observer, TokenEncoder
from nearfield.types import FloatArray, Role, TokenVectors

__all__ = ["truncate"]


def truncate(encoder: Encoder, dimensions: int) -> Encoder:
    """Wrap an encoder so that its vectors have fewer components.

    Parameters
    ----------
    encoder : Encoder
        Any encoder. One that was truncated before is unwrapped first.
    dimensions : int
        How many leading components stay, 1 ≤ dimensions ≤ dimension of the whole model.

    Returns
    -------
    Encoder
        Gives vectors of shape (n, dimensions), again of unit length when the model's own are.
        The encoder itself when nothing is cut. Token vectors, where the encoder shows them,
        stay whole.

    Raises
    ------
    InputError
        Fewer than one component, or more than the model has.
    """
    whole = encoder.inner if isinstance(encoder, _Truncated) else encoder
    dimension = whole.card.dimension
    if isinstance(dimensions, bool) or not isinstance(dimensions, int | np.integer):
        raise InputError(f"dimensions is {dimensions!r}: expected a whole number")
    if not 1 <= dimensions <= dimension:
        raise InputError(
            f"cannot cut {whole.card.name} to {dimensions} dimensions: it has {dimension}, "
            f"so choose from 1 to {dimension}"
        )
    if dimensions == dimension:
        return whole
    if isinstance(whole, PaidEncoder):
        raise InputError(
            f"{whole.card.name} is a hosted model: name the dimensions when it is loaded, as in "
            f'nearfield.load("{whole.card.name}", dimensions={dimensions})'
        )
    if isinstance(whole, TokenEncoder):
        return _TruncatedTokenEncoder(whole, whole, int(dimensions))
    return _Truncated(whole, int(dimensions))


class _Truncated(EncoderAround):
    """The first components of another encoder's vectors."""

    def __init__(self, whole: Encoder, dimensions: int) -> None:
        card = whole.card
        cut = replace(
            card,
            name=f"{card.name}@{dimensions}",
            dimension=dimensions,
            fingerprint=_cut_identity(card.fingerprint, dimensions),
            identity=_cut_identity(card.identity, dimensions) if card.identity else "",
        )
        super().__init__(whole, cut)

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        vectors = super().encode(inputs, role=role, observe=observe)
        cut = np.ascontiguousarray(vectors[:, : self.card.dimension])
        return normalise(cut) if self.card.normalised else cut


class _TruncatedTokenEncoder(_Truncated):
    """The same for an encoder that also shows token vectors."""

    def __init__(self, whole: Encoder, tokens: TokenEncoder, dimensions: int) -> None:
        super().__init__(whole, dimensions)
        self._tokens = tokens

    def encode_tokens(
        self, inputs: Sequence[str], *, role: Role | str = Role.DOCUMENT
    ) -> list[TokenVectors]:
        return self._tokens.encode_tokens(inputs, role=role)


def _cut_identity(whole: str, dimensions: int) -> str:
    return fingerprint({"whole": whole, "dimensions": dimensions})
