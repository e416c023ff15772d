"""An encoder that remembers: texts it has seen come from the disk, the others are computed."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from nearfield.errors import NearfieldWarning, TruncationWarning
from nearfield.models.around import EncoderAround
from nearfield.models.paid import PROBE, SAME_PROBE, PaidEncoder, probe_distance
from nearfield.models.vector_cache import CachedVector, CacheStats, Flag, VectorCache, key
from nearfield.protocols import Encoder, Observer
from nearfield.tokenization import check_texts
from nearfield.types import BatchReport, FloatArray, Role

__all__ = ["CacheStats", "CachedEncoder", "VectorCache"]

# Texts that are encoded and committed at once: what a killed job can lose.
_SLICE = 1024


class CachedEncoder(EncoderAround):
    """Wrap an encoder so that a text is embedded once for each fingerprint and prompt.

    The same card, and bit for bit the vectors that the encoder gave when it first saw a text.
    Texts that stand repeatedly in one call are encoded once. Vectors are committed every 1,024
    texts, so that a job that is killed resumes nearly where it stopped. Those of an encoder that
    charges for them are committed request by request, before the next one is sent.

    Parameters
    ----------
    encoder : Encoder
        What computes.
    cache : VectorCache, optional
        Where vectors are kept; the machine's cache folder by default.

    Notes
    -----
    Observers see cached texts too, in reports of zero tokens; truncation and emptiness are
    remembered beside the vectors.
    """

    def __init__(self, encoder: Encoder, cache: VectorCache | None = None) -> None:
        super().__init__(encoder)
        self.cache = cache or VectorCache(durable=isinstance(encoder, PaidEncoder))
        self._names: dict[str, str] = {}

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        card = self.card
        texts = check_texts(inputs)
        places = self._places(texts, Role.of(role))
        name = self._name(Role.of(role)) if texts else card.fingerprint
        vectors = np.empty((len(texts), card.dimension), dtype=np.float32)
        ledger = _Ledger(observe)
        missing: list[bytes] = []
        for part in _slices(list(places)):
            found = self.cache.get(name, part, card.dimension)
            for known, entry in found.items():
                vectors[places[known]] = entry.vector
            ledger.recalled(found, places)
            missing += [wanted for wanted in part if wanted not in found]
        if isinstance(self.inner, PaidEncoder):
            self._buy(self.inner, missing, texts, places, Role.of(role), vectors, ledger)
        else:
            for part in _slices(missing):
                self._compute(part, texts, places, role, vectors, ledger)
        if ledger.truncated and observe is None:
            warnings.warn(
                f"{ledger.truncated:,} of {len(texts):,} texts were longer than the model's "
                f"{card.max_tokens} tokens and lost their tails: cut them into passages first, or "
                "pass observe= to count them yourself",
                TruncationWarning,
                stacklevel=2,
            )
        return vectors

    def missing(self, inputs: Sequence[str], *, role: Role | str = Role.DOCUMENT) -> list[int]:
        """Positions of the texts that :meth:`encode` would compute, each text once."""
        texts = check_texts(inputs)
        places = self._places(texts, Role.of(role))
        name = self._name(Role.of(role)) if texts else ""
        found: set[bytes] = set()
        for part in _slices(list(places)):
            found |= self.cache.get(name, part, self.card.dimension).keys()
        return [positions[0] for known, positions in places.items() if known not in found]

    def _places(self, texts: Sequence[str], role: Role) -> dict[bytes, list[int]]:
        """Where each text stands, by its key."""
        fingerprint, prompt = self.card.fingerprint, self._prompt(role)
        places: dict[bytes, list[int]] = {}
        for position, text in enumerate(texts):
            places.setdefault(key(fingerprint, prompt, text), []).append(position)
        return places

    def _prompt(self, role: Role) -> str:
        encoder = self.inner
        if isinstance(encoder, PaidEncoder):
            return encoder.variant(role)
        return self.card.prompts.get(role, "")

    def _name(self, role: Role) -> str:
        """Under which name the cache keeps this model's vectors.

        A model that is known by its name alone may become another one. Its vectors are kept in
        generations, each with the probe that it began with.
        """
        encoder = self.inner
        if not isinstance(encoder, PaidEncoder):
            return self.card.fingerprint
        variant = encoder.variant(role)
        if variant not in self._names:
            self._names[variant] = self._generation(encoder, role, variant)
        return self._names[variant]

    def _generation(self, encoder: PaidEncoder, role: Role, variant: str) -> str:
        card, fresh = self.card, encoder.probe(role)
        mark = key(card.fingerprint, variant, PROBE)
        number = 0
        while True:
            name = f"{encoder.cache_name} {variant} {number}"
            known = self.cache.get(name, [mark], card.dimension).get(mark)
            if known is None:
                self.cache.put(name, {mark: CachedVector(fresh, Flag.NONE)})
                return name
            if probe_distance(known.vector, fresh) <= SAME_PROBE:
                return name
            if number == 0:
                warnings.warn(
                    f"{card.name} gives other vectors than before under the same name: what was "
                    "bought from the former model is not used",
                    NearfieldWarning,
                    stacklevel=4,
                )
            number += 1

    def _buy(
        self,
        encoder: PaidEncoder,
        keys: list[bytes],
        texts: Sequence[str],
        places: dict[bytes, list[int]],
        role: Role,
        vectors: FloatArray,
        ledger: _Ledger,
    ) -> None:
        """Encode what is missing; each request's vectors are stored before the next is sent."""
        groups = [places[wanted] for wanted in keys]
        firsts = [texts[group[0]] for group in groups]
        for bought in encoder.batches(firsts, role=role):
            entries = {}
            for place, row in zip(bought.positions, bought.rows, strict=True):
                flag = Flag.TRUNCATED if place in bought.report.truncated else Flag.NONE
                flag |= Flag.EMPTY if place in bought.report.empty else Flag.NONE
                entries[keys[place]] = CachedVector(row, flag)
                vectors[groups[place]] = row
            self.cache.put(self._name(role), entries)
            ledger.computed(bought.report, groups)

    def _compute(
        self,
        keys: list[bytes],
        texts: Sequence[str],
        places: dict[bytes, list[int]],
        role: Role | str,
        vectors: FloatArray,
        ledger: _Ledger,
    ) -> None:
        """Encode one slice, commit it, and put the rows where they belong."""
        flags = [Flag.NONE] * len(keys)
        groups = [places[wanted] for wanted in keys]

        def watch(report: BatchReport) -> None:
            for position in report.truncated:
                flags[position] |= Flag.TRUNCATED
            for position in report.empty:
                flags[position] |= Flag.EMPTY
            ledger.computed(report, groups)

        firsts = [texts[group[0]] for group in groups]
        rows = self.inner.encode(firsts, role=role, observe=watch)
        self.cache.put(
            self.card.fingerprint,
            {
                wanted: CachedVector(row, flag)
                for wanted, row, flag in zip(keys, rows, flags, strict=True)
            },
        )
        for group, row in zip(groups, rows, strict=True):
            vectors[group] = row


