"""Nearfield inside other tools: one file or folder a host."""
