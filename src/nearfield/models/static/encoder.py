"""The encoder of every static model: a text's vector is the mean of its tokens' rows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from nearfield.errors import (
    TruncationWarning,
    UnknownName,
    UnsupportedModel,
)
from nearfield.metric import normalise
from nearfield.models.card import fingerprint
from nearfield.models.hashes import file_sha256
from nearfield.models.static.table import StaticTable
from nearfield.protocols import Observer
from nearfield.tokenization import Vocabulary, WordTokenizer, check_texts
from nearfield.types import (
    BatchReport,
    FloatArray,
    IntArray,
    ModelCard,
    Problem,
    Role,
    TokenVectors,
)

__all__ = ["StaticEncoder"]

# Texts and characters that are cut at once: the first keeps progress lively, the second memory.
_BATCH_TEXTS = 1024
_BATCH_CHARACTERS = 2_000_000

# Rows that are gathered at once: 16 MB at 256 dimensions, whatever a text's length.
_BLOCK_ROWS = 16_384


class StaticEncoder:
    """Texts to vectors by table: each token has one row, whatever stands around it.

    A text without a single known token has no direction: its row is all zeros, and the
    :class:`~nearfield.types.BatchReport` names it under ``empty``. Stores refuse such vectors.

    Parameters
    ----------
    table : StaticTable
        The model, read.
    name : str
        Short name for the card.
    source : str
        Where it came from.
    """

    def __init__(self, table: StaticTable, *, name: str, source: str) -> None:
        self._table = table
        self._card = _card(table, name, source)

    def __repr__(self) -> str:
        return f"StaticEncoder({self._card.name!r}, dimension={self._card.dimension})"

    @property
    def card(self) -> ModelCard:
        return self._card

    @property
    def tokenizer(self) -> Vocabulary:
        """The vocabulary; a :class:`~nearfield.tokenization.WordTokenizer` for word vectors."""
        return self._table.vocabulary

    @property
    def rows(self) -> FloatArray:
        """The table, shape (vocabulary, dimension), read-only where it is mapped from a file."""
        return self._table.rows

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What could not be used while reading the model's files."""
        return self._table.problems

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        prompt = self._card.prompts.get(Role.of(role), "")
        texts = check_texts(inputs)
        vectors = np.zeros((len(texts), self._card.dimension), dtype=np.float32)
        cut = 0
        for start, stop in _batches(texts):
            report = self._encode_batch(texts[start:stop], prompt, start, vectors[start:stop])
            cut += len(report.truncated)
            if observe:
                observe(report)
        if cut and not observe:
            self._warn_truncated(cut, len(texts))
        return vectors

    def encode_tokens(
        self, inputs: Sequence[str], *, role: Role | str = Role.DOCUMENT
    ) -> list[TokenVectors]:
        """Return the row of every token that counts in the mean.

        Parameters
        ----------
        inputs : sequence of str
        role : {"query", "document"}
            Checked, but without effect: a static row does not depend on a prompt before it.

        Returns
        -------
        list of TokenVectors
            Tokens without a row are left out, and so is what the model does not read.
        """
        Role.of(role)
        texts = check_texts(inputs)
        found = []
        truncated = 0
        for text in texts:
            cut = self.tokenizer.cut(text)
            whole = np.flatnonzero(~cut.special)
            own = whole[: self._card.max_tokens]
            truncated += len(own) < len(whole)
            own = own[self._counted(cut.ids[own])]
            tokens = tuple(cut.tokens[i] for i in own)
            found.append(TokenVectors(tokens, cut.spans[own], self._gather(cut.ids[own])))
        if truncated:
            self._warn_truncated(truncated, len(texts))
        return found

    def word_vector(self, word: str) -> FloatArray:
        """Return the vector of one word, not normalised, shape (dimension,).

        Parameters
        ----------
        word : str
            Looked up as it is in a list of words (spaces and signs included), in lower case if
            the whole list is. Sub-word models give the mean of the word's pieces.

        Raises
        ------
        UnknownName
            The vocabulary has nothing for it.

        Notes
        -----
        See Pennington, Socher and Manning 2014, "GloVe" (https://aclanthology.org/D14-1162/).
        """
        (word,) = check_texts([word])
        if isinstance(self.tokenizer, WordTokenizer):
            ids = np.array([self.tokenizer.word_id(word)], dtype=np.int64)
        else:
            ids = self.tokenizer.prepare([word], special=False).ids[0]
        ids = ids[self._counted(ids)]
        if not len(ids):
            raise UnknownName(
                f"{self._card.name} has no vector for {word!r} among its "
                f"{self.tokenizer.vocabulary_size:,} tokens"
            )
        return self._mean(ids)

    def _warn_truncated(self, count: int, total: int) -> None:
        warnings.warn(
            f"{count:,} of {total:,} texts are longer than the {self._card.max_tokens} tokens that "
            f"{self._card.name} reads and lost their tails: cut them into passages first, or pass "
            "observe= to count them yourself",
            TruncationWarning,
            stacklevel=3,
        )

    def _encode_batch(
        self, texts: list[str], prompt: str, start: int, out: FloatArray
    ) -> BatchReport:
        prompted = [prompt + text for text in texts] if prompt else texts
        limit = self._card.max_tokens
        prepared = self.tokenizer.prepare(prompted, max_tokens=limit, special=False)
        tokens = 0
        empty = set(self.tokenizer.prepare(texts, special=False).empty) if prompt else set()
        for position, ids in enumerate(prepared.ids):
            tokens += len(ids)
            known = ids[self._counted(ids)]
            if not len(known):
                empty.add(position)
            elif position not in empty:
                out[position] = self._mean(known)
        if self._card.normalised:
            out[:] = normalise(out)
        return BatchReport(
            indices=tuple(range(start, start + len(texts))),
            tokens=tokens,
            truncated=tuple(start + position for position in prepared.truncated),
            empty=tuple(start + position for position in sorted(empty)),
        )

    def _counted(self, ids: IntArray) -> npt.NDArray[np.bool_]:
        """Which tokens have a row that counts."""
        unknown = self.tokenizer.unknown_id
        if unknown is None or self._table.unknown_rows:
            return np.ones(len(ids), dtype=np.bool_)
        known: npt.NDArray[np.bool_] = ids != unknown
        return known

    def _gather(self, ids: IntArray) -> FloatArray:
        if len(ids) and ids.max() >= len(self.rows):
            raise UnsupportedModel(
                f"{self._card.name} has {len(self.rows):,} rows, but its tokenizer gave token "
                f"{ids.max()}: the two files do not belong together"
            )
        # Not take(): it would copy the whole table where that lies in column order.
        return np.ascontiguousarray(self.rows[ids])

    def _mean(self, ids: IntArray) -> FloatArray:
        """Mean of the rows, each text on its own: its company cannot change a single bit."""
        total = np.zeros(self._card.dimension, dtype=np.float64)
        for start in range(0, len(ids), _BLOCK_ROWS):
            block = self._gather(ids[start : start + _BLOCK_ROWS])
            total += np.ones(len(block), dtype=np.float32) @ block
        mean: FloatArray = (total / len(ids)).astype(np.float32)
        return mean


