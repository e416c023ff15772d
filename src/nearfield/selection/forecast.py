"""What embedding a folder will take, before it is begun: time, disk, memory, money.

Documents are counted, a sample of them is cut and its tokens are counted, and each model embeds a
few of the sample's passages on this machine. What is left is multiplication, so a forecast is as
good as the sample is typical, and as the machine is as busy later as it is now.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nearfield.collection.options import Chunking, chunker_for
from nearfield.errors import NearfieldError
from nearfield.models.cache import VectorCache
from nearfield.models.vector_cache import CachedVector, Flag
from nearfield.models.vector_cache import key as cache_key
from nearfield.passage import embedding_text
from nearfield.protocols import Encoder
from nearfield.selection.budget import Clock
from nearfield.selection.hosted import hosted_tokens, is_hosted, price_of
from nearfield.types import BatchReport, Document, Role

__all__ = [
    "Forecast",
    "ModelForecast",
    "Rate",
    "forecast",
    "forecast_model",
    "rate_of",
    "sampled",
]

_SAMPLE = 200
_PATIENCE = 1.5
_SLICE = 8
_MOST = 64
_ROW_BYTES = 900
"""Of a passage in the database beside its text, and of the derived columns."""
_WORDS_SHARE = 0.6
"""Of the index of words to the text; measured on several collections."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a model is here.

    Attributes
    ----------
    tokens_per_second : float
    query_seconds : float
        Median of one short question.
    load_seconds : float
    """

    tokens_per_second: float
    query_seconds: float
    load_seconds: float


@dataclass(frozen=True, slots=True)
class ModelForecast:
    """What one model and one chunker will take for all documents.

    Attributes
    ----------
    model : str
    chunking : Chunking
    passages, tokens : int
        Estimated from the sample.
    fresh : float
        Share of the passages that the cache of this machine does not have yet.
    seconds : float
        To embed what is not in the cache, and to store it all.
    disk, memory : int
        Bytes of the collection, and of the model's weights with all vectors.
    money : float or None
        US dollars for the tokens of a hosted model; 0 for a local one, None where the price is not
        known.
    rate : Rate
    """

    model: str
    chunking: Chunking
    passages: int
    tokens: int
    fresh: float
    seconds: float
    disk: int
    memory: int
    money: float | None
    rate: Rate


@dataclass(frozen=True, slots=True)
class Forecast:
    """What there is, and what each model would take for it.

    Attributes
    ----------
    documents, characters : int
    sampled : int
        Documents that were looked at closely.
    models : tuple of ModelForecast
    failed : mapping of str to str
        Models that could not be tried, with the reason.
    """

    documents: int
    characters: int
    sampled: int
    models: tuple[ModelForecast, ...]
    failed: Mapping[str, str]


def sampled(
    documents: Mapping[str, Document], *, most: int = _SAMPLE, seed: int = 0
) -> list[Document]:
    """Random documents, the same ones for the same seed."""
    everything = list(documents.values())
    if len(everything) <= most:
        return everything
    places = np.random.default_rng(seed).choice(len(everything), size=most, replace=False)
    return [everything[place] for place in sorted(places.tolist())]


def rate_of(
    encoder: Encoder,
    texts: Sequence[str],
    *,
    cache: VectorCache | None = None,
    load_seconds: float = 0.0,
    clock: Clock = time.perf_counter,
) -> Rate:
    """Measure a model on some passages, for about a second and a half.

    Parameters
    ----------
    encoder : Encoder
    texts : sequence of str
        Passages of the real documents.
    cache : VectorCache, optional
        Takes the vectors, so that nothing is embedded again later.
    load_seconds : float
        Passed on.
    clock : callable
    """
    tokens = 0

    def observe(report: BatchReport) -> None:
        nonlocal tokens
        tokens += report.tokens

    unique = list(dict.fromkeys(texts))[:_MOST]
    prompt = encoder.card.prompts.get(Role.DOCUMENT, "")
    begun = clock()
    for start in range(0, len(unique), _SLICE):
        part = unique[start : start + _SLICE]
        truncated: set[int] = set()
        empty: set[int] = set()

        def watch(report: BatchReport, cut: set[int] = truncated, bare: set[int] = empty) -> None:
            observe(report)
            cut.update(report.truncated)
            bare.update(report.empty)

        rows = encoder.encode(part, role=Role.DOCUMENT, observe=watch)
        if cache is not None:
            entries = {
                cache_key(encoder.card.fingerprint, prompt, text): CachedVector(
                    row,
                    (Flag.TRUNCATED if at in truncated else Flag.NONE)
                    | (Flag.EMPTY if at in empty else Flag.NONE),
                )
                for at, (text, row) in enumerate(zip(part, rows, strict=True))
            }
            cache.put(encoder.card.fingerprint, entries)
        if clock() - begun > _PATIENCE:
            break
    passed = max(clock() - begun, 1e-9)
    return Rate(max(tokens, 1) / passed, _query_seconds(encoder, clock), load_seconds)


def _query_seconds(encoder: Encoder, clock: Clock) -> float:
    taken = []
    for number in range(5):
        begun = clock()
        encoder.encode([f"how long does question {number} take"], role=Role.QUERY, observe=_silent)
        taken.append(clock() - begun)
    return float(np.median(taken))


def forecast_model(
    encoder: Encoder,
    chunking: Chunking,
    documents: Sequence[Document],
    *,
    of: int,
    name: str,
    rate: Rate | None = None,
    cache: VectorCache | None = None,
) -> ModelForecast:
    """Say what one model and one chunker take for `of` documents, from a sample of them.

    Parameters
    ----------
    encoder : Encoder
    chunking : Chunking
    documents : sequence of Document
        The sample; not empty.
    of : int
        Documents that there are.
    name : str
        Of the model, as it was asked for.
    rate : Rate, optional
        Measured by default.
    cache : VectorCache, optional
        Vectors that are there cost nothing; measured vectors go there.
    """
    chunker = chunker_for(chunking, encoder)
    chunks = [chunk for document in documents for chunk in chunker.chunk(document)]
    texts = [embedding_text(chunk) for chunk in chunks]
    fresh = _fresh(encoder, texts, cache)
    scale = of / max(1, len(documents))
    limit = encoder.card.max_tokens
    counts = encoder.tokenizer.count(texts)
    read = [count if limit is None else min(count + 2, limit) for count in counts]
    measured = rate or rate_of(encoder, texts, cache=cache)
    passages, tokens = round(len(chunks) * scale), round(sum(read) * scale)
    characters = sum(len(chunk.text) for chunk in chunks) * scale
    card = encoder.card
    vectors = passages * (4 * card.dimension + 16)
    disk = vectors + passages * _ROW_BYTES + characters * (1 + _WORDS_SHARE)
    return ModelForecast(
        model=name,
        chunking=chunking,
        passages=passages,
        tokens=tokens,
        fresh=fresh,
        seconds=fresh * tokens / measured.tokens_per_second + passages / 5000,
        disk=round(disk),
        memory=card.size_bytes + vectors,
        money=price_of(name, tokens),
        rate=measured,
    )


def _fresh(encoder: Encoder, texts: Sequence[str], cache: VectorCache | None) -> float:
    """Share of texts that the cache does not have."""
    if cache is None or not texts:
        return 1.0
    card = encoder.card
    prompt = card.prompts.get(Role.DOCUMENT, "")
    keys = {cache_key(card.fingerprint, prompt, text) for text in texts}
    return 1.0 - len(cache.get(card.fingerprint, list(keys), card.dimension)) / len(keys)


def forecast(
    documents: Mapping[str, Document],
    models: Sequence[str],
    chunking: Chunking,
    load: Callable[[str], Encoder],
    *,
    cache: VectorCache | None = None,
    clock: Clock = time.perf_counter,
) -> Forecast:
    """Say what each model takes for some documents; a model that fails is told, the rest goes on.

    Parameters
    ----------
    documents : mapping of str to Document
    models : sequence of str
    chunking : Chunking
    load : callable
        From a name to an encoder.
    cache : VectorCache, optional
    clock : callable
    """
    looked_at = sampled(documents)
    found: list[ModelForecast] = []
    failed: dict[str, str] = {}
    for name in models:
        try:
            if is_hosted(name):
                found.append(_hosted(name, chunking, looked_at, len(documents)))
                continue
            begun = clock()
            encoder = load(name)
            loading = clock() - begun
            chunker = chunker_for(chunking, encoder)
            texts = [embedding_text(c) for d in looked_at[:_MOST] for c in chunker.chunk(d)]
            rate = rate_of(encoder, texts, cache=cache, load_seconds=loading, clock=clock)
            found.append(
                forecast_model(
                    encoder,
                    chunking,
                    looked_at,
                    of=len(documents),
                    name=name,
                    rate=rate,
                    cache=cache,
                )
            )
        except NearfieldError as error:
            failed[name] = str(error)
    return Forecast(
        documents=len(documents),
        characters=sum(len(document.text) for document in documents.values()),
        sampled=len(looked_at),
        models=tuple(found),
        failed=failed,
    )


def _hosted(name: str, chunking: Chunking, looked_at: Sequence[Document], of: int) -> ModelForecast:
    """Passages, tokens and money; to know how fast it is would cost money."""
    passages, tokens = hosted_tokens(chunking, looked_at, of=of)
    money = price_of(name, tokens)
    return ModelForecast(
        name,
        chunking,
        passages,
        tokens,
        1.0,
        0.0,
        passages * _ROW_BYTES,
        0,
        money,
        Rate(0.0, 0.0, 0.0),
    )


def _silent(_: BatchReport) -> None:
    """Nothing of it counts."""
