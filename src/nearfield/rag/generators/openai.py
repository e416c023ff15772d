"""OpenAI's chat completions, which vLLM, Ollama, LM Studio and llama.cpp's server speak as well.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from collections.abc import Sequence

from nearfield.models.remote.api import tokens_of
from nearfield.models.remote.http import Endpoint, Event, Json
from nearfield.models.remote.providers.openai import OpenAIEmbeddings
from nearfield.models.remote.secrets import Secret
from nearfield.rag.generators.hosted import Heard, HostedGenerator, open_hosted
from nearfield.types import Message

__all__ = ["ChatCompletions", "load"]

_REASONING = ("o1", "o3", "o4", "gpt-5", "gpt-6")
"""Beginnings of the names of models that refuse ``stop`` and ``temperature``."""

_MOST_STOPS = 4


class ChatCompletions:
    """``POST /chat/completions`` as a stream; temperature 0 where the model takes one."""

    key_variables: tuple[str, ...] = ("OPENAI_API_KEY",)
    path = "/chat/completions"

    def endpoint(self, secret: Secret | None, base_url: str) -> Endpoint:
        return OpenAIEmbeddings().endpoint(secret, base_url)

    def body(
        self,
        messages: Sequence[Message],
        model: str,
        *,
        max_tokens: int,
        stop: Sequence[str],
        official: bool,
    ) -> Json:
        body: Json = {
            "model": model,
            "messages": [{"role": m.speaker.value, "content": m.text} for m in messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            # Servers of other makers know the older name only.
            "max_completion_tokens" if official else "max_tokens": max_tokens,
        }
        if not (official and model.startswith(_REASONING)):
            body["temperature"] = 0
            if stop:
                body["stop"] = list(stop)[:_MOST_STOPS]
        return body

    def hear(self, event: Event, data: Json) -> Heard:
        choices = data.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        delta = first.get("delta") if isinstance(first, dict) else None
        text = delta.get("content") if isinstance(delta, dict) else None
        return Heard(
            text if isinstance(text, str) else "",
            tokens_of(data, "usage", "prompt_tokens"),
            tokens_of(data, "usage", "completion_tokens"),
        )


def load(model: str) -> HostedGenerator:
    """Open a model of OpenAI or of a server that speaks its protocol. Nothing is sent.

    Parameters
    ----------
    model : str
        ``gpt-4o-mini``, or ``MODEL@URL`` for a server of your own
        (:mod:`nearfield.models.remote.naming`).
    """
    return open_hosted(f"openai:{model}", ChatCompletions())
