"""Nearfield: embedding models end to end on one machine."""
