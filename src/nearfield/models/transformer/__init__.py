"""Transformer encoders without torch: a model folder in, vectors out.

===============  ======================================================================
``layout``       what the folder says: modules, prompts, limits
``config``       config.json as one shape for every family
``names``        one set of names for the weights of every family
``weights``      safetensors, mapped into memory
``graph``        the shape as a computation graph
``runtime``      the interface of what computes; ``runtimes/`` implements it
``pooling``      token vectors to one vector, a formula each
``modules``      what follows the pooling: dense layers, norms
``onnx_files``   models that come as ONNX files
``batches``      long lists in batches with little padding
``encoder``      all of it as one :class:`~nearfield.protocols.Encoder`
``torch``        everything else, through sentence-transformers (extra ``torch``)
===============  ======================================================================
"""

from nearfield.models.transformer.encoder import TransformerEncoder
from nearfield.models.transformer.loading import load
from nearfield.models.transformer.pooling import PoolingMode

__all__ = ["PoolingMode", "TransformerEncoder", "load"]
