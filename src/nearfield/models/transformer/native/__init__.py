"""The native encoder: a small C library, compiled at installation where there is a compiler.

==============  ===========================================================================
``csrc``        the library: ``encoder.h`` is the encoder step by step, a ``kernel_*.c`` for
                each kind of processor, ``api.c`` the interface with every check
``library``     loading it, its kernels, and whether it can be used here
``selfcheck``   whether a kernel computes what it should on this machine, remembered
``panels``      weights in a kernel's own order, kept on disk
``model``       an encoder's shape and weights handed to it, and batches computed by it
==============  ===========================================================================
"""

from nearfield.models.transformer.native.library import Availability, available

__all__ = ["Availability", "available"]
