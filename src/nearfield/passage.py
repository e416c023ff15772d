"""What the encoder is given for a chunk: its heading path, then its text.

A passage cut from the middle of a manual says "set it to 0 first" and never names the thing
it speaks of; its headings do. They are put before the text for the encoder only: the chunk's
own text and offsets stay what they are.
"""

from __future__ import annotations

from nearfield.types import Chunk

__all__ = ["CONTEXT_CHARACTERS", "embedding_text"]

CONTEXT_CHARACTERS = 160
"""Longest heading path, so that context never crowds out the passage (about 40 tokens)."""

_SEPARATOR = " › "


def embedding_text(chunk: Chunk) -> str:
    r"""Return the heading path and the text of a chunk as one input for an encoder.

    Headings with which the text begins anyway are not said twice; of a path longer than
    160 characters the innermost headings are kept.

    Examples
    --------
    >>> embedding_text(Chunk("d#0-9", "d", "Turn left.", 0, 10, headings=("Manual", "Doors")))
    'Manual › Doors\nTurn left.'
    >>> embedding_text(Chunk("d#0-9", "d", "Doors\nTurn left.", 0, 16, headings=("Doors",)))
    'Doors\nTurn left.'
    """
    if not chunk.headings:
        return chunk.text
    opening = chunk.text.lstrip(" \t\r\n#=*").casefold()
    path = [title.strip() for title in chunk.headings if title.strip()]
    while path and opening.startswith(path[-1].casefold()):
        path.pop()
    while len(path) > 1 and len(_SEPARATOR.join(path)) > CONTEXT_CHARACTERS:
        path.pop(0)
    context = _SEPARATOR.join(path)[:CONTEXT_CHARACTERS]
    return f"{context}\n{chunk.text}" if context else chunk.text
