"""Nearest neighbours of vectors by slot: exact search, quantised codes, a graph.

==============  ===========================================================================
``csrc``        the optional compiled library: one file of inner loops for each processor
``library``     loading it, its kernels, and whether it can be used here
``arrays``      rows, queries, masks of slots, candidates
``exact``       exact search, and exact scores of what others propose
``codes``       quantised vectors in a file, searched by estimate; ``tuning`` of it
``space``       centre, scale and rotation in front of quantising
``segments``    how codes lie in memory; ``code_file`` how they lie on disk
``with_numpy``  the same numbers without the compiled library; ``lanes``, the order of its sums
``graph``       a navigable graph, in files named after it
``damage``      what is raised for a derived file that cannot be trusted
==============  ===========================================================================
"""

from nearfield.ann.library import Availability, available

__all__ = ["Availability", "available"]
