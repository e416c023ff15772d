"""Encodes for the benchmarks in a process of its own, with Nearfield or with its peer.

Run by path with any interpreter, alone in its folder so that it shadows no other module::

    python benchmarks/workers/encode.py nearfield all-MiniLM-L6-v2
    python benchmarks/workers/encode.py sentence-transformers FOLDER

One JSON request a line on standard input, one JSON answer a line on standard output:
``{"texts": FILE, "one_by_one": false, "save": FILE or ""}`` gives ``{"seconds": [...]}``.
The model is loaded, and said to be ready, before the first request is read.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]


def nearfield(name: str) -> tuple[Encode, dict[str, str]]:
    from nearfield.models.resolve import load

    encoder = load(name)
    return encoder.encode, {}


def sentence_transformers(folder: str) -> tuple[Encode, dict[str, str]]:
    import sentence_transformers
    import torch

    model = sentence_transformers.SentenceTransformer(folder, device="cpu")
    versions = {
        "sentence-transformers": sentence_transformers.__version__,
        "torch": torch.__version__,
    }
    return lambda texts: model.encode(list(texts), show_progress_bar=False), versions


LIBRARIES = {"nearfield": nearfield, "sentence-transformers": sentence_transformers}


def answer(encode: Encode, request: dict[str, str | bool]) -> dict[str, list[float]]:
    texts = json.loads(Path(str(request["texts"])).read_text(encoding="utf-8"))
    batches = [[text] for text in texts] if request.get("one_by_one") else [texts]
    seconds = []
    rows = []
    for batch in batches:
        begun = time.perf_counter()
        rows.append(encode(batch))
        seconds.append(time.perf_counter() - begun)
    if request.get("save"):
        np.save(str(request["save"]), np.concatenate(rows))
    return {"seconds": seconds}


def main() -> None:
    library, model = sys.argv[1:]
    encode, versions = LIBRARIES[library](model)
    print(json.dumps({"ready": True, "versions": versions}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(encode, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
