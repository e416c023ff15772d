"""Who is measured: Nearfield in its classes and runtimes, and the libraries that people use."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.contenders import WORKERS, Contender
from benchmarks.embedding.environments import Environments
from benchmarks.harness import REPOSITORY, Json

__all__ = ["EXACT", "FAST", "MINILM", "MPNET", "REFERENCE", "Peer"]

FAST = "Nearfield fast"
EXACT = "Nearfield exact"
REFERENCE = "sentence-transformers"
"""fp32 with its defaults: what every other one is compared with."""

_ONNX, _OPENVINO = "sentence-transformers-onnx", "sentence-transformers-openvino"


@dataclass(frozen=True, slots=True)
class Peer:
    """A library with its settings.

    Attributes
    ----------
    name : str
        As tables and plots call it.
    library : str
        Of ``workers/libraries.py``.
    environment : str
        Name of a file of ``peers/``; empty for the running interpreter.
    options : mapping of str to str
        For the library's function.
    form : tuple of str
        Form of the model and the environment that makes it, where it is not the folder itself.
    native : bool
        Whether Nearfield's own encoder computes.
    other_class : bool
        Whether its vectors are of another model, so that only its speed can be read.
    """

    name: str
    library: str
    environment: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    form: tuple[str, str] | tuple[()] = ()
    native: bool = False
    other_class: bool = False

    def contender(
        self, model: Path, environments: Environments, variables: Mapping[str, str]
    ) -> Contender:
        """Its process, with the environment and the model's form made if need be.

        Raises
        ------
        PeerMissing
            One of them cannot be made.
        """
        python = str(environments.python(self.environment)) if self.environment else sys.executable
        folder = environments.prepared(*self.form, model) if self.form else model
        options = [f"{name}={value}" for name, value in self.options.items()]
        if self.library == "nearfield" and self.environment:
            variables = {**variables, "PYTHONPATH": str(REPOSITORY / "src")}
        script = str(WORKERS / "encode.py")
        return Contender(
            self.name, (python, script, self.library, str(folder), *options), variables
        )

    def described(self) -> dict[str, Json]:
        """What results say of it."""
        return {"native": self.native, "other_class": self.other_class}


def _nearfield(name: str, precision: str, runtime: str, environment: str = "") -> Peer:
    options = {"precision": precision, "runtime": runtime}
    return Peer(name, "nearfield", environment, options, native=runtime == "native")


_FAST = _nearfield(FAST, "fast", "native")
_EXACT = _nearfield(EXACT, "exact", "native")
_REFERENCE = Peer(REFERENCE, "sentence-transformers", "sentence-transformers")

MINILM = (
    _FAST,
    _EXACT,
    _nearfield("Nearfield, OpenVINO bf16", "fast", "openvino", "nearfield-openvino"),
    _nearfield("Nearfield, ONNX Runtime fp32", "exact", "onnxruntime"),
    _REFERENCE,
    Peer(
        "sentence-transformers bf16",
        "sentence-transformers",
        "sentence-transformers",
        {"dtype": "bfloat16"},
    ),
    Peer(
        "sentence-transformers, ONNX",
        "sentence-transformers",
        _ONNX,
        {"backend": "onnx"},
        ("onnx", _ONNX),
    ),
    Peer(
        "sentence-transformers, OpenVINO",
        "sentence-transformers",
        _OPENVINO,
        {"backend": "openvino"},
        ("openvino", _OPENVINO),
    ),
    Peer("fastembed", "fastembed", "fastembed", {"dimension": "384"}, ("onnx", _ONNX)),
    Peer("infinity-emb", "infinity-emb", "infinity-emb"),
    Peer("txtai", "txtai", "txtai"),
    Peer("light-embed", "light-embed", "light-embed", {}, ("onnx", _ONNX)),
    Peer("model2vec", "model2vec", "model2vec", {}, ("model2vec", "model2vec"), other_class=True),
)
"""The same all-MiniLM-L6-v2 for all, in the order of the tables."""

MPNET = (_FAST, _EXACT, _REFERENCE)
