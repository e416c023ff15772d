"""How each library loads a model from a folder and encodes: one function a library.

Each takes the model and its options, and imports its library only when called, for every one of
them lives in an environment of its own. Settings are the library's defaults wherever it has any.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]

__all__ = ["LIBRARIES", "Loaded"]


@dataclass(frozen=True)
class Loaded:
    """A model, ready to encode.

    Attributes
    ----------
    encode : callable
        A list of texts to an array with a row each.
    packages : tuple of str
        Distributions that do the work; results name their versions.
    about : mapping of str to str
        What the library says it computes with.
    """

    encode: Encode
    packages: tuple[str, ...]
    about: Mapping[str, str] = field(default_factory=dict)

    def versions(self) -> dict[str, str]:
        """Versions of the packages."""
        return {name: importlib.metadata.version(name) for name in self.packages}


def nearfield(model: str, options: Mapping[str, str]) -> Loaded:
    """Options: ``precision`` and ``runtime``, as the library names them."""
    from nearfield.models.resolve import load

    encoder = load(
        model, precision=options.get("precision", "exact"), runtime=options.get("runtime")
    )
    about = {"runtime": encoder.card.runtime, "precision": encoder.card.precision}
    # Taking the reports keeps a text that is cut at the model's limit from being warned about.
    return Loaded(lambda texts: encoder.encode(texts, observe=lambda _: None), (), about)


def sentence_transformers(model: str, options: Mapping[str, str]) -> Loaded:
    """Options: ``backend`` (torch, onnx, openvino) and ``dtype`` of the weights."""
    from sentence_transformers import SentenceTransformer

    backend = options.get("backend", "torch")
    files = {"onnx": "onnx/model.onnx", "openvino": "openvino/openvino_model.xml"}
    settings = {"file_name": files[backend]} if backend in files else {}
    if "dtype" in options:
        settings["torch_dtype"] = options["dtype"]
    loaded = SentenceTransformer(model, device="cpu", backend=backend, model_kwargs=settings)
    extra = {"onnx": ("onnxruntime",), "openvino": ("openvino",)}.get(backend, ())
    return Loaded(
        lambda texts: loaded.encode(list(texts), show_progress_bar=False),
        ("sentence-transformers", "torch", "transformers", *extra),
        {"runtime": backend},
    )


def fastembed(model: str, options: Mapping[str, str]) -> Loaded:
    """The folder becomes a custom model, so that no hub is asked; option: ``dimension``."""
    import numpy as np
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    TextEmbedding.add_custom_model(
        model="local",
        pooling=PoolingType.MEAN,
        normalization=True,
        sources=ModelSource(hf="local"),
        dim=int(options["dimension"]),
        model_file="onnx/model.onnx",
    )
    loaded = TextEmbedding("local", specific_model_path=model)
    return Loaded(
        lambda texts: np.stack(list(loaded.embed(list(texts)))),
        ("fastembed", "onnxruntime"),
        {"runtime": "onnxruntime"},
    )


def infinity(model: str, _options: Mapping[str, str]) -> Loaded:
    import numpy as np
    from infinity_emb import EngineArgs, SyncEngineArray

    engine = SyncEngineArray.from_args(
        [
            EngineArgs(
                model_name_or_path=model,
                engine="torch",
                device="cpu",
                served_model_name="local",
                model_warmup=False,
            )
        ]
    )

    def encode(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        vectors, _ = engine.embed(model="local", sentences=list(texts)).result()
        return np.stack(vectors)

    return Loaded(encode, ("infinity-emb", "torch", "transformers"), {"runtime": "torch"})


def txtai(model: str, _options: Mapping[str, str]) -> Loaded:
    from txtai import Embeddings

    embeddings = Embeddings(path=model, gpu=False)
    return Loaded(
        lambda texts: embeddings.batchtransform(list(texts)),
        ("txtai", "torch", "transformers"),
        {"runtime": "torch"},
    )


def light_embed(model: str, _options: Mapping[str, str]) -> Loaded:
    from light_embed import TextEmbedding

    settings = {"onnx_file": "onnx/model.onnx", "pooling_mode": "mean", "normalize": True}
    loaded = TextEmbedding(model, model_config=settings, device="cpu")
    return Loaded(
        lambda texts: loaded.encode(list(texts)),
        ("light-embed", "onnxruntime"),
        {"runtime": "onnxruntime"},
    )


def model2vec(model: str, _options: Mapping[str, str]) -> Loaded:
    from model2vec import StaticModel

    loaded = StaticModel.from_pretrained(model)
    return Loaded(lambda texts: loaded.encode(list(texts)), ("model2vec",), {"runtime": "numpy"})


LIBRARIES: Mapping[str, Callable[[str, Mapping[str, str]], Loaded]] = {
    "nearfield": nearfield,
    "sentence-transformers": sentence_transformers,
    "fastembed": fastembed,
    "infinity-emb": infinity,
    "txtai": txtai,
    "light-embed": light_embed,
    "model2vec": model2vec,
}
