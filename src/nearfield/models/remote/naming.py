"""Names of hosted models: which provider, which model, which server.

::

    PROVIDER:MODEL                          openai:text-embedding-3-small
    PROVIDER:MODEL@DIMENSIONS               openai:text-embedding-3-large@1024
    openai:MODEL@URL                        openai:nomic-embed-text@http://127.0.0.1:11434/v1
    openai:MODEL@URL#SETTING=VALUE,...      openai:my-model@https://gpu.example/v1#max_tokens=512

A URL names a server that speaks OpenAI's protocol, up to and with its version part. Settings say
what such a server does not: ``max_tokens``, the longest text, and ``price``, US dollars for a
million tokens. They stand behind ``#`` because no HTTP client sends that part of a URL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from nearfield.errors import InputError

__all__ = ["PROVIDERS", "RemoteName", "is_loopback", "is_remote", "parse"]

PROVIDERS = ("openai", "cohere", "voyage", "jina", "mistral", "gemini", "anthropic")
"""What may stand before the colon."""

_NAME = re.compile(
    r"(?P<provider>[a-z]+):(?P<model>[^\s#]+?)"
    r"(?:@(?P<dimensions>[1-9][0-9]{0,4}))?"
    r"(?:@(?P<url>https?://[^\s#]+))?"
    r"(?:#(?P<settings>[^\s#]+))?"
)
_SETTINGS = ("max_tokens", "price")


@dataclass(frozen=True, slots=True)
class RemoteName:
    """A name, taken apart.

    Attributes
    ----------
    provider, model : str
    dimensions : int or None
        Length of vectors that the name asks for.
    url : str
        Base URL of a server of your own, without a slash at its end; empty for the provider's.
    max_tokens : int or None
        Longest text, where the name states it.
    price : float or None
        US dollars for a million input tokens, where the name states it.
    """

    provider: str
    model: str
    dimensions: int | None = None
    url: str = ""
    max_tokens: int | None = None
    price: float | None = None

    @property
    def short(self) -> str:
        """Provider and model alone."""
        return f"{self.provider}:{self.model}"


def is_remote(name: str) -> bool:
    """Whether a name starts with a provider.

    Examples
    --------
    >>> is_remote("openai:text-embedding-3-small"), is_remote("all-MiniLM-L6-v2")
    (True, False)
    >>> is_remote("C:/models/openai"), is_remote("hf:org/name")
    (False, False)
    """
    return name.partition(":")[0] in PROVIDERS and ":" in name


def parse(name: str) -> RemoteName:
    """Take a name apart.

    Raises
    ------
    InputError
        It is not of the form above, or the URL holds a user, a password or a query.

    Examples
    --------
    >>> parse("openai:text-embedding-3-large@256").dimensions
    256
    >>> found = parse("openai:nomic-embed-text:v1.5@http://127.0.0.1:11434/v1#max_tokens=2048")
    >>> found.model, found.url, found.max_tokens
    ('nomic-embed-text:v1.5', 'http://127.0.0.1:11434/v1', 2048)
    """
    match = _NAME.fullmatch(name)
    if match is None or match["provider"] not in PROVIDERS or "://" in match["model"]:
        raise InputError(
            f"{_without_secrets(name)!r} is no name of a hosted model: write PROVIDER:MODEL, "
            f"PROVIDER:MODEL@DIMENSIONS or openai:MODEL@URL, with one of {', '.join(PROVIDERS)}"
        )
    dimensions = match["dimensions"]
    url = _url(match["url"], match["provider"]) if match["url"] else ""
    settings = _settings(match["settings"] or "")
    limit = settings.get("max_tokens")
    return RemoteName(
        match["provider"],
        match["model"],
        int(dimensions) if dimensions else None,
        url,
        int(limit) if limit is not None else None,
        settings.get("price"),
    )


def _url(url: str, provider: str) -> str:
    if provider != "openai":
        raise InputError(
            f"a URL after {provider}: is not understood; servers of your own speak OpenAI's "
            "protocol, so write openai:MODEL@URL"
        )
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query:
        raise InputError(
            "the server's URL holds a user, a password or a query: leave them out (a key comes "
            "from the environment variable NEARFIELD_REMOTE_KEY)"
        )
    if not parts.hostname:
        raise InputError(f"{url!r} names no server: write http://HOST:PORT/v1")
    return url.rstrip("/")


def _settings(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        whole = name == "max_tokens"
        usable = re.fullmatch(r"[1-9][0-9]*" if whole else r"[0-9]+(\.[0-9]+)?", value)
        if name not in _SETTINGS or not usable:
            raise InputError(
                f"setting {part!r} of a hosted model is not understood: there are "
                "#max_tokens=NUMBER and #price=DOLLARS for a million tokens"
            )
        found[name] = float(value)
    return found


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine.

    Examples
    --------
    >>> is_loopback("http://127.0.0.1:8000/v1"), is_loopback("http://127.0.0.1.example/v1")
    (True, False)
    """
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or bool(re.fullmatch(r"127(\.[0-9]{1,3}){3}", host))


def _without_secrets(name: str) -> str:
    """A name for a message, without what may stand before an @ or behind a ? of its URL."""
    return re.sub(r"\?.*", "?…", re.sub(r"//[^/\s]*@", "//…@", name))
