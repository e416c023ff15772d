"""Make a collection as a pipeline says, so that a recommendation runs as it was measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from nearfield.collection import Collection, open_collection
from nearfield.collection.defaults import SEARCH_FIELDS, SearchDefaults
from nearfield.collection.locate import is_collection
from nearfield.collection.model import PROMPTS
from nearfield.errors import InputError
from nearfield.models.matryoshka import truncate
from nearfield.models.prompts import with_prompts
from nearfield.models.resolve import load
from nearfield.protocols import Encoder
from nearfield.selection.pipeline import ModelChoice, Pipeline
from nearfield.stores.local import CODES_FROM, RECALL, RECALL_TARGET, LocalStore, Mode, SearchPath

__all__ = ["encoder_of", "finish", "open_as", "properties_of", "refined"]


def encoder_of(model: ModelChoice) -> Encoder:
    """Load a pipeline's model, cut and prompted as it says.

    Raises
    ------
    ModelError, UnknownName
        It is not here, or not what its files should be.
    """
    return refined(load(model.name, precision=model.precision), model)


def refined(whole: Encoder, model: ModelChoice) -> Encoder:
    """A whole model, cut and prompted as a pipeline says."""
    encoder = whole if model.dimensions is None else truncate(whole, model.dimensions)
    return encoder if model.prompts is None else with_prompts(encoder, model.prompts)


def properties_of(pipeline: Pipeline) -> dict[str, str]:
    """What a collection keeps of a pipeline beside its model and its chunking."""
    kept = SearchDefaults(pipeline.options, pipeline.search.rerank).properties()
    kept[RECALL] = repr(pipeline.storage.recall)
    if pipeline.storage.path is SearchPath.QUANTISED:
        kept[CODES_FROM] = "1"
    if pipeline.model.prompts is not None:
        prompts = {role.value: prompt for role, prompt in pipeline.model.prompts.items()}
        kept[PROMPTS] = json.dumps(prompts)
    return kept


def open_as(pipeline: Pipeline, place: Path, *, language: str | None = None) -> Collection:
    """Open the collection that a pipeline made, or make it.

    Raises
    ------
    InputError
        There is one that was made otherwise.
    FingerprintMismatch
        There is one of another model; or the model here is not the one that was measured.
    """
    encoder = encoder_of(pipeline.model)
    _require_measured(pipeline.model, encoder)
    wanted = properties_of(pipeline)
    if is_collection(place):
        collection = open_collection(place, encoder=encoder, language=language)
        try:
            _require_same(collection, pipeline, wanted)
        except BaseException:
            collection.close()
            raise
        return collection
    open_collection(
        place,
        encoder=encoder,
        metric=pipeline.storage.metric,
        language=language,
        chunking=pipeline.chunking,
    ).close()
    local = Path(pipeline.model.name).expanduser()
    name = str(local.resolve()) if local.exists() else pipeline.model.name
    if pipeline.model.dimensions is not None:
        wanted["dimensions"] = str(pipeline.model.dimensions)
    with LocalStore.open(place, mode=Mode.WRITE) as store:
        store.set_properties({**wanted, "encoder": name})
    return open_collection(place, encoder=encoder)


def finish(
    pipeline: Pipeline, place: Path, *, progress: Callable[[int, int], None] | None = None
) -> None:
    """Build what the pipeline's search path needs, once the passages are there."""
    if pipeline.storage.path is not SearchPath.GRAPH:
        return
    with LocalStore.open(place, mode=Mode.WRITE) as store:
        if store.count():
            store.build_graph(
                m=pipeline.storage.links,
                ef_construction=pipeline.storage.ef_construction,
                progress=progress,
            )


def _require_measured(model: ModelChoice, encoder: Encoder) -> None:
    if model.fingerprint and model.fingerprint != encoder.card.fingerprint:
        from nearfield.models.card import require_same

        require_same(
            model.fingerprint, encoder.card.fingerprint, what=f"the pipeline's {model.name}"
        )


def _require_same(collection: Collection, pipeline: Pipeline, wanted: Mapping[str, str]) -> None:
    differing = list(_differences(collection.store.properties, wanted))
    if collection.chunking != pipeline.chunking:
        differing.append(("chunks", collection.chunking, pipeline.chunking))
    if differing:
        listed = "; ".join(f"{what}: {before}, not {now}" for what, before, now in differing)
        raise InputError(
            f"{collection.path} was made otherwise than the pipeline says ({listed}). "
            "Name a new collection with --to"
        )


def _differences(
    kept: Mapping[str, str], wanted: Mapping[str, str]
) -> Iterator[tuple[str, object, object]]:
    """What a collection keeps, and what a pipeline wants instead; defaults are no difference."""
    before, now = (SearchDefaults.of(properties) for properties in (kept, wanted))
    for name in SEARCH_FIELDS:
        pair = getattr(before.options, name), getattr(now.options, name)
        if pair[0] != pair[1]:
            yield name.replace("_", " "), *pair
    if before.rerank != now.rerank:
        yield "rerank", before.rerank or "none", now.rerank or "none"
    recall = kept.get(RECALL, repr(RECALL_TARGET))
    if float(recall) != float(wanted[RECALL]):
        yield "recall target", recall, wanted[RECALL]
    for name, what in ((CODES_FROM, "vectors from which codes are used"), (PROMPTS, "prompts")):
        if name in wanted and kept.get(name) != wanted[name]:
            yield what, kept.get(name, "the usual"), wanted[name]
