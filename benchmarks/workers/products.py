"""Times torch's matrix products, which oneDNN computes: ``products.py THREADS``.

One JSON request a line, ``{"shapes": [[m, k, n], ...], "dtype": "bfloat16"}``, gives the best
seconds of a product of each shape.
"""

from __future__ import annotations

import json
import sys
import time

import torch

_SECONDS = 0.15
"""Time spent on a shape: the best of the products that fit is the machine's limit."""


def best(m: int, k: int, n: int, dtype: torch.dtype) -> float:
    rows = torch.randn(m, k).to(dtype)
    # A linear layer, as encoders call it: oneDNN has reordered fp32 and bf16 weights by then.
    layer = torch.nn.Linear(k, n, bias=False).to(dtype)
    found, begun = float("inf"), time.perf_counter()
    with torch.inference_mode():
        while time.perf_counter() - begun < _SECONDS:
            start = time.perf_counter()
            layer(rows)
            found = min(found, time.perf_counter() - start)
    return found


def main() -> None:
    torch.set_num_threads(int(sys.argv[1]))
    print(json.dumps({"ready": True, "versions": {"torch": torch.__version__}}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        dtype = getattr(torch, request["dtype"])
        seconds = [best(m, k, n, dtype) for m, k, n in request["shapes"]]
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
