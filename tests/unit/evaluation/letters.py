"""An encoder whose vectors anyone can check: it counts letters."""

import numpy as np

from nearfield.types import BatchReport, ModelCard, Role


class Letters:
    """Counts letters; reads the first `limit` characters; knows no capital letters."""

    tokenizer = None

    def __init__(self, name="letters", alphabet="abcdefghijklmnopqrstuvwxyz", limit=40):
        self.alphabet, self.limit, self.seen = alphabet, limit, []
        self.card = ModelCard(name, len(alphabet), limit, (name * 64)[:64], False, runtime="python")

    def encode(self, inputs, *, role=Role.DOCUMENT, observe=None):
        self.seen.append((Role.of(role), list(inputs)))
        rows = [[text[: self.limit].count(letter) for letter in self.alphabet] for text in inputs]
        vectors = np.asarray(rows, dtype=np.float32).reshape(len(inputs), len(self.alphabet))
        if observe:
            cut = tuple(n for n, text in enumerate(inputs) if len(text) > self.limit)
            empty = tuple(np.flatnonzero(~vectors.any(1)).tolist())
            tokens = sum(len(text[: self.limit]) for text in inputs)
            observe(BatchReport(tuple(range(len(inputs))), tokens, cut, empty))
        return vectors