def _card(table: StaticTable, name: str, source: str) -> ModelCard:
    dimension = int(table.rows.shape[1])
    prompts = {f"prompt:{role}": prompt for role, prompt in table.prompts.items()}
    return ModelCard(
        name=name,
        dimension=dimension,
        max_tokens=table.max_tokens,
        fingerprint=fingerprint(
            {
                "kind": "static",
                "weights": file_sha256(table.weights),
                "tokenizer": table.vocabulary.fingerprint,
                "pooling": "mean",
                "unknown_rows": table.unknown_rows,
                "max_tokens": table.max_tokens or 0,
                "normalised": table.normalised,
                "dimension": dimension,
                "precision": "exact",
                **prompts,
            }
        ),
        normalised=table.normalised,
        prompts=dict(table.prompts),
        parameters=int(table.rows.size),
        size_bytes=table.weights.stat().st_size,
        runtime="numpy",
        source=source,
    )


def _batches(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Half-open ranges of texts, bounded in number and in characters."""
    start = characters = 0
    for position, text in enumerate(texts):
        full = position - start == _BATCH_TEXTS or characters + len(text) > _BATCH_CHARACTERS
        if full and position > start:
            yield start, position
            start, characters = position, 0
        characters += len(text)
    if start < len(texts):
        yield start, len(texts)
