"""Language models on this machine: GGUF files run by llama.cpp, through the package xllamacpp.

The engine keeps the keys and values of the last prompt. The next prompt that begins alike, as all
prompts of one kind do, is only read from where it differs, so the fixed part is paid for once.
Temperature is 0: the same prompt gives the same answer on the same machine.

The engine answers on a port of the loopback device as well, which is how texts are tokenised here;
it asks for a key that is drawn for each process. Its threads wait for each other at every layer by
spinning, so one that must share its core holds up all the others: cores that are busy when the
model is opened are left alone. ``NEARFIELD_GENERATOR_THREADS`` sets another number.
"""

from __future__ import annotations

import json
import os
import queue
import secrets
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from nearfield.cores import idle_cores
from nearfield.errors import InputError, MissingExtra, ModelError, ModelNotInstalled
from nearfield.models import resolve
from nearfield.models.catalog import get
from nearfield.models.hashes import file_sha256
from nearfield.rag.generators.copies import quick_copy
from nearfield.types import Message, Piece, Usage

__all__ = ["CONTEXT_TOKENS", "LlamaGenerator", "load"]

CONTEXT_TOKENS = 4096
"""Tokens of prompt and answer that are kept; twice as many would take 94 MB more (SmolLM2-135M)."""

_PROMPT_CACHE_MIB = 64
_MOST_THREADS = 8
_QUIET = -1


