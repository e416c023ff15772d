"""Tokenizers: load a vocabulary, cut texts, and look at what became of each word.

=====================  =====================================================================
:func:`load`           any Hugging Face ``tokenizer.json`` as a :class:`SubwordTokenizer`
:class:`WordTokenizer`  a plain list of words, as GloVe and word2vec ship it
:func:`inspect`        one text: tokens, fragments of words, unknown words, what is cut off
:func:`summarise`      many texts: lengths, share of truncated texts, unknown words
=====================  =====================================================================
"""

from nearfield.tokenization.cut import Cut, Cutter, Prepared, Vocabulary
from nearfield.tokenization.inspection import Inspection, Token, Word, WordStatus, inspect
from nearfield.tokenization.subword import SubwordTokenizer, load
from nearfield.tokenization.summary import Summary, summarise
from nearfield.tokenization.text import check_texts, well_formed
from nearfield.tokenization.words import WordTokenizer

__all__ = [
    "Cut",
    "Cutter",
    "Inspection",
    "Prepared",
    "SubwordTokenizer",
    "Summary",
    "Token",
    "Vocabulary",
    "Word",
    "WordStatus",
    "WordTokenizer",
    "check_texts",
    "inspect",
    "load",
    "summarise",
    "well_formed",
]
