"""What indexing takes in and how, apart from the machinery that does it."""

from __future__ import annotations

from dataclasses import dataclass, field

from nearfield.documents.walk import WalkOptions
from nearfield.protocols import Chunker, Encoder, ReadLimits

__all__ = ["Chunking", "IndexOptions", "chunker_for"]


@dataclass(frozen=True, slots=True)
class Chunking:
    """How files are cut; kept with the collection so that every later run cuts alike.

    Attributes
    ----------
    name : str
        A registered chunker: ``recursive``, ``sentences``, ``structure``, ``tokens``, ``semantic``.
    size : int
        Longest passage in tokens of the collection's model.
    overlap : int
        Tokens that neighbouring passages share.
    """

    name: str = "recursive"
    size: int = 200
    overlap: int = 0

    def __str__(self) -> str:
        return f"{self.name}, {self.size} tokens, overlap {self.overlap}"


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """What to take in and how.

    Attributes
    ----------
    walk : WalkOptions
        Which files of a folder count.
    limits : ReadLimits
        Largest file and record.
    batch : int
        Passages that are embedded and committed together; at most this much work is lost by a
        kill, and with the vector cache not even that.
    trust_stat : bool
        Take a file whose size and modification time are as before for unchanged, without
        hashing it.
    """

    walk: WalkOptions = field(default_factory=WalkOptions)
    limits: ReadLimits = field(default_factory=ReadLimits)
    batch: int = 1024
    trust_stat: bool = False


def chunker_for(chunking: Chunking, encoder: Encoder) -> Chunker:
    """Build the chunker that settings describe, sized in the encoder's tokens.

    Raises
    ------
    UnknownName, InputError
        The settings do not work.
    """
    from nearfield.documents.chunkers import make

    return make(
        chunking.name,
        tokenizer=encoder.tokenizer,
        encoder=encoder,
        size=chunking.size,
        overlap=chunking.overlap,
    )
