"""Metrics: each one small function with its formula and its source."""
