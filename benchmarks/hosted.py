"""What the way to a hosted model costs on this machine, beside OpenAI's own client.

A server on loopback answers each request after a fixed wait, as a provider would, with vectors of
1,536 dimensions in base64. So the figures are of the client's work: JSON, base64, checks, threads.
Both clients send the same texts; OpenAI's sends one batch after the other, as its users do.
"""

from __future__ import annotations

import base64
import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec

import numpy as np

from benchmarks.harness import Check, Context, Json, Outcome, at_least, at_most, interleave, summary

__all__ = ["run"]

_DIMENSION = 1536
_BATCH = 64
_TEXTS = _BATCH * 24
_WAIT = 0.1
"""Seconds that the server waits; a fast answer of a provider."""


def run(context: Context) -> Outcome:
    """Encode some texts, then single questions, with both clients in turns."""
    texts = [f"passage {number} about cold weather gear" for number in range(_TEXTS)]
    with _server() as url:
        ours, theirs = _nearfield(url), _openai(url)
        jobs: dict[str, Callable[[], float]] = {"nearfield": lambda: _timed(ours, texts)}
        single = {"nearfield": lambda: _timed(ours, texts[:1])}
        if theirs is not None:
            client = theirs
            jobs["openai"] = lambda: _timed(client, texts)
            single["openai"] = lambda: _timed(client, texts[:1])
        whole = interleave(context.repeat, jobs)
        question = interleave(context.repeat * 5, single)
    medians = {name: statistics.median(runs) for name, runs in whole.items()}
    overhead = statistics.median(question["nearfield"]) - _WAIT
    figures: dict[str, Json] = {
        "texts": _TEXTS,
        "texts a request": _BATCH,
        "server waits, s": _WAIT,
        "job, s": {name: summary(runs) for name, runs in whole.items()},
        "question, s": {name: summary(runs) for name, runs in question.items()},
    }
    checks: list[Check] = [at_most("a question, beside the server's wait", overhead, 0.03, "s")]
    if "openai" in medians:
        gain = medians["openai"] / medians["nearfield"]
        checks.append(at_least("a job, times as fast as one batch after the other", gain, 2.0))
    return Outcome(tuple(checks), figures, {})


def _timed(encode: Callable[[list[str]], int], texts: list[str]) -> float:
    begun = time.perf_counter()
    if encode(texts) != len(texts):
        raise AssertionError("a client lost texts")
    return time.perf_counter() - begun


def _nearfield(url: str) -> Callable[[list[str]], int]:
    from nearfield.models import remote

    encoder = remote.load(f"openai:text-embedding-ada-002@{url}")
    return lambda texts: len(encoder.encode(texts))


def _openai(url: str) -> Callable[[list[str]], int] | None:
    if find_spec("openai") is None:
        return None
    import openai

    client = openai.OpenAI(base_url=url, api_key="none")

    def encode(texts: list[str]) -> int:
        rows: list[list[float]] = []
        for start in range(0, len(texts), _BATCH):
            part = texts[start : start + _BATCH]
            answer = client.embeddings.create(model="text-embedding-ada-002", input=part)
            rows += [item.embedding for item in answer.data]
        return len(rows)

    return encode


@contextmanager
def _server() -> Iterator[str]:
    """A process of its own, so that it takes no time from the clients' threads."""
    context = multiprocessing.get_context("spawn")
    ports = context.Queue()
    process = context.Process(target=_serve, args=(ports,), daemon=True)
    process.start()
    before = os.environ.pop("OPENAI_BASE_URL", None)
    try:
        yield f"http://127.0.0.1:{ports.get(timeout=60)}/v1"
    finally:
        if before is not None:
            os.environ["OPENAI_BASE_URL"] = before
        process.terminate()
        process.join()


def _serve(ports: multiprocessing.Queue[int]) -> None:
    row = np.random.default_rng(0).standard_normal(_DIMENSION).astype("<f4")
    value = base64.b64encode(row.tobytes()).decode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            data = [
                {"object": "embedding", "index": at, "embedding": value}
                for at in range(len(asked["input"]))
            ]
            usage = {"prompt_tokens": 1, "total_tokens": 1}
            body = json.dumps({"object": "list", "data": data, "model": "m", "usage": usage})
            time.sleep(_WAIT)
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    ports.put(server.server_address[1])
    server.serve_forever()
