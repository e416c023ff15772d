"""Where chunks and vectors live: the in-memory oracle and the embedded default.

Each store is named in :data:`nearfield.registry.STORES`.
"""
