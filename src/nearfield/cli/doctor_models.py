"""What ``nearfield doctor`` says about models: runtime, class, why, and how fast."""

from __future__ import annotations

import time
from collections.abc import Iterator

from nearfield.cli.findings import Finding, Verdict
from nearfield.errors import NearfieldError
from nearfield.protocols import Encoder
from nearfield.types import BatchReport

__all__ = ["findings", "tokens_per_second"]

_SECONDS = 0.5


def findings(*, measure: bool) -> Iterator[Finding]:
    """Check every installed model, then open each transformer and the default.

    Parameters
    ----------
    measure : bool
        Whether to encode for half a second each.
    """
    from nearfield.models import catalog
    from nearfield.models.catalog_entry import Task
    from nearfield.models.formats import Format, detect
    from nearfield.models.install import faults, installed
    from nearfield.models.resolve import default_model

    sound = []
    for folder in installed():
        entry = catalog.get(folder.name)
        wrong = faults(entry, folder) if entry else []
        if wrong:
            yield Finding("model", Verdict.BAD, f"{folder.name}: {'; '.join(wrong)}")
            continue
        checked = "hashes match" if entry else "not in the catalog, not checked"
        yield Finding("model", Verdict.GOOD, f"{folder.name}: {checked}")
        encodes = entry is None or entry.task is Task.TEXT
        if encodes and detect(folder) is Format.TRANSFORMER:
            sound.append(folder.name)
    default = default_model()
    yield _opened("default", default, measure=measure)
    for name in sound:
        if name != default:
            yield _opened("runs", name, measure=measure)


def _opened(topic: str, name: str, *, measure: bool) -> Finding:
    from nearfield.models.resolve import load

    try:
        begun = time.perf_counter()
        encoder = load(name)
        loaded = time.perf_counter() - begun
        rate = tokens_per_second(encoder) if measure else None
    except NearfieldError as error:
        return Finding(topic, Verdict.BAD if topic == "default" else Verdict.NOTE, str(error))
    card = encoder.card
    facts = [
        f"{card.name}: {card.dimension} dimensions",
        f"{card.precision} on {card.runtime}{_why(encoder)}",
        f"opens in {loaded * 1000:.0f} ms",
    ]
    if rate is not None:
        facts.append(f"{rate:,.0f} tokens a second")
    facts += _calibration(encoder)
    return Finding(topic, Verdict.GOOD, ", ".join(facts))


def _why(encoder: Encoder) -> str:
    choice = getattr(encoder, "choice", None)
    return f" ({choice.why})" if choice is not None else ""


def _calibration(encoder: Encoder) -> list[str]:
    found = getattr(encoder, "calibration", None)
    return [] if found is None else [str(found)]


def tokens_per_second(encoder: Encoder, seconds: float = _SECONDS) -> float:
    """Encode packaged passages, never the same text twice, for about so many seconds."""
    from nearfield.models.transformer.calibration import texts

    passages = [passage for _, passage in texts()]
    tokens = 0

    def count(batch: BatchReport) -> None:
        nonlocal tokens
        tokens += batch.tokens

    encoder.encode(passages[:8])  # first use prepares what later uses find ready
    begun = time.perf_counter()
    rounds = 0
    while time.perf_counter() - begun < seconds:
        part = passages[8 * rounds % len(passages) :][:8]
        encoder.encode([f"{rounds} {text}" for text in part], observe=count)
        rounds += 1
    return tokens / (time.perf_counter() - begun)
