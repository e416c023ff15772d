"""A server on loopback that speaks the providers' protocols and enforces their rules.

It serves the vectors of any encoder. What the official clients make of it proves that it speaks the
protocols (``test_official_clients.py``); faults are queued, one a request.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import numpy as np

from nearfield.models.card import fingerprint
from nearfield.protocols import Encoder
from nearfield.tokenization import WordTokenizer
from nearfield.types import BatchReport, FloatArray, ModelCard, Role

KEY = "sk-test-0a1b2c3d4e5f6a7b8c9d"


class Letters:
    """Counts letters: a model of 26 dimensions that needs no file."""

    tokenizer = WordTokenizer(["a"])
    card = ModelCard("letters", 26, None, fingerprint({"model": "letters"}), True)

    def __init__(self, twist: int = 0) -> None:
        self.twist = twist

    def encode(
        self, inputs: Sequence[str], *, role: Role | str = "document", observe: object = None
    ) -> FloatArray:
        rows = np.zeros((len(inputs), 26), dtype=np.float64)
        for row, text in zip(rows, inputs, strict=True):
            for place, letter in enumerate(text.lower()):
                if "a" <= letter <= "z":
                    row[(ord(letter) - 97 + self.twist) % 26] += 1 + (place % 7) / 10
            row[0] += 0.1
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        if callable(observe):
            observe(BatchReport(tuple(range(len(inputs))), len(inputs)))
        return rows.astype(np.float32)


class Wide(Letters):
    """The letters, with zeros behind: a stand-in for models of a known dimension."""

    def __init__(self, dimension: int, twist: int = 0) -> None:
        super().__init__(twist)
        self.card = replace(Letters.card, dimension=dimension)

    def encode(
        self, inputs: Sequence[str], *, role: Role | str = "document", observe: object = None
    ) -> FloatArray:
        rows = super().encode(inputs, role=role, observe=observe)
        return np.pad(rows, ((0, 0), (0, self.card.dimension - 26)))


@dataclass
class Fault:
    """What goes wrong with one request instead of, or on the way to, its answer."""

    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False
    cut_after: int | None = None
    change: Callable[[Any], Any] | None = None


@dataclass
class Seen:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: Any


class Refusal(Exception):
    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(message)


class HostedServer:
    """Use as a context manager; ``url`` + a provider's prefix is a base URL.

    Parameters
    ----------
    encoder : Encoder, optional
        Whose vectors are served.
    max_tokens, batch_texts, batch_tokens : int
        Limits that are enforced.
    key : str
        What must be shown; empty for none.
    """

    def __init__(
        self,
        encoder: Encoder | None = None,
        *,
        max_tokens: int = 8192,
        batch_texts: int = 2048,
        batch_tokens: int = 300_000,
        key: str = KEY,
    ) -> None:
        self.encoder: Any = encoder or Letters()
        self.max_tokens = max_tokens
        self.batch_texts = batch_texts
        self.batch_tokens = batch_tokens
        self.key = key
        self.faults: deque[Fault | None] = deque()
        self.seen: list[Seen] = []
        self.headers: dict[str, str] = {}
        self.answer = "A parka keeps you warm."
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._computing = threading.Lock()

    def __enter__(self) -> Self:
        hosted = self

        class Handler(_Handler):
            server_of = hosted

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(self, *details: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def texts(self) -> list[str]:
        """Every text that vectors were asked for, in order."""
        return [text for seen in list(self.seen) for text in texts_of(seen.body)]

    def count(self, texts: Sequence[str]) -> list[int]:
        return [max(1, n) for n in self.encoder.tokenizer.count(list(texts))]

    # --- the rules -------------------------------------------------------------------------

    def respond(self, path: str, headers: dict[str, str], body: Any) -> Any:
        provider, _, rest = path.lstrip("/").partition("/")
        self._authorise(provider, headers)
        route = f"{provider} /{rest}"
        if route.startswith("gemini") and route.endswith(":batchEmbedContents"):
            return self._gemini(body)
        if route.startswith("gemini") and route.endswith(":countTokens"):
            texts = [p["text"] for c in body["contents"] for p in c["parts"]]
            return {"totalTokens": sum(self.count(texts))}
        routes: dict[str, Callable[[Any], Any]] = {
            "openai /v1/embeddings": self._openai,
            "mistral /v1/embeddings": self._mistral,
            "voyage /v1/embeddings": self._voyage,
            "jina /v1/embeddings": self._jina,
            "cohere /v2/embed": self._cohere,
            "cohere /v2/rerank": lambda b: self._rerank(b, "results", "top_n"),
            "jina /v1/rerank": lambda b: self._rerank(b, "results", "top_n"),
            "voyage /v1/rerank": lambda b: self._rerank(b, "data", "top_k"),
        }
        if route not in routes:
            raise Refusal(404, f"there is no {path}")
        return routes[route](body)

    def _authorise(self, provider: str, headers: dict[str, str]) -> None:
        name = {"gemini": "x-goog-api-key"}.get(provider)
        shown = headers.get(name or "authorization", "")
        wanted = self.key if name else f"Bearer {self.key}"
        if self.key and shown != wanted:
            raise Refusal(401, f"Incorrect API key provided: {shown}")

    def _vectors(
        self, texts: Any, role: str, dimensions: int | None, *, truncate: bool = False
    ) -> tuple[FloatArray, int]:
        if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
            raise Refusal(400, "'$.input' is invalid")
        if any(not text for text in texts):
            raise Refusal(400, "'$.input' is invalid: an empty string")
        if len(texts) > self.batch_texts:
            raise Refusal(400, f"at most {self.batch_texts} inputs, got {len(texts)}")
        counts = self.count(texts)
        if not truncate and max(counts) > self.max_tokens:
            raise Refusal(
                400,
                f"This model's maximum context length is {self.max_tokens} tokens, however you "
                f"requested {max(counts)} tokens. Please reduce your prompt.",
            )
        if sum(counts) > self.batch_tokens:
            raise Refusal(400, f"Too many tokens in batch. Max is {self.batch_tokens}")
        dimension = self.encoder.card.dimension
        if dimensions is not None and not 1 <= dimensions <= dimension:
            raise Refusal(400, f"dimensions must be between 1 and {dimension}")
        with self._computing:
            rows = self.encoder.encode(texts, role=role, observe=lambda report: None)
        if dimensions is not None:
            rows = rows[:, :dimensions]
            lengths = np.linalg.norm(rows, axis=1, keepdims=True)
            rows = rows / np.where(lengths > 0, lengths, 1.0)
        return rows.astype(np.float32), sum(counts)

    def _openai(self, body: Any) -> Any:
        texts = [body["input"]] if isinstance(body.get("input"), str) else body.get("input")
        rows, tokens = self._vectors(texts, "document", body.get("dimensions"))
        return _listed(
            rows,
            body.get("model"),
            {"prompt_tokens": tokens, "total_tokens": tokens},
            body.get("encoding_format", "float") == "base64",
        )

    def _mistral(self, body: Any) -> Any:
        rows, tokens = self._vectors(body.get("input"), "document", body.get("output_dimension"))
        usage = {"prompt_tokens": tokens, "total_tokens": tokens, "completion_tokens": 0}
        return {"id": "e1", **_listed(rows, body["model"], usage, False)}

    def _voyage(self, body: Any) -> Any:
        role = body.get("input_type") or "document"
        if role not in {"query", "document"}:
            raise Refusal(400, f"input_type {role!r} is not allowed")
        texts = [body["input"]] if isinstance(body.get("input"), str) else body.get("input")
        rows, tokens = self._vectors(
            texts, role, body.get("output_dimension"), truncate=body.get("truncation", True)
        )
        base64_ = body.get("encoding_format") == "base64"
        return _listed(rows, body["model"], {"total_tokens": tokens}, base64_)

    def _jina(self, body: Any) -> Any:
        roles = {"retrieval.query": "query", "retrieval.passage": "document"}
        if body.get("task") not in roles:
            raise Refusal(422, f"task {body.get('task')!r}")
        rows, tokens = self._vectors(
            body.get("input"),
            roles[body["task"]],
            body.get("dimensions"),
            truncate=body.get("truncate", False),
        )
        encoded = body.get("embedding_type") == "base64"
        return _listed(rows, body["model"], {"total_tokens": tokens}, encoded)

    def _cohere(self, body: Any) -> Any:
        roles = {"search_query": "query", "search_document": "document"}
        if body.get("input_type") not in roles:
            raise Refusal(400, "valid input_type must be provided with the provided model")
        if len(body.get("texts", [])) > 96:
            raise Refusal(400, "invalid request: total number of texts must be at most 96")
        rows, tokens = self._vectors(
            body.get("texts"),
            roles[body["input_type"]],
            body.get("output_dimension"),
            truncate=body.get("truncate", "END") != "NONE",
        )
        return {
            "id": "e1",
            "response_type": "embeddings_by_type",
            "texts": body["texts"],
            "embeddings": {"float": rows.tolist()},
            "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": tokens}},
        }

    def _gemini(self, body: Any) -> Any:
        asked = body["requests"]
        if len(asked) > 100:
            raise Refusal(400, "at most 100 requests can be in one batch")
        texts = [part["text"] for one in asked for part in one["content"]["parts"]]
        task = {one.get("taskType") for one in asked}
        role = "query" if task == {"RETRIEVAL_QUERY"} else "document"
        dimensions = asked[0].get("outputDimensionality")
        rows, tokens = self._vectors(texts, role, dimensions, truncate=True)
        return {
            "embeddings": [{"values": row.tolist()} for row in rows],
            "usageMetadata": {"promptTokenCount": tokens},
        }

    def _rerank(self, body: Any, name: str, most: str) -> Any:
        texts = [t if isinstance(t, str) else t["text"] for t in body["documents"]]
        query, _ = self._vectors([body["query"]], "query", None)
        rows, tokens = self._vectors(texts, "document", None)
        scores = (rows @ query[0]).tolist()
        order = sorted(range(len(texts)), key=lambda at: -scores[at])[: body.get(most)]
        results = [{"index": at, "relevance_score": scores[at]} for at in order]
        return {
            "id": "r1",
            "object": "list",
            "model": body["model"],
            name: results,
            "usage": {"total_tokens": tokens},
            "meta": {"billed_units": {"search_units": 1}},
        }

    # --- conversations ---------------------------------------------------------------------

    def pieces(self) -> list[str]:
        words = self.answer.split(" ")
        return [word if at == 0 else f" {word}" for at, word in enumerate(words)]

    def chat_events(self, body: Any) -> Iterator[str]:
        """OpenAI's stream of a chat completion."""
        usage = {"prompt_tokens": 17, "completion_tokens": len(self.pieces())}
        base = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
        for at, piece in enumerate(self.pieces()):
            delta = {"content": piece} | ({"role": "assistant"} if at == 0 else {})
            yield _event({**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        yield _event({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        if body.get("stream_options", {}).get("include_usage"):
            total = {**usage, "total_tokens": sum(usage.values())}
            yield _event({**base, "choices": [], "usage": total})
        yield "data: [DONE]\n\n"

    def message_events(self, body: Any) -> Iterator[str]:
        """Anthropic's stream of a message."""
        start = {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 17, "output_tokens": 1},
        }
        yield _event({"type": "message_start", "message": start}, "message_start")
        block = {"type": "text", "text": ""}
        yield _event(
            {"type": "content_block_start", "index": 0, "content_block": block},
            "content_block_start",
        )
        yield _event({"type": "ping"}, "ping")
        for piece in self.pieces():
            delta = {"type": "text_delta", "text": piece}
            yield _event(
                {"type": "content_block_delta", "index": 0, "delta": delta}, "content_block_delta"
            )
        yield _event({"type": "content_block_stop", "index": 0}, "content_block_stop")
        end = {"stop_reason": "end_turn", "stop_sequence": None}
        usage = {"output_tokens": len(self.pieces())}
        yield _event({"type": "message_delta", "delta": end, "usage": usage}, "message_delta")
        yield _event({"type": "message_stop"}, "message_stop")

    def stream_of(self, path: str, headers: dict[str, str], body: Any) -> Iterator[str] | None:
        provider = path.lstrip("/").partition("/")[0]
        if path.endswith("/chat/completions"):
            self._authorise(provider, headers)
            if not body.get("messages"):
                raise Refusal(400, "messages is empty")
            return self.chat_events(body)
        if path.endswith("/v1/messages"):
            self._authorise(provider, headers)
            if "anthropic-version" not in headers or "max_tokens" not in body:
                raise Refusal(400, "anthropic-version and max_tokens are required")
            if any(m["role"] == "system" for m in body["messages"]):
                raise Refusal(400, "messages: role 'system' is not allowed")
            return self.message_events(body)
        return None

    def entered(self) -> None:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)

    def left(self) -> None:
        with self._lock:
            self._at_once -= 1

    def next_fault(self, seen: Seen) -> Fault | None:
        with self._lock:
            self.seen.append(seen)
            return self.faults.popleft() if self.faults else None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of: HostedServer

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        hosted = self.server_of
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        hosted.entered()
        try:
            self._answer(hosted, headers, json.loads(raw))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            hosted.left()

    def _answer(self, hosted: HostedServer, headers: dict[str, str], body: Any) -> None:
        fault = hosted.next_fault(Seen(self.path, headers, body)) or Fault()
        if fault.delay:
            time.sleep(fault.delay)
        if fault.drop:
            self.close_connection = True
            self.connection.close()
            return
        if fault.body is not None or fault.status != 200:
            self._send(fault.status, fault.body or b'{"error":{"message":"no"}}', fault)
            return
        try:
            events = hosted.stream_of(self.path, headers, body)
            if events is not None:
                self._stream(events, fault)
                return
            answer = hosted.respond(self.path, headers, body)
        except Refusal as refusal:
            message = {"error": {"message": refusal.message, "type": "invalid_request_error"}}
            self._send(refusal.status, json.dumps(message).encode(), fault)
            return
        if fault.change is not None:
            answer = fault.change(answer)
        self._send(200, json.dumps(answer).encode(), fault)

    def _send(self, status: int, body: bytes, fault: Fault) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        for name, value in {**self.server_of.headers, **fault.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if fault.cut_after is not None:
            self.wfile.write(body[: fault.cut_after])
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()
            return
        self.wfile.write(body)

    def _stream(self, events: Iterator[str], fault: Fault) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for number, event in enumerate(events):
            if fault.cut_after is not None and number >= fault.cut_after:
                self.close_connection = True
                self.connection.close()
                return
            data = event.encode()
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")


def _event(value: Any, name: str = "") -> str:
    return (f"event: {name}\n" if name else "") + f"data: {json.dumps(value)}\n\n"


def _listed(rows: FloatArray, model: Any, usage: dict[str, int], encoded: bool) -> Any:
    def shown(row: FloatArray) -> Any:
        return base64.b64encode(row.astype("<f4").tobytes()).decode() if encoded else row.tolist()

    data = [
        {"object": "embedding", "index": at, "embedding": shown(row)} for at, row in enumerate(rows)
    ]
    return {"object": "list", "data": data, "model": model, "usage": usage}


def texts_of(body: Any) -> list[str]:
    """Texts of a request for vectors, whatever the provider's shape."""
    if not isinstance(body, dict):
        return []
    for name in ("input", "texts"):
        if name in body:
            found = body[name]
            return [found] if isinstance(found, str) else list(found)
    if "requests" in body:
        return [p["text"] for one in body["requests"] for p in one["content"]["parts"]]
    return []
