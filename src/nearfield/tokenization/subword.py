"""Sub-word vocabularies: any Hugging Face ``tokenizer.json`` (WordPiece, BPE, Unigram …).

The format is described by the ``tokenizers`` library, which also does the cutting. Padding and
truncation that a file asks for are switched off: the encoder that reads the tokens decides both,
and nothing may be cut without being counted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nearfield.errors import ModelNotInstalled, UnsupportedModel
from nearfield.tokenization.cut import Cut, Pair, Prepared, room_for_text
from nearfield.tokenization.prefix import BORDER, allows_cuts
from nearfield.tokenization.text import check_texts, well_formed
from nearfield.types import IntArray

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

__all__ = ["SubwordTokenizer", "load"]

_FILE = "tokenizer.json"

# Texts that go through the library at once: both cores are busy, and the bulky encodings of
# a long list never exist all at the same time.
_BATCH = 1024

# Texts of more than twice as many characters as this for each token that is read are tokenised
# only in part.
_CHARACTERS_A_TOKEN = 16

_PAD_TOKENS = ("[PAD]", "<pad>", "<|pad|>", "<|endoftext|>", "</s>")

# Ogham, a hieroglyph, an alchemical sign: hardly any vocabulary holds all three.
_RARE = "\u1693 \U000132b9 \U0001f732"

# Unigram models name the unknown token by number, which the library's Python side hides. In a
# JSON text these quotes cannot occur inside a string: there they would be escaped.
_UNIGRAM_UNKNOWN = re.compile(rb'"unk_id"\s*:\s*(\d+)')


def load(path: Path) -> SubwordTokenizer:
    """Load a sub-word vocabulary.

    Parameters
    ----------
    path : Path
        A ``tokenizer.json``, or a folder that holds one.

    Returns
    -------
    SubwordTokenizer

    Raises
    ------
    ModelNotInstalled
        There is no such file or folder.
    UnsupportedModel
        The file is damaged, or describes parts that the ``tokenizers`` library does not know.
    """
    path = Path(path)
    file = path / _FILE if path.is_dir() else path
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise ModelNotInstalled(
            f"there is no tokenizer at {file}: name a {_FILE}, or a folder that holds one"
        ) from None
    except OSError as error:
        raise ModelNotInstalled(f"{file} cannot be read: {error.strerror or error}") from error
    return SubwordTokenizer(content, source=str(file))


class SubwordTokenizer:
    """A vocabulary of word pieces and the rules that cut texts into them.

    Safe to use from several threads. Lone surrogates are read as U+FFFD; NULs are kept.

    Parameters
    ----------
    content : bytes
        Content of a ``tokenizer.json``.
    source : str
        Where it came from, for messages.
    """

    def __init__(self, content: bytes, *, source: str = _FILE) -> None:
        from tokenizers import Tokenizer

        try:
            backend: Tokenizer = Tokenizer.from_buffer(content)
        except ValueError as error:
            raise UnsupportedModel(
                f"{source} is not a tokenizer that can be read ({error}): fetch the file again, "
                "or update the package tokenizers"
            ) from error
        _require_unknown(backend, source)
        padding = backend.padding
        backend.no_padding()
        backend.no_truncation()
        self._backend = backend
        self.fingerprint = hashlib.sha256(content).hexdigest()
        self.source = source
        self.vocabulary_size = int(backend.get_vocab_size(with_added_tokens=True))
        self.pad_id = _pad_id(backend, padding)
        self.unknown_id = _unknown_id(backend, content)

    def __repr__(self) -> str:
        return f"SubwordTokenizer({self.source!r}, {self.vocabulary_size} tokens)"

    @property
    def special_count(self) -> int:
        """Number of special tokens that are put around one text."""
        return len(self._prefix) + len(self._suffix)

    def spans(self, text: str) -> IntArray:
        offsets = self._backend.encode(well_formed(text), add_special_tokens=False).offsets
        return np.array(offsets, dtype=np.int64).reshape(-1, 2)

    def tokens(self, text: str) -> list[str]:
        """Tokens as the vocabulary spells them, special tokens left out."""
        found: list[str] = self._backend.encode(well_formed(text), add_special_tokens=False).tokens
        return found

    def names(self, ids: Iterable[int]) -> list[str]:
        """Tokens of the vocabulary by their numbers; an unknown number has an empty name."""
        return [self._backend.id_to_token(int(id_)) or "" for id_ in ids]

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(encoding) for encoding in self._encodings(texts)]

    def prepare(
        self, texts: Sequence[str], *, max_tokens: int | None = None, special: bool = True
    ) -> Prepared:
        """Cut texts into the ids that a model reads.

        Parameters
        ----------
        texts : sequence of str
            May be empty, may hold empty strings.
        max_tokens : int, optional
            Longest result, special tokens included; None keeps everything. Tails are cut off
            before the special tokens are put around a text, so the closing one is never lost.
        special : bool
            Whether to add the special tokens (``[CLS]``, ``</s>`` …) of the file's template.

        Returns
        -------
        Prepared

        Raises
        ------
        InputError
            A bare string, something that is not text, or a limit without room for any token.
        """
        prefix, suffix = (self._prefix, self._suffix) if special else ([], [])
        room = room_for_text(max_tokens, len(prefix) + len(suffix))
        ids: list[IntArray] = []
        truncated: list[int] = []
        empty: list[int] = []
        checked = check_texts(texts)
        heads = checked if room is None else [self.beginning(text, room) for text in checked]
        for position, encoding in enumerate(self._encodings(heads)):
            own = encoding.ids
            if not own:
                empty.append(position)
            if room is not None and len(own) > room:
                truncated.append(position)
                own = own[:room]
            ids.append(np.array(prefix + own + suffix, dtype=np.int64))
        return Prepared(ids, tuple(truncated), tuple(empty))

    def prepare_pairs(
        self, first: str, seconds: Sequence[str], *, max_tokens: int
    ) -> tuple[list[Pair], tuple[int, ...]]:
        """Cut pairs of texts into what a model of two segments reads.

        Parameters
        ----------
        first : str
            Stands before every one of `seconds`; keeps its whole length.
        seconds : sequence of str
            Their tails are cut off where a pair is longer than the limit.
        max_tokens : int
            Longest pair, special tokens included.

        Returns
        -------
        pairs : list of Pair
        truncated : tuple of int
            Positions of the pairs that lost a tail.

        Raises
        ------
        InputError
            `first` leaves no room for any token of the second text.
        """
        head = well_formed(first)
        fixed = len(self._backend.encode(head, "").ids)
        room_for_text(max_tokens, fixed)
        pairs: list[Pair] = []
        truncated: list[int] = []
        for position, text in enumerate(check_texts(seconds)):
            encoding = self._backend.encode(head, text)
            if len(encoding.ids) > max_tokens:
                truncated.append(position)
                own = self._backend.encode(text, add_special_tokens=False)
                # Tokens that lie before the cut are the same ones: words are cut one by one.
                _, end = own.offsets[max_tokens - fixed - 1]
                encoding = self._backend.encode(head, text[:end])
            ids = np.array(encoding.ids[:max_tokens], dtype=np.int64)
            pairs.append(Pair(ids, np.array(encoding.type_ids[:max_tokens], dtype=np.int64)))
        return pairs, tuple(truncated)

    def beginning(self, text: str, tokens: int) -> str:
        """A prefix of a long text whose first tokens are the text's, and are more than `tokens`.

        The whole text where it is short or where no such prefix is proven to exist
        (:mod:`nearfield.tokenization.prefix`): a model reads the beginning of a text, and a
        megabyte should not be tokenised for it.
        """
        size = _CHARACTERS_A_TOKEN * tokens
        while 2 * size < len(text) and self._allows_cuts:
            border = BORDER.search(text, size)
            if border is None:
                break
            head = text[: border.start()]
            if len(self._backend.encode(head, add_special_tokens=False).ids) > tokens:
                return head
            size = 4 * border.start()
        return text

    def cut(self, text: str) -> Cut:
        """Cut one text in full detail, special tokens included."""
        encoding = self._backend.encode(well_formed(text))
        groups = [-1 if word is None else word for word in encoding.word_ids]
        return Cut(
            tokens=encoding.tokens,
            ids=np.array(encoding.ids, dtype=np.int64),
            spans=np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2),
            special=np.array(encoding.special_tokens_mask, dtype=np.bool_),
            groups=np.array(groups, dtype=np.int64),
        )

    def _encodings(self, texts: Sequence[str]) -> Iterator[Encoding]:
        remaining = iter(check_texts(texts))
        while batch := list(islice(remaining, _BATCH)):
            yield from self._backend.encode_batch_fast(batch, add_special_tokens=False)

    @cached_property
    def _allows_cuts(self) -> bool:
        return allows_cuts(self._backend.to_str())

    @cached_property
    def _affixes(self) -> tuple[list[int], list[int]]:
        # What stands before and after a text shows on any text that has a token of its own.
        for probe in self._probes():
            encoding = self._backend.encode(probe)
            mask = encoding.special_tokens_mask
            if 0 in mask:
                first = mask.index(0)
                last = len(mask) - mask[::-1].index(0)
                return encoding.ids[:first], encoding.ids[last:]
        return self._backend.encode("").ids, []

    def _probes(self) -> Iterator[str]:
        yield from "a1."
        # Some vocabularies hold none of these; to list one takes ten milliseconds.
        yield from islice(self._backend.get_vocab(), 100)

    @property
    def _prefix(self) -> list[int]:
        return self._affixes[0]

    @property
    def _suffix(self) -> list[int]:
        return self._affixes[1]


def _require_unknown(backend: Tokenizer, source: str) -> None:
    """Refuse a vocabulary that fails at the first word it does not hold."""
    try:
        backend.encode(_RARE)
    except Exception as error:  # the library raises no narrower class
        raise UnsupportedModel(
            f"{source} has no entry for unknown words and would fail at the first one ({error}): "
            "add its unknown token to the vocabulary"
        ) from error


def _pad_id(backend: Tokenizer, padding: dict[str, int] | None) -> int:
    if padding:
        return int(padding["pad_id"])
    ids = (backend.token_to_id(token) for token in _PAD_TOKENS)
    # Padding is masked, so any id that exists serves a model without a token for it.
    return next((int(i) for i in ids if i is not None), 0)


def _unknown_id(backend: Tokenizer, content: bytes) -> int | None:
    token = getattr(backend.model, "unk_token", None)
    if token is not None:
        found = backend.token_to_id(token)
        return None if found is None else int(found)
    if type(backend.model).__name__ != "Unigram":
        return None
    match = _UNIGRAM_UNKNOWN.search(content)
    return int(match.group(1)) if match else None
