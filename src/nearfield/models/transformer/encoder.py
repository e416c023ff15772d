"""The transformer encoder: texts to tokens, to contextual vectors, to one vector each."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from nearfield.errors import ModelError, TruncationWarning, UnsupportedOperation
from nearfield.models.transformer.batches import BatchLimits, TextBatch, batches, distinct
from nearfield.models.transformer.calibration import Calibration
from nearfield.models.transformer.choice import Choice
from nearfield.models.transformer.modules import PoolingSpec, Step
from nearfield.models.transformer.pooling import pool
from nearfield.models.transformer.runtime import PooledRuntime, Runtime, TokenBatch
from nearfield.protocols import Observer
from nearfield.tokenization import SubwordTokenizer, check_texts
from nearfield.types import FloatArray, ModelCard, Role, TokenVectors

__all__ = ["Head", "TransformerEncoder"]


@dataclass(frozen=True, slots=True)
class Head:
    """What follows the encoder: pooling, then the steps.

    Attributes
    ----------
    pooling : PoolingSpec
    steps : tuple of Step
    """

    pooling: PoolingSpec
    steps: tuple[Step, ...] = ()

    def pool(self, states: FloatArray, batch: TokenBatch, skip: int) -> FloatArray:
        """Shape (tokens, hidden) to (texts, dimension)."""
        return self.finish(pool(states, batch.borders, self.pooling.modes, skip=skip))

    def finish(self, vectors: FloatArray) -> FloatArray:
        """Apply the steps to pooled vectors."""
        for step in self.steps:
            vectors = step.apply(vectors)
        return vectors


class TransformerEncoder:
    """Encodes texts with a transformer; made by :func:`nearfield.models.transformer.load`.

    Safe to use from several threads.

    Parameters
    ----------
    card : ModelCard
    tokenizer : SubwordTokenizer
    runtime : Runtime or PooledRuntime
        What computes.
    head : Head
        What is done to its results.
    vocabulary : int or None
        Rows of the embedding table, where known; token ids beyond it are refused.
    notes : tuple of str
        What the model's files left open and how it was read.
    choice : Choice, optional
        What computes and why.

    Attributes
    ----------
    calibration : Calibration or None
        Where the class was chosen for the caller: the measurement behind it.
    """

    def __init__(
        self,
        card: ModelCard,
        tokenizer: SubwordTokenizer,
        runtime: Runtime | PooledRuntime,
        head: Head,
        *,
        vocabulary: int | None = None,
        notes: tuple[str, ...] = (),
        choice: Choice | None = None,
    ) -> None:
        self.card = card
        self.tokenizer = tokenizer
        self.notes = notes
        self.choice = choice
        self.calibration: Calibration | None = None
        self._runtime = runtime
        self._head = head
        self._vocabulary = vocabulary
        self._limits = BatchLimits(runtime.max_batch_tokens)
        self._prompt_tokens = cache(self._count_prompt_tokens)

    def __repr__(self) -> str:
        return f"TransformerEncoder({self.card.name!r}, {self.card.dimension} dimensions)"

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        prompt = self._prompt(role)
        found = distinct(check_texts(inputs))
        vectors = np.empty((len(found.texts), self.card.dimension), dtype=np.float32)
        skip = 0 if self._head.pooling.include_prompt else self._prompt_tokens(prompt)
        cut = 0
        for batch in batches(
            found.texts,
            self.tokenizer,
            self._limits,
            max_tokens=self.card.max_tokens,
            prompt=prompt,
        ):
            vectors[batch.positions] = rows = self._embed(batch.tokens, skip)
            finite = np.isfinite(rows).all(axis=1)
            if not finite.all():
                raise self._not_finite(found.inputs(batch.positions[~finite]))
            if observe is not None:
                observe(found.report(batch))
            elif batch.truncated.any():
                cut += len(found.report(batch).truncated)
        if cut:
            _warn_truncated(cut, len(inputs), self.card.max_tokens)
        return found.expand(vectors)

    def encode_tokens(
        self, inputs: Sequence[str], *, role: Role | str = Role.DOCUMENT
    ) -> list[TokenVectors]:
        prompt = self._prompt(role)
        texts = check_texts(inputs)
        results: dict[int, TokenVectors] = {}
        cut = 0
        for batch in batches(
            texts, self.tokenizer, self._limits, max_tokens=self.card.max_tokens, prompt=prompt
        ):
            states = self._states(batch.tokens)
            cut += int(batch.truncated.sum())
            for row, position in enumerate(batch.positions.tolist()):
                start, end = batch.tokens.borders[row : row + 2]
                if not np.isfinite(states[start:end]).all():
                    raise self._not_finite((position,))
                results[position] = self._token_vectors(texts[position], prompt, states[start:end])
        if cut:
            _warn_truncated(cut, len(texts), self.card.max_tokens)
        return [results[position] for position in range(len(texts))]

    def contextual(
        self, inputs: Sequence[str], *, role: Role | str = Role.DOCUMENT
    ) -> Iterator[tuple[TextBatch, FloatArray]]:
        """Batches of texts with the vectors of all their tokens, special ones included.

        For models that put a head of their own on the encoder. Batches come by length, each with
        the positions of its texts.
        """
        for batch in batches(
            check_texts(inputs),
            self.tokenizer,
            self._limits,
            max_tokens=self.card.max_tokens,
            prompt=self._prompt(role),
        ):
            yield batch, self._states(batch.tokens)

    def _token_vectors(self, text: str, prompt: str, states: FloatArray) -> TokenVectors:
        whole = self.tokenizer.cut(self.tokenizer.beginning(prompt + text, len(states)))
        own = np.flatnonzero(~whole.special)
        first = int(own[0]) if len(own) else 0
        closing = int(whole.special[first:].sum())
        # The limit takes tokens from the end of the text, never the closing special ones.
        own = own[: len(states) - first - closing]
        own = own[whole.spans[own, 1] > len(prompt)]
        return TokenVectors(
            tokens=tuple(whole.tokens[i] for i in own),
            spans=np.maximum(whole.spans[own] - len(prompt), 0),
            vectors=np.ascontiguousarray(states[own]),
        )

    def _embed(self, tokens: TokenBatch, skip: int) -> FloatArray:
        self._require_known(tokens)
        if isinstance(self._runtime, PooledRuntime):
            return self._head.finish(self._runtime.sentences(tokens))
        return self._head.pool(self._runtime.hidden_states(tokens), tokens, skip)

    def _states(self, tokens: TokenBatch) -> FloatArray:
        self._require_known(tokens)
        if not isinstance(self._runtime, Runtime):
            raise UnsupportedOperation(
                f"the model {self.card.name!r} gives one vector a text and hides its tokens'"
            )
        return self._runtime.hidden_states(tokens)

    def _require_known(self, tokens: TokenBatch) -> None:
        highest = int(tokens.ids.max(initial=0))
        if self._vocabulary is not None and highest >= self._vocabulary:
            raise ModelError(
                f"the tokenizer of {self.card.name!r} gave the token id {highest}, the model has "
                f"{self._vocabulary} tokens: tokenizer and weights do not belong together"
            )

    def _not_finite(self, positions: tuple[int, ...]) -> ModelError:
        shown = ", ".join(map(str, positions[:5])) + (" …" if len(positions) > 5 else "")
        return ModelError(
            f"the model {self.card.name!r} ({self.card.source}) gave NaN or infinite numbers for "
            f"{len(positions):,} texts (positions {shown}): its weights are damaged or overflow; "
            "fetch the model again"
        )

    def _prompt(self, role: Role | str) -> str:
        return self.card.prompts.get(Role.of(role), "")

    def _count_prompt_tokens(self, prompt: str) -> int:
        """Tokens that open a text of this prompt, the opening special ones included."""
        if not prompt:
            return 0
        cut = self.tokenizer.cut(prompt)
        own = np.flatnonzero(~cut.special)
        return int(own[-1]) + 1 if len(own) else 0


def _warn_truncated(count: int, total: int, limit: int | None) -> None:
    warnings.warn(
        f"{count:,} of {total:,} texts were longer than the model's {limit} tokens and lost their "
        "tails: cut them into passages first, or pass observe= to count them yourself",
        TruncationWarning,
        stacklevel=3,
    )