class LlamaGenerator:
    """One model, opened once; answers are written one at a time.

    Parameters
    ----------
    path : Path
        A GGUF file that holds a chat template.
    name : str, optional
        As results call it; by default the file's.
    context_tokens : int
        Tokens of prompt and answer together.
    threads : int, optional
    """

    def __init__(
        self,
        path: Path,
        name: str = "",
        context_tokens: int = CONTEXT_TOKENS,
        threads: int | None = None,
    ) -> None:
        self._name = name or path.stem
        self._context = context_tokens
        self._path = path
        self._lock = threading.Lock()
        self._key = secrets.token_hex(16)
        self._server = _opened(path, context_tokens, threads or _threads(), self._key)
        self._counted = lru_cache(maxsize=512)(self._tokens)

    def __repr__(self) -> str:
        return f"LlamaGenerator({self._name!r}, {self._context} tokens)"

    @property
    def name(self) -> str:
        return self._name

    @property
    def fingerprint(self) -> str:
        """Name and hash of the file: other weights under its name write other texts."""
        return f"{self._name}@{file_sha256(self._path)}"

    @property
    def context_tokens(self) -> int | None:
        return self._context

    def count(self, text: str) -> int:
        return self._counted(text)

    def stream(
        self, messages: Sequence[Message], *, max_tokens: int = 512, stop: Sequence[str] = ()
    ) -> Iterator[Piece]:
        """Write an answer piece by piece; closing the iterator stops the model.

        Raises
        ------
        InputError
            Prompt and answer have more tokens than the context.
        ModelError
            The engine failed.
        """
        asked = {
            "messages": [{"role": m.speaker.value, "content": m.text} for m in messages],
            "max_tokens": max_tokens,
            "stop": list(stop),
            "temperature": 0,
            "cache_prompt": True,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        with self._lock:
            yield from self._pieces(asked, max_tokens)

    def _pieces(self, asked: Mapping[str, Any], max_tokens: int) -> Iterator[Piece]:
        said: queue.SimpleQueue[Any] = queue.SimpleQueue()
        ended = threading.Event()

        def heard(part: Any) -> bool:  # noqa: ANN401  whatever the engine gives
            said.put(part)
            return ended.is_set()  # True stops the engine

        def run() -> None:
            try:
                said.put(self._server.handle_chat_completions(dict(asked), heard))
            except Exception as error:
                said.put(error)
            said.put(_END)

        worker = threading.Thread(target=run, name="generate", daemon=True)
        worker.start()
        usage = Usage(0)
        try:
            while (part := said.get()) is not _END:
                for event in part if isinstance(part, list) else [part]:
                    if isinstance(event, Exception):
                        raise ModelError(f"{self._name} failed: {event}") from event
                    if isinstance(event, Mapping):
                        self._raise_refusal(event, max_tokens)
                        usage = _usage(event) or usage
                        if text := _text(event):
                            yield Piece(text)
        finally:
            ended.set()
            worker.join()
        yield Piece("", usage)

    def _raise_refusal(self, event: Mapping[str, Any], max_tokens: int) -> None:
        error = event.get("error")
        if not isinstance(error, Mapping):
            return
        if error.get("type") == "exceed_context_size_error":
            raise InputError(
                f"the prompt has {error.get('n_prompt_tokens')} tokens and {self._name} is opened "
                f"with {self._context}, {max_tokens} of them for the answer: ask with fewer "
                "passages or fewer context tokens"
            )
        raise ModelError(f"{self._name} failed: {error.get('message')}")

    def _tokens(self, text: str) -> int:
        request = urllib.request.Request(
            f"{self._server.listening_address}/tokenize",
            json.dumps({"content": text}).encode(),
            {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"},
        )
        try:
            # The engine's own address on the loopback device; proxies are not asked.
            with _DIRECT.open(request, timeout=30) as answer:
                return len(json.load(answer)["tokens"])
        except urllib.error.URLError as error:
            raise ModelError(f"{self._name} does not count tokens: {error.reason}") from error


_END = object()
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def load(name: str | Path) -> LlamaGenerator:
    """Open a model of the catalog, or a GGUF file.

    Of a model of the catalog with 4-bit weights a copy with 8-bit ones is opened, which the first
    use makes (:func:`nearfield.rag.generators.copies.quick_copy`). Other files are opened as they
    are.

    Raises
    ------
    MissingExtra
        xllamacpp is not installed.
    ModelNotInstalled, UnknownName, HashMismatch
        The files are not here, or are not the ones that were pinned.
    """
    entry = get(str(name))
    if entry is None:
        path = Path(name).expanduser()
        if not path.is_file():
            raise ModelNotInstalled(f"there is no model at {path}: check the path")
        return LlamaGenerator(path)
    location = resolve.locate(entry.name)
    resolve.check(location)
    limit = min(CONTEXT_TOKENS, entry.max_tokens or CONTEXT_TOKENS)
    return LlamaGenerator(quick_copy(location.path / entry.weights), entry.name, limit)


def _opened(path: Path, context: int, threads: int, key: str) -> Any:  # noqa: ANN401  untyped package
    try:
        import xllamacpp
    except ImportError as error:
        raise MissingExtra(f"running {path.name}", "rag") from error
    options = xllamacpp.CommonParams()
    options.model.path = str(path)
    options.n_ctx = context
    options.n_parallel = 1
    options.cache_ram_mib = _PROMPT_CACHE_MIB
    options.verbosity = _QUIET
    options.warmup = False
    options.api_keys = [key]
    options.ui = False
    options.endpoint_slots = False
    for group in (options.cpuparams, options.cpuparams_batch):
        group.n_threads = threads
        group.poll = 0
    try:
        return xllamacpp.Server(options)
    except Exception as error:  # the package raises whatever C++ threw
        raise ModelError(f"{path} cannot be opened as a language model: {error}") from error


def _threads() -> int:
    asked = os.environ.get("NEARFIELD_GENERATOR_THREADS", "")
    if asked:
        if not asked.isdecimal() or int(asked) < 1:
            raise InputError(f"NEARFIELD_GENERATOR_THREADS is {asked!r}: expected 1 or more")
        return int(asked)
    return min(_MOST_THREADS, idle_cores())


def _text(event: Mapping[str, Any]) -> str:
    choices = event.get("choices") or [{}]
    return str((choices[0].get("delta") or {}).get("content") or "")


def _usage(event: Mapping[str, Any]) -> Usage | None:
    used = event.get("usage")
    if not used:
        return None
    return Usage(int(used["prompt_tokens"]), int(used["completion_tokens"]))
