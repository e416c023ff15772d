"""Static models: one vector a token, whatever stands around it.

=======================  ==================================================================
:func:`load`             GloVe, word2vec, model2vec, WordLlama … as a :class:`StaticEncoder`
:func:`recognises`       whether a file or folder is one of them
:func:`neighbours`       the nearest words of a word
:func:`analogy`          king - man + woman
:func:`save_words`       word vectors as ``vectors.npy`` + ``vocab.txt``, which open at once
=======================  ==================================================================
"""

from nearfield.models.static.encoder import StaticEncoder
from nearfield.models.static.loading import load, recognises
from nearfield.models.static.npy_format import save_words
from nearfield.models.static.words import Neighbour, analogy, neighbours

__all__ = [
    "Neighbour",
    "StaticEncoder",
    "analogy",
    "load",
    "neighbours",
    "recognises",
    "save_words",
]
