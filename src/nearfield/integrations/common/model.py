"""A model of Nearfield as a host holds it: open, and with the name that finds it again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nearfield.models.precision import AUTO
from nearfield.models.resolve import default_model, load
from nearfield.protocols import Encoder

__all__ = ["NamedModel", "open_model"]


@dataclass(frozen=True, slots=True)
class NamedModel:
    """An open model.

    Attributes
    ----------
    encoder : Encoder
    name : str
        A collection keeps it, to load the model when no host hands it over.
    dimensions : int or None
        Components that were kept; None for all.
    """

    encoder: Encoder
    name: str
    dimensions: int | None = None


def open_model(
    name: str = "", *, dimensions: int | None = None, precision: str = AUTO
) -> NamedModel:
    """Load a model by name; without one, the default model. See :func:`nearfield.load`."""
    wanted = name or default_model()
    place = Path(wanted).expanduser()
    kept = str(place.resolve()) if place.exists() else wanted
    return NamedModel(load(wanted, dimensions=dimensions, precision=precision), kept, dimensions)
