"""What a pipeline takes: bytes of its store on disk, and bytes that a search has in memory."""

from __future__ import annotations

from pathlib import Path

from nearfield.search.options import Mode
from nearfield.selection.pipeline import Pipeline
from nearfield.stores.local import SearchPath

__all__ = ["footprint"]

_CODES, _GRAPH, _WORDS = ("codes.nfc", "lists.nfl"), "graph.nfg", "text"


def footprint(store: Path, pipeline: Pipeline, model_bytes: int) -> tuple[int, int]:
    """Memory and disk that a pipeline takes, in bytes, from the files of its store.

    Parameters
    ----------
    store : Path
        A store that may hold more parts than the pipeline uses.
    pipeline : Pipeline
    model_bytes : int
        Of the model's weights.

    Returns
    -------
    memory : int
        The weights, and the parts that every search goes through: all vectors for the exact scan,
        codes or graph for the faster paths, the index of words for searches by words. Texts of hits
        are read from the disk one by one.
    disk : int
        The store without parts that this pipeline has no use for.
    """
    sizes = _sizes(store)
    codes = pipeline.storage.path is SearchPath.QUANTISED
    graph = pipeline.storage.path is SearchPath.GRAPH
    either = pipeline.storage.path is SearchPath.AUTO
    mode = pipeline.search.mode
    memory = 0
    if mode is not Mode.LEXICAL:
        memory += model_bytes
        memory += sizes["codes"] if codes or (either and sizes["codes"]) else 0
        memory += sizes["graph"] if graph else 0
        memory += sizes["vectors"] if not (codes or graph or (either and sizes["codes"])) else 0
    if mode is not Mode.DENSE:
        memory += sizes["words"]
    disk = sizes["rest"] + sizes["vectors"] + sizes["words"]
    disk += sizes["codes"] if codes or either else 0
    disk += sizes["graph"] if graph else 0
    return memory, disk


def _sizes(store: Path) -> dict[str, int]:
    sizes = dict.fromkeys(("vectors", "codes", "graph", "words", "rest"), 0)
    for path in store.rglob("*"):
        if not path.is_file():
            continue
        size = path.stat().st_size
        if path.name in _CODES:
            sizes["codes"] += size
        elif path.name == _GRAPH:
            sizes["graph"] += size
        elif path.name.startswith("vectors-"):
            sizes["vectors"] += size
        elif _WORDS in path.relative_to(store).parts:
            sizes["words"] += size
        else:
            sizes["rest"] += size
    return sizes
