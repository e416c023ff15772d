"""Pipelines inside other tools; one a host."""
