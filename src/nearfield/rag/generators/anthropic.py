"""Anthropic's messages API.

https://docs.claude.com/en/api/messages-streaming
"""

from __future__ import annotations

from collections.abc import Sequence

from nearfield.models.remote.api import tokens_of
from nearfield.models.remote.http import Endpoint, Event, Json
from nearfield.models.remote.secrets import Secret
from nearfield.rag.generators.hosted import Heard, HostedGenerator, open_hosted
from nearfield.types import Message, Speaker

__all__ = ["Messages", "load"]

_VERSION = "2023-06-01"


class Messages:
    """``POST /v1/messages`` as a stream; what the system says stands beside the messages."""

    key_variables: tuple[str, ...] = ("ANTHROPIC_API_KEY",)
    path = "/v1/messages"

    def endpoint(self, secret: Secret | None, base_url: str) -> Endpoint:
        return Endpoint(
            base_url or "https://api.anthropic.com",
            secret,
            extra={"anthropic-version": _VERSION},
            title="Anthropic",
        )

    def body(
        self,
        messages: Sequence[Message],
        model: str,
        *,
        max_tokens: int,
        stop: Sequence[str],
        official: bool,
    ) -> Json:
        system = [m.text for m in messages if m.speaker is Speaker.SYSTEM]
        turns = [m for m in messages if m.speaker is not Speaker.SYSTEM]
        body: Json = {
            "model": model,
            "messages": [{"role": m.speaker.value, "content": m.text} for m in turns],
            "max_tokens": max_tokens,
            "stream": True,
        }
        if system:
            body["system"] = "\n\n".join(system)
        # The API refuses stop sequences of white space alone.
        if words := [word for word in stop if word.strip()]:
            body["stop_sequences"] = words
        return body

    def hear(self, event: Event, data: Json) -> Heard:
        kind = data.get("type")
        if kind == "message_start":
            usage = ("message", "usage")
            return Heard(
                "",
                tokens_of(data, *usage, "input_tokens"),
                tokens_of(data, *usage, "output_tokens"),
            )
        if kind == "content_block_delta":
            delta = data.get("delta")
            text = delta.get("text") if isinstance(delta, dict) else None
            return Heard(text if isinstance(text, str) else "")
        if kind == "message_delta":
            return Heard("", None, tokens_of(data, "usage", "output_tokens"))
        return Heard(done=kind == "message_stop")


def load(model: str) -> HostedGenerator:
    """Open a model of Anthropic, such as ``claude-haiku-4-5``. Nothing is sent."""
    return open_hosted(f"anthropic:{model}", Messages())
