"""What smaller vectors cost: fewer dimensions, fewer bits, approximate search, each measured.

==============  ==========================================================================
``reduction``   fewer dimensions: the first ones (Matryoshka), or principal components
``storage``     fewer bits a dimension: float16, int8, one bit, with and without rescoring
``variant``     one way to keep vectors: a reduction, a storage, or an HNSW graph
``study``       every way against float32: quality or neighbours, bytes, latency
==============  ==========================================================================
"""

from nearfield.evaluation.compression.reduction import Reduction
from nearfield.evaluation.compression.storage import Storage
from nearfield.evaluation.compression.study import CompressionReport, Outcome, study
from nearfield.evaluation.compression.variant import Variant, variants

__all__ = [
    "CompressionReport",
    "Outcome",
    "Reduction",
    "Storage",
    "Variant",
    "study",
    "variants",
]
