"""The health of an embedding space: arrays in, figures with their plain meaning out.

==============  ========================================================================
``figure``      one figure: its value, what it means, what is usual, who says so
``shape``       lengths, anisotropy, dead and dominant dimensions, effective rank
``neighbours``  hubness, duplicates and the intrinsic dimension, from nearest neighbours
``space``       :func:`examine`: all of them for one array of vectors
==============  ========================================================================
"""

from nearfield.analysis.health.figure import Figure
from nearfield.analysis.health.neighbours import Neighbours, neighbours, two_nn
from nearfield.analysis.health.shape import Shape, shape
from nearfield.analysis.health.space import SpaceHealth, examine

__all__ = [
    "Figure",
    "Neighbours",
    "Shape",
    "SpaceHealth",
    "examine",
    "neighbours",
    "shape",
    "two_nn",
]
