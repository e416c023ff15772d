"""Generators by name: a local model, or an endpoint that the user names."""

from __future__ import annotations

from nearfield.rag.generators.registry import GENERATORS, default_generator, load

__all__ = ["GENERATORS", "default_generator", "load"]
