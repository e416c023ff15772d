"""Words in texts by slot: analysis per language, and an inverted index searched with BM25.

===============  ============================================================================
``analysis``     a text to terms with positions; ``characters``, ``words``, ``stemming``
``query``        the text of a query to its parts; ``matching``, ``phrases``, ``compounds``
``index``        :class:`Lexical`: append, search, explain
``impacts``      :class:`Impacts`: learned sparse vectors in the same postings
``scoring``      BM25, and the best k, compiled or with NumPy
``shelf``        a folder of segments; ``merging``, ``segment``, ``postings``, ``codec``,
                 ``container``, ``dictionary``, ``slots``
``csrc``         the optional compiled library
===============  ============================================================================
"""

from nearfield.lexical.container import DamagedIndex
from nearfield.lexical.impacts import Impacts
from nearfield.lexical.index import Explanation, Lexical, TermScore
from nearfield.lexical.library import available
from nearfield.lexical.scoring import Found
from nearfield.lexical.stemming import Language

__all__ = [
    "DamagedIndex",
    "Explanation",
    "Found",
    "Impacts",
    "Language",
    "Lexical",
    "TermScore",
    "available",
]
