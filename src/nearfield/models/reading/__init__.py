"""A reader: whether a passage answers a question, and with which words.

The cross-encoder for reranking has learned what belongs together, not what answers. The reader is
that model with two heads and small changes to its upper layers (Hu et al. 2022,
https://arxiv.org/abs/2106.09685), learned by ``python -m benchmarks.answers.training`` from half of
SQuAD 2.0's development set (Rajpurkar et al. 2018, https://aclanthology.org/P18-2124/;
CC BY-SA 4.0). The package carries the changes; the model is the installed reranker.
"""

from __future__ import annotations

from nearfield.models.reading.loading import BASE, available, load, shared
from nearfield.models.reading.reader import MAX_TOKENS, PassageReader, Reading

__all__ = ["BASE", "MAX_TOKENS", "PassageReader", "Reading", "available", "load", "shared"]
