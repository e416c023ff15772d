"""Makes the form of a model that a peer reads: ``prepare.py KIND MODEL TARGET``.

Runs in the peer's own environment. Kinds: ``onnx`` and ``openvino``, the exports that
sentence-transformers makes, and ``model2vec``, its distillate of the model.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

_DISTILLED = 256


def export(backend: str, model: str, target: str) -> None:
    from sentence_transformers import SentenceTransformer

    exported = SentenceTransformer(
        model, backend=backend, device="cpu", model_kwargs={"export": True}
    )
    exported.save_pretrained(target)
    _same_limit(Path(target), exported.max_seq_length)


def _same_limit(folder: Path, limit: int) -> None:
    """Let every reader of the folder cut and pad as sentence-transformers does.

    The published tokenizer.json cuts at 128 tokens and pads to 128, which sentence-transformers
    overrides and some of the others obey.
    """
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    tokenizer["truncation"]["max_length"] = limit
    tokenizer["padding"]["strategy"] = "BatchLongest"
    path.write_text(json.dumps(tokenizer), encoding="utf-8")
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings |= {"model_max_length": limit, "max_length": limit}
    path.write_text(json.dumps(settings), encoding="utf-8")


def distil(model: str, target: str) -> None:
    from model2vec.distill import distill_from_model
    from transformers import AutoModel, AutoTokenizer

    static = distill_from_model(
        AutoModel.from_pretrained(model), AutoTokenizer.from_pretrained(model), pca_dims=_DISTILLED
    )
    static.save_pretrained(target)


def main() -> None:
    kind, model, target = sys.argv[1:]
    if kind == "model2vec":
        distil(model, target)
    else:
        export(kind, model, target)


if __name__ == "__main__":
    main()
