"""From a name to an encoder, offline first.

The places, in order: a local folder or file; the models folder of this machine; an installed model
package; the Hugging Face cache; and the hub itself, but only for a name written ``hf:org/name`` and
never when ``HF_HUB_OFFLINE`` is set. Whatever the catalog pins is hash-checked before it is loaded.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from nearfield.errors import (
    InputError,
    ModelNotInstalled,
    UnknownName,
    UnsupportedModel,
    UnsupportedOperation,
)
from nearfield.models import catalog, formats, hub
from nearfield.models.catalog import CatalogEntry, Task
from nearfield.models.hashes import verify
from nearfield.models.matryoshka import truncate
from nearfield.models.precision import AUTO, Precision, asked
from nearfield.models.remote.naming import is_remote
from nearfield.paths import models_dir
from nearfield.protocols import Encoder
from nearfield.registry import suggest

__all__ = [
    "Location",
    "Origin",
    "check",
    "default_model",
    "known_location",
    "load",
    "locate",
    "pinned",
]

_ENTRY_POINTS = "nearfield.models"
_CUT = re.compile(r"(?P<name>.+)@(?P<dimensions>[0-9]{1,5})")


class Origin(StrEnum):
    """Which place a model was found in."""

    PATH = "path"
    INSTALLED = "installed"
    PACKAGE = "package"
    HUB_CACHE = "hub-cache"


@dataclass(frozen=True, slots=True)
class Location:
    """Where a model lies.

    Attributes
    ----------
    name : str
        Short name for its card.
    path : Path
        Folder or file.
    origin : Origin
        Which place that is.
    entry : CatalogEntry or None
        What the catalog pins about it; None for a model that it does not know.
    """

    name: str
    path: Path
    origin: Origin
    entry: CatalogEntry | None = None

    def missing(self) -> list[str]:
        """Pinned files that are not there."""
        return [name for name in self.pins() if not (self.path / name).is_file()]

    def pins(self) -> dict[str, str]:
        """SHA-256 that files must have, by their path in the folder; empty for unknown models."""
        if self.entry is None:
            return {}
        if self.origin is Origin.HUB_CACHE:
            # The hub's repository may have gained a comma in some config since; the weights count.
            return {self.entry.weights: self.entry.weights_sha256}
        return self.entry.pins()


def default_model() -> str:
    """Name that serves where none is given: ``NEARFIELD_MODEL``, or all-MiniLM-L6-v2."""
    return os.environ.get("NEARFIELD_MODEL") or "all-MiniLM-L6-v2"


def load(
    name: str | Path,
    *,
    dimensions: int | None = None,
    precision: str = AUTO,
    runtime: str | None = None,
) -> Encoder:
    """Find a model and open it.

    Parameters
    ----------
    name : str or Path
        A folder or file; a name or alias of the catalog; the name of a folder in the models
        folder; ``org/name`` for what the hub's cache holds; ``hf:org/name`` or
        ``hf:org/name@revision`` to fetch it from the hub if need be; ``provider:model`` for a
        hosted model (:mod:`nearfield.models.remote`). A name that ends in ``@dimensions``, as cut
        models' cards do, is cut to that many.
    dimensions : int, optional
        Cut vectors to their first components, at unit length again
        (:func:`nearfield.models.matryoshka.truncate`).
    precision : {"auto", "exact", "fast", "small"}
        Precision class. ``auto`` computes transformers ``fast`` (bf16 products, fp32 sums) where
        that is possible here and the model's calibration passes, else ``exact`` (fp32). The class
        is part of the fingerprint. Static models and ONNX files have one class.
    runtime : str, optional
        What computes a transformer: ``native``, ``openvino``, ``onnxruntime``, ``cuda`` …; the
        fastest that is here by default, or what ``NEARFIELD_RUNTIME`` names.

    Returns
    -------
    Encoder

    Raises
    ------
    UnknownName
        Nothing is known under that name; the message suggests neighbours.
    ModelNotInstalled
        The name is known, but the files are not here; the message says how to get them.
    HashMismatch
        The files are not the ones that the catalog pins.
    UnsupportedModel
        The files are not of a layout that is understood.
    InputError
        The dimensions are fewer than one or more than the model has; or there is no such
        precision class or runtime.
    UnsupportedOperation
        The model has another precision class, or this machine cannot compute it.
    MissingExtra
        The runtime is not installed.
    RemoteError
        A hosted model has no key, or does not answer.
    """
    if isinstance(name, str) and is_remote(name) and not Path(name).exists():
        return _hosted(name, dimensions, precision, runtime)
    location, cut = _locate_cut(name)
    if dimensions is not None and cut is not None and dimensions != cut:
        raise InputError(f"{name} asks for {cut} dimensions, the argument for {dimensions}")
    check(location)
    _require_encoder(location)
    encoder = formats.open_model(
        location.path, name=location.name, precision=precision, runtime=runtime
    )
    wanted = dimensions if dimensions is not None else cut
    return encoder if wanted is None else truncate(encoder, wanted)


def _hosted(name: str, dimensions: int | None, precision: str, runtime: str | None) -> Encoder:
    from nearfield.models import remote

    if asked(precision) not in (None, Precision.HOSTED) or runtime is not None:
        raise UnsupportedOperation(
            f"{name} is computed by its provider: leave precision and runtime out"
        )
    return remote.load(name, dimensions=dimensions)


_OTHER_USES = {
    Task.RERANK: "a reranker, which reads a question and a passage together: search with "
    "`--rerank`, or load it by nearfield.models.rerank.load",
    Task.SPARSE: "a model of sparse vectors: search with `--mode sparse`, or load it by "
    "nearfield.models.sparse.load",
    Task.GENERATE: "a generator, which writes text: ask with `nearfield ask`, or load it by "
    "nearfield.rag.generators.load",
}


def _require_encoder(location: Location) -> None:
    use = _OTHER_USES.get(location.entry.task) if location.entry is not None else None
    if use is not None:
        raise UnsupportedModel(f"{location.name} makes no vectors of texts; it is {use}")


def locate(name: str | Path) -> Location:
    """Find a model without opening it; ``hf:`` names may be fetched. Raises as :func:`load`."""
    return _locate_cut(name)[0]


def _locate_cut(name: str | Path) -> tuple[Location, int | None]:
    """Find a model, first under the name as it stands, then without ``@dimensions``."""
    match = _CUT.fullmatch(str(name))
    if match and not Path(name).exists():
        inner = match["name"] if isinstance(name, str) else Path(match["name"])
        return _locate(inner), int(match["dimensions"])
    return _locate(name), None


def _locate(name: str | Path) -> Location:
    if isinstance(name, Path) or _is_explicit_path(name):
        path = Path(name).expanduser()
        if not path.exists():
            raise ModelNotInstalled(f"there is no model at {path}: check the path")
        return Location(path.resolve().name, path, Origin.PATH)
    if not name:
        raise InputError("the model's name is empty")
    if is_remote(name):
        raise UnsupportedModel(
            f"{name} is a hosted model: it has no files here, and nearfield.load opens it"
        )
    if name.startswith("hf:"):
        return _from_hub(name.removeprefix("hf:"))
    entry = catalog.get(name)
    if Path(name).exists() and (entry is None or formats.holds_weights(Path(name))):
        # A folder of notes that happens to be called like a known model does not hide it.
        return Location(Path(name).resolve().name, Path(name), Origin.PATH)
    found = known_location(entry) if entry else _other(name)
    if found is None:
        raise _absent(name, entry)
    return found


def _is_explicit_path(name: str) -> bool:
    return name.startswith((".", "~")) or Path(name).is_absolute()


def known_location(entry: CatalogEntry) -> Location | None:
    """Find a model of the catalog in the places that may hold it."""
    folder = models_dir() / entry.name
    if folder.is_dir():
        return Location(entry.name, folder, Origin.INSTALLED, entry)
    packaged = _packaged(entry)
    if packaged:
        return Location(entry.name, packaged, Origin.PACKAGE, entry)
    snapshot = hub.cached(entry.hub_id) if entry.hub_id else None
    if snapshot and (snapshot / entry.weights).is_file():
        return Location(entry.name, snapshot, Origin.HUB_CACHE, entry)
    return None


def pinned(name: str) -> Location:
    """Find a model of the catalog whose very files are needed, and compare them with their pins.

    A folder of that name where the program runs is not it.

    Raises
    ------
    ModelNotInstalled, HashMismatch
    """
    entry = catalog.find(name)
    location = known_location(entry)
    if location is None:
        raise _absent(name, entry)
    check(location)
    return location


def _other(name: str) -> Location | None:
    """Find a model that the catalog does not know."""
    if Path(name).name == name and not name.startswith("."):
        folder = models_dir() / name
        if folder.is_dir():
            return Location(name, folder, Origin.INSTALLED)
    declared = _declared(name)
    if declared:
        return Location(name, declared, Origin.PACKAGE)
    snapshot = hub.cached(name) if hub.is_repository(name) else None
    if snapshot:
        return Location(name, snapshot, Origin.HUB_CACHE)
    return None


def _from_hub(name: str) -> Location:
    repository, revision = hub.split_revision(name)
    snapshot = hub.cached(repository, revision) or hub.download(repository, revision)
    return Location(repository, snapshot, Origin.HUB_CACHE)


def _packaged(entry: CatalogEntry) -> Path | None:
    """Folder of a model inside an installed package that carries it ready to load."""
    inside = entry.package_folder()
    if not inside:
        return None
    import importlib.metadata

    try:
        distribution = importlib.metadata.distribution(entry.packages[0].name)
    except importlib.metadata.PackageNotFoundError:
        return None
    folder = Path(str(distribution.locate_file(inside)))
    return folder if folder.is_dir() else None


def _declared(name: str) -> Path | None:
    """Folder of a model that another package declares, found without importing that package.

    The entry point ``my-model = "my_package.folder"`` of the group ``nearfield.models`` stands for
    the folder ``folder`` inside ``my_package``.
    """
    import importlib.metadata

    for point in importlib.metadata.entry_points(group=_ENTRY_POINTS, name=name):
        package, *inner = point.value.split(".")
        spec = importlib.util.find_spec(package)
        for root in (spec.submodule_search_locations if spec else None) or ():
            folder = Path(root).joinpath(*inner)
            if folder.is_dir():
                return folder
    return None


def _absent(name: str, entry: CatalogEntry | None) -> ModelNotInstalled | UnknownName:
    if entry:
        return ModelNotInstalled(
            f"{entry.name} is not on this machine: run `{entry.install_command}` "
            f"({entry.download_bytes / 1e6:,.0f} MB to fetch, {entry.size_bytes / 1e6:,.0f} MB "
            "on disk)"
        )
    if hub.is_repository(name):
        advice = f"write hf:{name} to fetch it from the hub; or {_neighbours(name)}"
        return ModelNotInstalled(f"{name} is neither a folder nor in the hub's cache: {advice}")
    return UnknownName(
        f"no model is called {name!r}: it is no folder, no installed model and not in the catalog; "
        + _neighbours(name)
    )


def _neighbours(name: str) -> str:
    from nearfield.models.install import installed

    known = {folder.name for folder in installed()} | set(catalog.CATALOG)
    known |= {alias for entry in catalog.CATALOG.values() for alias in entry.aliases}
    return suggest(name.rpartition("/")[2], known)


def check(location: Location) -> None:
    """Compare a catalog model's files with their pins; the hub's own copies by weights alone."""
    entry = location.entry
    if entry is None:
        return
    if missing := location.missing():
        raise ModelNotInstalled(
            f"{entry.name} in {location.path} is incomplete ({', '.join(missing)} missing): run "
            f"`{entry.install_command}` to repair it"
        )
    remedy = (
        f"run `{entry.install_command}` to restore it; load a model of your own by its path instead"
    )
    if location.origin is Origin.HUB_CACHE:
        remedy = (
            f"run `{entry.install_command}` for the pinned files, or load the hub's own revision "
            f"as hf:{entry.hub_id}"
        )
    for name, pin in location.pins().items():
        verify(location.path / name, pin, remedy=remedy)
