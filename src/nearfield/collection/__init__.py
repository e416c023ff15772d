"""Collections: files in, answers to plain questions out."""

from nearfield.collection.collection import Collection
from nearfield.collection.opening import open_collection
from nearfield.collection.options import Chunking, IndexOptions
from nearfield.collection.report import IndexProgress, IndexReport

__all__ = [
    "Chunking",
    "Collection",
    "IndexOptions",
    "IndexProgress",
    "IndexReport",
    "open_collection",
]
