"""An encoder at a provider: texts go out, vectors come back, and everything is counted."""

from __future__ import annotations

import copy
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np

from nearfield.errors import RemoteAnswerInvalid, RemoteModelChanged, TruncationWarning
from nearfield.metric import normalise
from nearfield.models.paid import PROBE, SAME_PROBE, Bought, probe_distance
from nearfield.models.remote.batching import Part, parts
from nearfield.models.remote.requests import Requests
from nearfield.models.remote.tokens import TOKENIZER
from nearfield.protocols import Observer, Tokenizer
from nearfield.tokenization import check_texts
from nearfield.types import BatchReport, FloatArray, ModelCard, Role

__all__ = ["RemoteEncoder"]

_SMALL = 8
"""Texts up to which a job and the probe travel in one request."""


@dataclass(frozen=True, slots=True)
class _Expected:
    """Probes that the vectors at hand were made with, and who holds them."""

    probes: Mapping[str, FloatArray]
    holder: str


class RemoteEncoder:
    """A hosted model in the role of an encoder; made by :func:`nearfield.models.remote.load`.

    Vectors have unit length. Texts over the model's limit lose their tails, which is counted as
    with local models; the server is asked to refuse them, so that it cuts nothing silently. Safe to
    use from several threads.

    Parameters
    ----------
    card : ModelCard
    requests : Requests
        How the provider is asked.
    cache_name : str
        The card's fingerprint and the server.
    probed : ndarray of shape (dimension or more,), optional
        What the server gave for the probe as a document, where it was asked already.

    Notes
    -----
    An empty text is not sent; its row is zero. How much the company of a text may move its vector
    is the provider's affair: the precision class ``hosted`` allows a cosine distance of 1e-3.
    """

    def __init__(
        self,
        card: ModelCard,
        requests: Requests,
        cache_name: str,
        probed: FloatArray | None = None,
    ) -> None:
        self._card = card
        self._requests = requests
        self._cache_name = cache_name
        self._probes: dict[str, FloatArray] = {}
        self._expected: _Expected | None = None
        self._checked: set[str] = set()
        if probed is not None:
            self._probes[self.variant(Role.DOCUMENT)] = self._finished(probed[None, :])[0]

    def __repr__(self) -> str:
        return f"RemoteEncoder({self._card.name!r}, {self._card.dimension} dimensions)"

    @property
    def card(self) -> ModelCard:
        return self._card

    @property
    def tokenizer(self) -> Tokenizer:
        return TOKENIZER

    @property
    def cache_name(self) -> str:
        return self._cache_name

    @property
    def requests(self) -> Requests:
        """How the provider is asked, with the account that pays."""
        return self._requests

    def variant(self, role: Role) -> str:
        return f"{self._requests.variant(role)} {self._card.prompts.get(role, '')}".strip()

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        side = Role.of(role)
        texts = check_texts(inputs)
        vectors = np.zeros((len(texts), self._card.dimension), dtype=np.float32)
        truncated = 0
        for bought in self.batches(texts, role=side):
            vectors[list(bought.positions)] = bought.rows
            truncated += len(bought.report.truncated)
            if observe is not None:
                observe(bought.report)
        if truncated and observe is None:
            limit = self._card.max_tokens
            warnings.warn(
                f"{truncated:,} of {len(texts):,} texts were longer than the "
                f"{f'{limit:,} tokens' if limit else 'text'} that {self._card.name} takes and lost "
                "their tails: cut them into passages first, or pass observe= to count them",
                TruncationWarning,
                stacklevel=2,
            )
        return vectors

    def batches(self, texts: Sequence[str], *, role: Role) -> Iterator[Bought]:
        empty = tuple(at for at, text in enumerate(texts) if not text)
        if empty:
            rows = np.zeros((len(empty), self._card.dimension), dtype=np.float32)
            yield Bought(empty, rows, BatchReport(empty, 0, empty=empty))
        prompt = self._card.prompts.get(role, "")
        asked = [prompt + text if text else "" for text in texts]
        full = [at for at, text in enumerate(texts) if text]
        limits, longest = self._requests.limits, self._card.max_tokens
        jobs = list(parts(asked, full, limits, longest)) if len(full) <= _SMALL else None
        if self._is_unchecked(role) and full:
            fresh = self.variant(role) not in self._probes
            if fresh and jobs is not None and len(jobs) == 1 and not jobs[0].risky:
                yield self._with_probe(jobs[0], role)
                return
            self._check(role, self.probe(role))
        if jobs is not None and len(jobs) == 1:
            yield self._buy(jobs[0], role)
            return
        yield from self._several(jobs or parts(asked, full, limits, longest), role)

    def probe(self, role: Role) -> FloatArray:
        variant = self.variant(role)
        if variant not in self._probes:
            prompt = self._card.prompts.get(role, "")
            got = self._requests.buy([prompt + PROBE], role, risky=False)
            self._probes[variant] = self._finished(got.rows)[0]
        return self._probes[variant]

    def expecting(self, probes: Mapping[str, FloatArray], holder: str) -> RemoteEncoder:
        """The same encoder, that compares its model with stored probes before it gives vectors.

        Parameters
        ----------
        probes : mapping of str to ndarray of shape (dimension,)
            By variant (:meth:`variant`).
        holder : str
            Who stores them, for messages.
        """
        twin = copy.copy(self)
        twin._expected = _Expected(dict(probes), holder)
        twin._checked = set()
        twin._probes = dict(self._probes)
        return twin

    def _is_unchecked(self, role: Role) -> bool:
        variant = self.variant(role)
        known = self._expected is not None and variant in self._expected.probes
        return known and variant not in self._checked

    def _check(self, role: Role, fresh: FloatArray) -> None:
        variant = self.variant(role)
        if self._expected is None:
            return
        distance = probe_distance(self._expected.probes[variant], fresh)
        if distance > SAME_PROBE:
            raise RemoteModelChanged(
                f"{self._card.name} is no longer the model that made {self._expected.holder}: the "
                f"vector of the probe text is at a cosine distance of {distance:.4f} from the "
                f"stored one, and {SAME_PROBE} is allowed. Its provider changed it under the same "
                "name; "
                "index the sources into a new collection"
            )
        self._checked.add(variant)

    def _with_probe(self, part: Part, role: Role) -> Bought:
        prompt = self._card.prompts.get(role, "")
        got = self._requests.buy([*part.texts, prompt + PROBE], role, risky=False)
        rows = self._finished(got.rows)
        self._probes[self.variant(role)] = rows[-1]
        self._check(role, rows[-1])
        return self._bought(part, np.ascontiguousarray(rows[:-1]), got.tokens, got.cut[:-1])

    def _buy(self, part: Part, role: Role, stop: threading.Event | None = None) -> Bought:
        got = self._requests.buy(part.texts, role, risky=part.risky, stop=stop)
        return self._bought(part, self._finished(got.rows), got.tokens, got.cut)

    def _bought(self, part: Part, rows: FloatArray, tokens: int, cut: Sequence[bool]) -> Bought:
        truncated = tuple(
            at for at, short in zip(part.positions, cut, strict=True) if short or part.cut
        )
        return Bought(part.positions, rows, BatchReport(part.positions, tokens, truncated))

    def _several(self, jobs: Iterator[Part] | list[Part], role: Role) -> Iterator[Bought]:
        """Keep as many requests under way as the server takes; what was bought is always given."""
        source, stop = iter(jobs), threading.Event()
        failure: BaseException | None = None
        pending: set[Future[Bought]] = set()
        pace = self._requests.pace
        with ThreadPoolExecutor(pace.most, thread_name_prefix="remote") as pool:
            try:
                while True:
                    while failure is None and len(pending) < pace.limit:
                        part = next(source, None)
                        if part is None:
                            break
                        pending.add(pool.submit(self._buy, part, role, stop))
                    if not pending:
                        break
                    try:
                        done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    except KeyboardInterrupt as interrupt:
                        failure = interrupt
                        stop.set()
                        continue
                    for future in done:
                        error = future.exception()
                        if error is None:
                            yield future.result()
                        else:
                            failure = failure or error
                            stop.set()
            finally:
                stop.set()
        if failure is not None:
            raise failure

    def _finished(self, rows: FloatArray) -> FloatArray:
        """Rows of the card's dimension at unit length."""
        wanted = self._card.dimension
        if rows.shape[1] < wanted or (rows.shape[1] > wanted and not self._requests.cuts_here):
            raise RemoteAnswerInvalid(
                f"{self._card.name} gave vectors of {rows.shape[1]} components, expected {wanted}"
            )
        return normalise(np.ascontiguousarray(rows[:, :wanted]))
