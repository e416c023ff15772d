"""Keys: from the environment only, sent only to whom they belong, and shown nowhere."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from urllib.parse import quote

from nearfield.errors import KeyMissing

__all__ = ["Secret", "key_from"]

_SHOWN = "[key]"
_TELLING = 8
"""Characters of a key in a row that give it away."""


class Secret:
    """A key that no print, log, report or traceback shows.

    Parameters
    ----------
    value : str
    variable : str
        The environment variable that it came from, for messages.

    Examples
    --------
    >>> secret = Secret("sk-0123456789abcdef", "OPENAI_API_KEY")
    >>> secret
    Secret(from OPENAI_API_KEY)
    >>> secret.redact("no such key: sk-0123456789abcdef")
    'no such key: [key]'
    """

    __slots__ = ("_value", "variable")

    def __init__(self, value: str, variable: str) -> None:
        self._value = value
        self.variable = variable

    def __repr__(self) -> str:
        return f"Secret(from {self.variable})"

    __str__ = __repr__

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a key is not pickled")

    def reveal(self) -> str:
        """The key itself, for the header of a request and nothing else."""
        return self._value

    def redact(self, text: str) -> str:
        """Replace the key in a text: whole, encoded, and any telling part of it."""
        for form in self._forms():
            text = text.replace(form, _SHOWN)
        return self._redact_parts(text)

    def _forms(self) -> list[str]:
        value = self._value
        encoded = base64.b64encode(value.encode()).decode()
        return sorted({value, quote(value, safe=""), encoded} - {""}, key=len, reverse=True)

    def _redact_parts(self, text: str) -> str:
        value, size = self._value, _TELLING
        if len(value) < size:
            return text
        parts = {value[at : at + size] for at in range(len(value) - size + 1)}
        hidden = bytearray(len(text))
        for at in range(len(text) - size + 1):
            if text[at : at + size] in parts:
                hidden[at : at + size] = b"\1" * size
        if not any(hidden):
            return text
        shown: list[str] = []
        for at, character in enumerate(text):
            if not hidden[at]:
                shown.append(character)
            elif at == 0 or not hidden[at - 1]:
                shown.append(_SHOWN)
        return "".join(shown)


def key_from(variables: Sequence[str], *, what: str) -> Secret:
    """Read a key from the first of some environment variables that is set.

    Raises
    ------
    KeyMissing
        None is set, or what stands there cannot be a key.
    """
    for variable in variables:
        value = os.environ.get(variable, "").strip()
        if not value:
            continue
        if not value.isascii() or not value.isprintable() or " " in value:
            raise KeyMissing(f"{variable} holds spaces or signs that no key has: set it anew")
        return Secret(value, variable)
    raise KeyMissing(
        f"{what} needs a key: set the environment variable {' or '.join(variables)}. Keys are "
        "read from the environment only"
    )