class _Ledger:
    """Translates reports to the positions of the whole call, and counts truncations."""

    def __init__(self, observe: Observer | None) -> None:
        self._observe = observe
        self.truncated = 0

    def recalled(self, found: dict[bytes, CachedVector], places: dict[bytes, list[int]]) -> None:
        if not found:
            return
        entries = [(entry.flags, places[known]) for known, entry in found.items()]
        self._report(
            BatchReport(
                indices=_joined(at for _, at in entries),
                tokens=0,
                truncated=_joined(at for flags, at in entries if Flag.TRUNCATED in flags),
                empty=_joined(at for flags, at in entries if Flag.EMPTY in flags),
            )
        )

    def computed(self, report: BatchReport, places: list[list[int]]) -> None:
        self._report(
            replace(
                report,
                indices=_joined(places[i] for i in report.indices),
                truncated=_joined(places[i] for i in report.truncated),
                empty=_joined(places[i] for i in report.empty),
            )
        )

    def _report(self, report: BatchReport) -> None:
        self.truncated += len(report.truncated)
        if self._observe is not None:
            self._observe(report)


def _joined(places: Iterable[list[int]]) -> tuple[int, ...]:
    return tuple(position for group in places for position in group)


def _slices(keys: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(keys), _SLICE):
        yield keys[start : start + _SLICE]
