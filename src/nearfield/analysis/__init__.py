"""Analysis: arrays in, dataclasses out; knows no model and no store."""
