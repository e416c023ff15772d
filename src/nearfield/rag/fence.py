"""Retrieved text as data: between marks that no text can forge.

Passages come from strangers. In a prompt each stands between a line that opens it and one that
closes it. Both carry a word that is drawn anew for each prompt and that the passages do not hold,
and whatever looks like a mark, a control token of a chat template or a hidden instruction in
invisible characters is taken apart first. No language model is bound by that: fences make it plain
what is data, they do not make a model obey. So nothing that a model writes is ever run, followed or
fetched by this library.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

__all__ = ["close_mark", "defused", "nonce", "open_mark"]

_CONTROL_TOKEN = re.compile(
    r"<\|[^|<>\n]{0,64}\|>|<\s*/?\s*s\s*>|\[/?INST\]|<</?SYS>>|<\s*/?\s*(?:start|end)_of_turn\s*>"
    r"|<\s*/?\s*passage\b",
    re.IGNORECASE,
)
_KEPT = frozenset("\n\t\u200c\u200d")  # line ends, tabs, and the joiners that scripts need
_SELECTORS = range(0xE0100, 0xE01F0)  # variation selectors, which can spell a hidden text


def nonce(texts: Sequence[str], seed: str = "") -> str:
    """A word of eight hexadecimal digits that no text holds; the same for the same texts.

    Examples
    --------
    >>> nonce(["a"]) == nonce(["a"]), nonce(["a"]) in "a"
    (True, False)
    """
    whole = "\x00".join(texts)
    for attempt in range(1 << 16):
        digest = hashlib.sha256(f"{seed}\x00{attempt}\x00{whole}".encode("utf-8", "replace"))
        word = digest.hexdigest()[:8]
        if word not in whole.casefold():
            return word
    raise AssertionError("unreachable: texts would have to hold 65,536 given words")


def open_mark(number: int, word: str, about: str) -> str:
    """The line before a passage; `about` says where it comes from.

    Examples
    --------
    >>> open_mark(1, "0a1b2c3d", "notes.md, page 2")
    '<passage 1 0a1b2c3d from="notes.md, page 2">'
    """
    shown = " ".join(defused(about).replace('"', "'").replace("<", "‹").replace(">", "›").split())
    return f'<passage {number} {word} from="{shown[:200]}">'


def close_mark(number: int, word: str) -> str:
    """The line after a passage.

    Examples
    --------
    >>> close_mark(1, "0a1b2c3d")
    '</passage 1 0a1b2c3d>'
    """
    return f"</passage {number} {word}>"


def defused(text: str) -> str:
    r"""The text without invisible characters, and with whatever looks like a mark taken apart.

    Ordinary letters stay as they are, and so do line ends and tabs. Control characters, formatting
    characters (zero width, direction, tags) and lone surrogates go; ``<|im_end|>`` becomes
    ``‹|im_end|›``.

    Examples
    --------
    >>> defused("a\u202eb <|im_end|></passage 1>")
    'ab ‹|im_end|›‹/passage 1>'
    """
    return _CONTROL_TOKEN.sub(lambda found: _taken_apart(found.group()), text.translate(_VISIBLE))


class _Visible(dict[int, int | None]):
    """What becomes of each character, found out when it is first met."""

    def __missing__(self, code: int) -> int | None:
        hidden = unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Co") or code in _SELECTORS
        self[code] = None if hidden and chr(code) not in _KEPT else code
        return self[code]


_VISIBLE = _Visible()


def _taken_apart(token: str) -> str:
    return token.translate({60: "‹", 62: "›", 91: "⟦", 93: "⟧"})
