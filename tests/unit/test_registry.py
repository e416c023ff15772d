"""The registry: every built-in name loads, unknown ones suggest, missing extras are named."""

from __future__ import annotations

import pytest

from nearfield.errors import MissingExtra, UnknownName
from nearfield.registry import CHUNKERS, READERS, STORES, Part, Registry, suggest


@pytest.mark.parametrize(
    ("registry", "name"),
    [(registry, name) for registry in (STORES, CHUNKERS, READERS) for name in registry.names()],
    ids=lambda value: getattr(value, "role", value),
)
def test_every_built_in_part_loads(registry: Registry, name: str) -> None:
    assert isinstance(registry.load(name), type)


def test_unknown_names_suggest_neighbours() -> None:
    with pytest.raises(UnknownName, match="no store is called 'lokal'; did you mean 'local'"):
        STORES.load("lokal")
    assert suggest("zzz", ["b", "a"]) == "known: a, b"


def test_a_missing_dependency_names_the_extra() -> None:
    registry = Registry("stores", {"far": Part("no_such_module_at_all:Store", "far")})
    with pytest.raises(MissingExtra, match=r"store 'far' needs .*nearfield\[far\]"):
        registry.load("far")
