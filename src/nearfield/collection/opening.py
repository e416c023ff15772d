"""Open a collection, or make one: the place where a name becomes a model and stays one."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from nearfield.collection.collection import Collection
from nearfield.collection.locate import is_collection
from nearfield.collection.model import describe, load_again, probes_of
from nearfield.collection.options import Chunking, chunker_for
from nearfield.errors import (
    DimensionMismatch,
    InputError,
    StoreError,
    StoreNotFound,
    UnsupportedOperation,
)
from nearfield.lexical import Language
from nearfield.metric import Metric
from nearfield.models.matryoshka import truncate
from nearfield.models.precision import AUTO, asked
from nearfield.models.resolve import default_model, load
from nearfield.protocols import Encoder
from nearfield.stores.local import LANGUAGE, LocalStore

__all__ = ["open_collection"]


def open_collection(
    path: str | Path,
    *,
    encoder: Encoder | str | None = None,
    dimensions: int | None = None,
    precision: str = AUTO,
    metric: Metric | str = Metric.COSINE,
    language: Language | str | None = None,
    chunking: Chunking | None = None,
    create: bool = True,
) -> Collection:
    """Open a collection, or create it if it is missing.

    Parameters
    ----------
    path : str or Path
        Its directory, by custom with the suffix ``.nf``.
    encoder : Encoder or str, optional
        A model or its name. A new collection without one takes the default model; an existing
        one knows its own, and refuses another.
    dimensions : int, optional
        Keep only the first so many components (Matryoshka truncation).
    precision : {"auto", "exact", "fast"}
        Precision class of the model (:func:`nearfield.load`). An existing collection knows its
        own; another class of the same model can search it but not write to it.
    metric : {"cosine", "dot", "euclidean"}
        New collections only.
    language : str, optional
        Of the texts, for searches by words: ``auto``, for new collections the default, goes by
        script and takes Latin letters for English; ``german``, ``french`` … know more.
    chunking : Chunking, optional
        How files are cut; new collections only.
    create : bool
        False refuses a missing collection.

    Returns
    -------
    Collection

    Raises
    ------
    StoreNotFound
        There is none and `create` is False.
    FingerprintMismatch, DimensionMismatch
        The collection was made by another model; the message gives both.
    UnsupportedOperation
        The model is not of that precision class, or this machine cannot compute it.
    InputError
        The collection was made for another language.

    Examples
    --------
    >>> import nearfield as nf
    >>> with nf.open("notes.nf") as notes:  # doctest: +SKIP
    ...     notes.add(["A parka keeps you warm in winter."])
    ...     notes.search("cold weather gear")
    """
    place = Path(path)
    if not is_collection(place):
        if not create:
            raise StoreNotFound(f"there is no collection at {place}: make one with index or add")
        return _created(
            place, _model(encoder, dimensions, precision), dimensions, metric, language, chunking
        )
    _require_language(place, language)
    if isinstance(encoder, str):
        with Collection(place) as known:
            properties = known.store.properties
        model = load_again(properties, name=encoder, dimensions=dimensions, precision=precision)
        return Collection(place, encoder=model)
    if encoder is not None:
        return Collection(place, encoder=_model(encoder, dimensions, precision)[1])
    collection = Collection(place, precision=precision)
    if dimensions not in {None, collection.store.dimension}:
        collection.close()
        raise DimensionMismatch(
            f"{place} holds vectors of {collection.store.dimension} components, not {dimensions}: "
            "leave the dimensions out, or make another collection"
        )
    return collection


def _created(
    place: Path,
    named: tuple[str, Encoder],
    dimensions: int | None,
    metric: Metric | str,
    language: Language | str | None,
    chunking: Chunking | None,
) -> Collection:
    name, model = named
    chosen = chunking or Chunking()
    if chunking is not None:
        chunker_for(chosen, model)  # settings that do not work must not become a collection
    properties = describe(name, model.card, dimensions) | probes_of(model)
    properties["chunking"] = json.dumps(asdict(chosen))
    properties[LANGUAGE] = Language.of(language or Language.AUTO).value
    try:
        LocalStore.create(
            place,
            dimension=model.card.dimension,
            metric=metric,
            fingerprint=model.card.fingerprint,
            properties=properties,
        ).close()
    except StoreError:
        if not is_collection(place):  # another process may have made it meanwhile
            raise
    return Collection(place, encoder=model)


def _require_language(place: Path, language: Language | str | None) -> None:
    if language is None:
        return
    with LocalStore.open(place) as store:
        made = store.properties.get(LANGUAGE, Language.AUTO.value)
    if Language.of(language).value != made:
        raise InputError(
            f"{place} was made for the language {made!r}, not {Language.of(language).value!r}: "
            "leave the language out, or index into another collection"
        )


def _model(
    encoder: Encoder | str | None, dimensions: int | None, precision: str
) -> tuple[str, Encoder]:
    """A model, and the name under which a later run finds it again."""
    if encoder is None or isinstance(encoder, str):
        name = encoder or default_model()
        local = Path(name).expanduser()
        model = load(name, dimensions=dimensions, precision=precision)
        return str(local.resolve()) if local.exists() else name, model
    if asked(precision) not in (None, encoder.card.precision):
        raise UnsupportedOperation(
            f"the encoder {encoder.card.name} is of precision '{encoder.card.precision}', and "
            f"'{precision}' was asked for: load it with that precision"
        )
    model = encoder if dimensions is None else truncate(encoder, dimensions)
    return encoder.card.name, model
