"""Encoders: from a name to vectors, offline first and hash-checked."""
