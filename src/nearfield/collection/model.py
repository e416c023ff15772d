"""The model of a collection: found again by name, in the precision class that made the vectors.

Classes of one model are near enough to be searched together (mean cosine at least 0.9998), so a
collection made with ``fast`` can be searched where only ``exact`` is possible. They are never
stored together: what is written has one fingerprint.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nearfield.errors import FingerprintMismatch, NearfieldWarning, UnsupportedOperation
from nearfield.models.paid import PaidEncoder
from nearfield.models.precision import AUTO, Precision
from nearfield.models.prompts import with_prompts
from nearfield.models.remote.naming import is_remote
from nearfield.models.resolve import load
from nearfield.protocols import Encoder
from nearfield.stores.local import LocalStore
from nearfield.types import ModelCard, Role

if TYPE_CHECKING:
    from nearfield.models.remote.spending import Spent

__all__ = [
    "PROMPTS",
    "admit",
    "describe",
    "guarded",
    "is_same_class",
    "load_again",
    "mixing",
    "precision_of",
    "probes_of",
    "require_trust",
    "spent_by",
]

PROMPTS = "prompts"
"""Property: prompts by role that replace those of the model's card."""


def describe(name: str, card: ModelCard, dimensions: int | None) -> dict[str, str]:
    """Return the properties by which a collection finds its model again."""
    found = {"encoder": name, "precision": card.precision, "identity": card.identity}
    return found if dimensions is None else found | {"dimensions": str(dimensions)}


def probes_of(encoder: Encoder) -> dict[str, str]:
    """Return the properties by which a hosted model is known again; it is asked for them."""
    if not isinstance(encoder, PaidEncoder):
        return {}
    from nearfield.models.remote.probes import taken

    return taken(encoder)


def spent_by(encoder: Encoder) -> Spent | None:
    """Return what a hosted model's account has spent so far; None for any other model."""
    if not isinstance(encoder, PaidEncoder):
        return None
    from nearfield.models.remote.encoder import RemoteEncoder

    return encoder.requests.account.spent if isinstance(encoder, RemoteEncoder) else None


def guarded(encoder: Encoder, properties: Mapping[str, str], holder: str) -> Encoder:
    """Let a hosted model compare itself with the collection's probes before it gives vectors."""
    if not isinstance(encoder, PaidEncoder):
        return encoder
    from nearfield.models.remote import probes

    return probes.guarded(encoder, properties, holder)


def require_trust(name: str) -> None:
    """Refuse to send texts to a server that nobody but the collection itself names.

    Raises
    ------
    InputError
        The model's name leads to another machine than this one or a provider's.
    """
    if is_remote(name):
        from nearfield.models.remote import connecting

        connecting.require_trust(name)


def precision_of(properties: Mapping[str, str]) -> str:
    """Precision class of a collection's vectors."""
    return properties.get("precision", str(Precision.EXACT))


def load_again(
    properties: Mapping[str, str],
    *,
    name: str,
    dimensions: int | None,
    precision: str = AUTO,
) -> Encoder:
    """Load a model in the class of the collection, or in the class that is possible here.

    Parameters
    ----------
    properties : mapping of str to str
        The collection's.
    name : str
    dimensions : int or None
        Components that stay; None for all.
    precision : str
        A class to use instead of the collection's.
    """
    return _prompted(properties, _loaded(properties, name, dimensions, precision))


def _loaded(
    properties: Mapping[str, str], name: str, dimensions: int | None, precision: str
) -> Encoder:
    if precision != AUTO:
        return load(name, dimensions=dimensions, precision=precision)
    try:
        return load(name, dimensions=dimensions, precision=precision_of(properties))
    except UnsupportedOperation:
        return load(name, dimensions=dimensions)


def _prompted(properties: Mapping[str, str], encoder: Encoder) -> Encoder:
    """The encoder behind the prompts that the collection was made with."""
    if PROMPTS not in properties:
        return encoder
    prompts = json.loads(properties[PROMPTS])
    return with_prompts(encoder, {Role(role): prompt for role, prompt in prompts.items()})


def is_same_class(store: LocalStore, card: ModelCard) -> bool:
    """Whether a model's vectors are of the collection's class.

    Raises
    ------
    FingerprintMismatch
        It is another model altogether.
    """
    if not card.identity or card.identity != store.properties.get("identity"):
        store.require_fingerprint(card.fingerprint)
    return card.fingerprint == store.fingerprint


def admit(store: LocalStore, path: Path, card: ModelCard) -> None:
    """Let a model search a collection, with a warning where its class is another one.

    Raises
    ------
    FingerprintMismatch
        It is another model altogether.
    """
    if not is_same_class(store, card):
        warnings.warn(
            f"{path} was made by {card.name} in precision '{precision_of(store.properties)}' and "
            f"is searched in precision '{card.precision}': scores may differ by some 0.001, and "
            "nothing can be added",
            NearfieldWarning,
            stacklevel=4,
        )


def mixing(path: Path, stored: str, card: ModelCard) -> FingerprintMismatch:
    """Refuse to store two classes together."""
    return FingerprintMismatch(
        f"{path} holds vectors of precision '{stored}' and {card.name} computes '{card.precision}' "
        f"here: they can be searched together but are not stored together. Use precision "
        f"'{stored}' where it is possible, or index the sources into a new collection"
    )
