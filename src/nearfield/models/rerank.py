"""Cross-encoders: a question and a passage read together, one score each.

A cross-encoder sees both texts at once, so it orders better than two vectors can, and it must read
every pair anew, so it is used on the best few dozen candidates only (Nogueira and Cho 2019).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nearfield.cores import usable_cores
from nearfield.errors import InputError, TruncationWarning, UnsupportedModel
from nearfield.models import resolve
from nearfield.models.remote.naming import is_remote
from nearfield.models.transformer import onnx_files
from nearfield.models.transformer.files import read_object
from nearfield.models.transformer.runtimes.onnxruntime import open_session
from nearfield.protocols import Reranker
from nearfield.tokenization import SubwordTokenizer
from nearfield.tokenization import load as load_tokenizer
from nearfield.tokenization.cut import Pair
from nearfield.types import FloatArray

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["DEFAULT_RERANKER", "CrossEncoder", "load"]

DEFAULT_RERANKER = "ms-marco-MiniLM-L-12-v2"
_MOST_TOKENS = 512
_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})


class CrossEncoder:
    """Scores question–passage pairs with an ONNX file that gives one logit a pair.

    Each pair is computed alone, so its company cannot change its score; pairs run side by side on
    the machine's cores. Safe to use from several threads.

    Parameters
    ----------
    name : str
    tokenizer : SubwordTokenizer
    session : onnxruntime.InferenceSession
    max_tokens : int
        Longest pair, special tokens included; longer passages lose their tails, with a warning.
    """

    def __init__(
        self,
        name: str,
        tokenizer: SubwordTokenizer,
        session: onnxruntime.InferenceSession,
        max_tokens: int,
    ) -> None:
        self._name = name
        self._tokenizer = tokenizer
        self._session = session
        self._inputs = [entry.name for entry in session.get_inputs()]
        self.max_tokens = max_tokens
        self._pool = ThreadPoolExecutor(usable_cores(), thread_name_prefix="rerank")

    def __repr__(self) -> str:
        return f"CrossEncoder({self._name!r}, at most {self.max_tokens} tokens)"

    @property
    def name(self) -> str:
        return self._name

    def score(self, query: str, texts: Sequence[str]) -> FloatArray:
        """Relevance of each text as the model's logit: any number, higher is better.

        Raises
        ------
        InputError
            The query is blank, or so long that no token of a text fits beside it.
        """
        if not query.strip():
            raise InputError("the query is blank: ask something")
        pairs, truncated = self._tokenizer.prepare_pairs(query, texts, max_tokens=self.max_tokens)
        if truncated:
            warnings.warn(
                f"{len(truncated):,} of {len(pairs):,} passages were longer than the reranker's "
                f"{self.max_tokens} tokens and were judged by their beginnings",
                TruncationWarning,
                stacklevel=2,
            )
        scores = list(self._pool.map(self._one, pairs))
        return np.array(scores, dtype=np.float32)

    def _one(self, pair: Pair) -> float:
        values = {
            "input_ids": pair.ids[None, :],
            "attention_mask": np.ones((1, len(pair.ids)), dtype=np.int64),
            "token_type_ids": pair.types[None, :],
        }
        (logits,) = self._session.run(None, {name: values[name] for name in self._inputs})
        return float(logits[0, 0])


def load(name: str | Path = DEFAULT_RERANKER) -> Reranker:
    """Find a reranker by name or folder and open it.

    Parameters
    ----------
    name : str or Path
        Of the catalog (``nearfield models``), or a folder with ``model.onnx`` and
        ``tokenizer.json``; or a hosted one, such as ``cohere:rerank-v3.5``.

    Raises
    ------
    ModelNotInstalled, UnknownName, HashMismatch
        As :func:`nearfield.models.resolve.load`.
    UnsupportedModel
        The file does not give one number for each pair.
    KeyMissing, MissingExtra
        A hosted one has no key, or there is no HTTP library.
    """
    if isinstance(name, str) and is_remote(name) and not Path(name).exists():
        from nearfield.models.remote import reranker

        return reranker.load(name)
    location = resolve.locate(name)
    resolve.check(location)
    file = onnx_files.find(location.path)
    if file is None:
        raise UnsupportedModel(
            f"{location.path} has no ONNX file: a reranker is a folder with model.onnx and "
            "tokenizer.json"
        )
    # One thread each: pairs, not matrix products, are what runs side by side.
    session = open_session(file, threads=1)
    _require_pairs(session, file)
    return CrossEncoder(
        location.name, load_tokenizer(location.path), session, _limit(location.path)
    )


def _require_pairs(session: onnxruntime.InferenceSession, file: Path) -> None:
    taken = {entry.name for entry in session.get_inputs()}
    given = session.get_outputs()
    if not {"input_ids", "attention_mask"} <= taken <= _INPUTS:
        raise UnsupportedModel(f"{file} takes {', '.join(sorted(taken))}: no cross-encoder does")
    if len(given) != 1 or len(given[0].shape) != 2 or given[0].shape[1] != 1:
        raise UnsupportedModel(
            f"{file} gives {', '.join(f'{o.name} {o.shape}' for o in given)}; a reranker gives one "
            "number for each pair"
        )


def _limit(folder: Path) -> int:
    stated = onnx_files.position_limit(folder)
    if stated is not None:
        return stated
    config = read_object(folder / "tokenizer_config.json", optional=True)
    longest = config.get("model_max_length")
    # Tokenizers without a limit state an astronomical one.
    return longest if isinstance(longest, int) and 0 < longest < 1_000_000 else _MOST_TOKENS
