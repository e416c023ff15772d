"""Collections: files in, answers to plain questions out."""

from nearfield.collection.collection import ChunkSettings, Collection, open_collection
from nearfield.collection.indexing import IndexOptions
from nearfield.collection.report import IndexProgress, IndexReport

__all__ = [
    "ChunkSettings",
    "Collection",
    "IndexOptions",
    "IndexProgress",
    "IndexReport",
    "open_collection",
]
