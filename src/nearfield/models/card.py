"""Who a model is: fingerprints that tell two spaces apart, and cards for people to read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from nearfield.errors import FingerprintMismatch
from nearfield.types import ModelCard

__all__ = ["describe", "fingerprint", "require_same", "summary"]


def fingerprint(parts: Mapping[str, str | int | float | bool]) -> str:
    """Hash everything that decides a model's vectors into one identity.

    Parameters
    ----------
    parts : mapping of str to str, int, float or bool
        Weights hash, tokenizer hash, pooling, prompts, dimension, normalisation, precision
        class … The order of the keys does not matter; ``1``, ``1.0`` and ``True`` differ.

    Returns
    -------
    str
        64 hexadecimal characters: SHA-256 over the parts as JSON with sorted keys, no spaces
        and ASCII escapes.

    Raises
    ------
    ValueError
        A float is not finite, and so has no JSON form.

    Examples
    --------
    >>> fingerprint({"weights": "ab", "dimension": 2})[:16]
    '1823f6b66b48bddb'
    >>> fingerprint({"dimension": 2, "weights": "ab"})[:16]
    '1823f6b66b48bddb'
    """
    text = json.dumps(
        dict(parts), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def require_same(expected: str, found: str, *, what: str) -> None:
    """Refuse to let two models meet in one space.

    Parameters
    ----------
    expected : str
        Fingerprint that the vectors were made with.
    found : str
        Fingerprint of the encoder at hand.
    what : str
        What holds the vectors, as the message's subject, such as ``"the collection notes.nf"``.

    Raises
    ------
    FingerprintMismatch
        With both values and the remedy.
    """
    if expected != found:
        raise FingerprintMismatch(
            f"{what} was made by the model with fingerprint {expected}, not by this one with "
            f"fingerprint {found}: use the model that made it, or index again with this one "
            "(vectors of two models cannot be compared, even at the same dimension)"
        )


def describe(card: ModelCard) -> dict[str, str | int | bool | dict[str, str] | None]:
    """Return a card as plain data, ready for JSON.

    Examples
    --------
    >>> describe(ModelCard("toy", 2, None, "0" * 64, True))["max_tokens"] is None
    True
    """
    return {
        "name": card.name,
        "dimension": card.dimension,
        "max_tokens": card.max_tokens,
        "normalised": card.normalised,
        "prompts": {str(role): prompt for role, prompt in card.prompts.items()},
        "modality": str(card.modality),
        "licence": card.licence,
        "parameters": card.parameters,
        "size_bytes": card.size_bytes,
        "precision": card.precision,
        "runtime": card.runtime,
        "source": card.source,
        "fingerprint": card.fingerprint,
        "identity": card.identity,
    }


def summary(card: ModelCard) -> str:
    """One line for a person.

    Examples
    --------
    >>> summary(ModelCard("toy", 2, 256, "0123456789ab" + "0" * 52, True, size_bytes=90_900_000))
    'toy: 2 dimensions, up to 256 tokens, 91 MB, fingerprint 0123456789ab'
    """
    limit = "any length" if card.max_tokens is None else f"up to {card.max_tokens} tokens"
    size = f", {card.size_bytes / 1e6:.0f} MB" if card.size_bytes else ""
    return (
        f"{card.name}: {card.dimension} dimensions, {limit}{size}, "
        f"fingerprint {card.fingerprint[:12]}"
    )
