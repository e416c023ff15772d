"""Where a long text may be cut before it is tokenised, so that its first tokens stay the same.

A model reads a few hundred tokens, and a text may have a million characters. Tokenising only the
beginning is safe where nothing behind the cut can reach before it:

- the cut lies between an ASCII letter or digit and a space, where no normalisation, no grapheme
  and no combining mark crosses;
- the vocabulary's normaliser works character by character or on neighbours that such a border
  keeps apart;
- its pre-tokeniser splits at spaces, and the model (WordPiece, BPE, Unigram) cuts each piece on
  its own;
- no added token contains a space.

A description with any other part is not cut at all.
"""

from __future__ import annotations

import json
import re

__all__ = ["BORDER", "allows_cuts"]

BORDER = re.compile(r"(?<=[A-Za-z0-9]) ")
"""A place to cut: before the space that it matches."""

_NORMALIZERS = frozenset(
    {
        "BertNormalizer", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Precompiled", "Strip",
        "StripAccents",
    }
)  # fmt: skip
_SPLITTING = frozenset({"BertPreTokenizer", "Whitespace", "WhitespaceSplit"})
_HARMLESS = frozenset({"Digits", "Punctuation"})


def allows_cuts(description: str) -> bool:
    """Whether the first tokens of a text depend on nothing behind a :data:`BORDER`.

    Parameters
    ----------
    description : str
        Content of a ``tokenizer.json``.

    Examples
    --------
    >>> allows_cuts('{"normalizer": null, "pre_tokenizer": {"type": "Whitespace"}}')
    True
    >>> allows_cuts('{"normalizer": null, "pre_tokenizer": null}')
    False
    """
    parts = json.loads(description)
    added = parts.get("added_tokens") or []
    normalizers = _steps(parts.get("normalizer"), "normalizers")
    splitters = _steps(parts.get("pre_tokenizer"), "pretokenizers")
    kinds = [_kind(step) for step in splitters]
    return (
        not any(re.search(r"\s", token.get("content", " ")) for token in added)
        and all(step.get("type") in _NORMALIZERS for step in normalizers)
        and all(splits is not None for splits in kinds)
        and any(kinds)
    )


def _steps(part: dict[str, object] | None, key: str) -> list[dict[str, object]]:
    """One part, or the parts of a sequence of them."""
    if part is None:
        return []
    if part.get("type") != "Sequence":
        return [part]
    nested = part.get(key)
    if not isinstance(nested, list):
        return [{}]
    return [step for inner in nested for step in _steps(inner, key)]


def _kind(step: dict[str, object]) -> bool | None:
    """Whether a pre-tokeniser splits at spaces; None for one that is not known."""
    name = step.get("type")
    if name in _SPLITTING:
        return True
    if name in _HARMLESS:
        return False
    if name == "ByteLevel":
        return step.get("use_regex", True) is True
    if name == "Metaspace" and step.get("split", True) is True:
        return True
    return None
