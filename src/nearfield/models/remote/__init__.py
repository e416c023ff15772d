"""Hosted models: encoders and rerankers behind an API, such as ``openai:text-embedding-3-small``.

Only a model that is named so uses the network. What leaves the machine are the texts that are
encoded or scored, the model's name and the key; nothing else, and to that provider alone. Keys come
from the environment. See ``docs/guide/hosted.md``.

The names below are imported at first use: every name of a model is looked at here, hosted or not.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nearfield.models.remote.loading import load
    from nearfield.models.remote.naming import PROVIDERS, is_remote, parse
    from nearfield.models.remote.prices import Forecast, Price, forecast, price_of
    from nearfield.models.remote.spending import Account, Spent, account, cap

__all__ = [
    "PROVIDERS",
    "Account",
    "Forecast",
    "Price",
    "Spent",
    "account",
    "cap",
    "forecast",
    "is_remote",
    "load",
    "parse",
    "price_of",
]

_HOMES = {
    "loading": ("load",),
    "naming": ("PROVIDERS", "is_remote", "parse"),
    "prices": ("Forecast", "Price", "forecast", "price_of"),
    "spending": ("Account", "Spent", "account", "cap"),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
