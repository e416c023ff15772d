"""The data that travels: frozen dataclasses from a file on disk to a hit on screen.

Nothing here computes; everything here can be compared, hashed by value where its fields
can, and printed.
"""

from nearfield.types.answers import Answer, Citation, Message, Piece, Statement
from nearfield.types.documents import Chunk, Document, Problem, Section
from nearfield.types.models import BatchReport, ModelCard, TokenVectors, Usage
from nearfield.types.search import BM25, Hit, Ranking
from nearfield.types.values import (
    FILE_FIELD,
    FloatArray,
    IntArray,
    Metadata,
    MetadataValue,
    Scalar,
)
from nearfield.types.words import Modality, Role, SectionKind, Speaker, Word

__all__ = [
    "BM25",
    "FILE_FIELD",
    "Answer",
    "BatchReport",
    "Chunk",
    "Citation",
    "Document",
    "FloatArray",
    "Hit",
    "IntArray",
    "Message",
    "Metadata",
    "MetadataValue",
    "Modality",
    "ModelCard",
    "Piece",
    "Problem",
    "Ranking",
    "Role",
    "Scalar",
    "Section",
    "SectionKind",
    "Speaker",
    "Statement",
    "TokenVectors",
    "Usage",
    "Word",
]
