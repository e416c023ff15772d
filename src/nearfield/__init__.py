"""Nearfield: embedding models end to end on one machine.

>>> import nearfield as nf
>>> float(nf.similarity([1.0, 0.0], [0.0, 1.0])[0, 0])
0.0

The names below are stable. They are imported at first use, so that ``import nearfield`` costs
nothing that is not asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nearfield.collection import Collection
    from nearfield.collection import open_collection as open
    from nearfield.errors import NearfieldError
    from nearfield.evaluation import tasks
    from nearfield.evaluation.evaluate import evaluate
    from nearfield.metric import similarity
    from nearfield.models.resolve import load

    __version__: str

__all__ = [
    "Collection",
    "NearfieldError",
    "__version__",
    "evaluate",
    "load",
    "open",
    "similarity",
    "tasks",
]

_HOMES = {
    "Collection": "nearfield.collection:Collection",
    "NearfieldError": "nearfield.errors:NearfieldError",
    "evaluate": "nearfield.evaluation.evaluate:evaluate",
    "load": "nearfield.models.resolve:load",
    "open": "nearfield.collection:open_collection",
    "similarity": "nearfield.metric:similarity",
    "tasks": "nearfield.evaluation.tasks",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("nearfield")
    try:
        module, _, attribute = _HOMES[name].partition(":")
    except KeyError:
        raise AttributeError(f"module 'nearfield' has no attribute {name!r}") from None
    found = importlib.import_module(module)
    value = getattr(found, attribute) if attribute else found
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
