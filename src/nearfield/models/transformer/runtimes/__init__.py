"""One file a runtime; each implements the interface of ``runtime.py``."""
