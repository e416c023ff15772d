"""Encodes for the benchmarks in a process of its own, with Nearfield or with a peer.

Run by path with any interpreter, alone in its folder so that it shadows no other module::

    python benchmarks/workers/encode.py nearfield all-MiniLM-L6-v2 precision=fast
    python benchmarks/workers/encode.py sentence-transformers FOLDER backend=onnx

One JSON request a line on standard input, one JSON answer a line on standard output:
``{"texts": FILE, "one_by_one": false, "save": FILE or ""}`` gives
``{"seconds": [...], "peak_mb": ...}``. The model is loaded, and said to be ready, before the first
request is read.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np
from libraries import LIBRARIES

if TYPE_CHECKING:
    from libraries import Encode


def answer(encode: Encode, request: dict[str, str | bool]) -> dict[str, object]:
    texts = json.loads(Path(str(request["texts"])).read_text(encoding="utf-8"))
    batches = [[text] for text in texts] if request.get("one_by_one") else [texts]
    seconds = []
    rows = []
    for batch in batches:
        begun = time.perf_counter()
        rows.append(encode(batch))
        seconds.append(time.perf_counter() - begun)
    if request.get("save"):
        np.save(str(request["save"]), np.concatenate(rows).astype(np.float32, copy=False))
    return {"seconds": seconds, "peak_mb": peak_mb()}


def peak_mb() -> float | None:
    """Largest resident size of this process; None where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return round(int(fields["VmHWM"].split()[0]) / 1024, 1)


def private_output() -> TextIO:
    """The real standard output; whatever libraries print goes to standard error."""
    mine = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return mine


def main() -> None:
    library, model, *options = sys.argv[1:]
    out = private_output()
    loaded = LIBRARIES[library](model, dict(option.split("=", 1) for option in options))
    ready = {"ready": True, "versions": loaded.versions(), "about": dict(loaded.about)}
    print(json.dumps(ready), file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(loaded.encode, json.loads(line))), file=out, flush=True)
    # Engines with threads of their own may hang or complain when the interpreter takes them down.
    os._exit(0)


if __name__ == "__main__":
    main()
