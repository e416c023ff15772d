"""From a name to a connection: which server, which key, and one client for all that use both."""

from __future__ import annotations

import atexit
import hashlib
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from nearfield.errors import InputError, KeyMissing
from nearfield.models.remote.http import Endpoint, HttpClient, Timeouts
from nearfield.models.remote.naming import RemoteName, is_loopback, parse
from nearfield.models.remote.secrets import Secret, key_from

__all__ = ["OWN_KEY_VARIABLE", "TRUSTED_VARIABLE", "Server", "connect", "require_trust", "server"]

OWN_KEY_VARIABLE = "NEARFIELD_REMOTE_KEY"
"""Environment variable with the key for servers that a name's URL leads to."""

TRUSTED_VARIABLE = "NEARFIELD_TRUSTED_HOSTS"
"""Environment variable with hosts, set apart by commas, that collections may name by themselves."""

_URL_VARIABLES = {"openai": "OPENAI_BASE_URL", "anthropic": "ANTHROPIC_BASE_URL"}
_CLIENTS: dict[tuple[int, str, str], HttpClient] = {}
_LOCK = threading.Lock()


@atexit.register
def _close_all() -> None:
    """Leave no connection open behind the process."""
    for (process, *_), client in _CLIENTS.items():
        if process == os.getpid():
            client.close()


@dataclass(frozen=True, slots=True)
class Server:
    """Where requests go.

    Attributes
    ----------
    url : str
        Empty for the provider's own.
    secret : Secret or None
    """

    url: str
    secret: Secret | None

    @property
    def official(self) -> bool:
        """Whether it is the provider's own."""
        return not self.url


def server(name: RemoteName, key_variables: Sequence[str]) -> Server:
    """Decide where a model's requests go and which key goes with them.

    The provider's key goes to the provider, or to the server that the environment names in its
    place (``OPENAI_BASE_URL``, ``NEARFIELD_COHERE_URL`` …). A URL in a model's name never gets it:
    such a server gets ``NEARFIELD_REMOTE_KEY``, or no key.

    Raises
    ------
    KeyMissing
        The provider's own server needs a key, and there is none.
    InputError
        The environment names something that is no URL.
    """
    if name.url:
        return Server(name.url, _optional([OWN_KEY_VARIABLE], name))
    variable = _URL_VARIABLES.get(name.provider, f"NEARFIELD_{name.provider.upper()}_URL")
    url = os.environ.get(variable, "").strip().rstrip("/")
    if not url:
        return Server("", key_from(key_variables, what=name.short))
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise InputError(f"{variable} is no plain http or https URL: set it anew")
    if is_loopback(url):
        return Server(url, _optional(key_variables, name))
    return Server(url, key_from(key_variables, what=name.short))


def _optional(variables: Sequence[str], name: RemoteName) -> Secret | None:
    if not any(os.environ.get(variable, "").strip() for variable in variables):
        return None
    try:
        return key_from(variables, what=name.short)
    except KeyMissing as error:
        raise InputError(str(error)) from None


def connect(endpoint: Endpoint, timeouts: Timeouts | None = None) -> HttpClient:
    """The process's client of a server; all models there share connections and pace."""
    secret = endpoint.secret.reveal() if endpoint.secret else ""
    mark = hashlib.sha256(f"{secret} {timeouts}".encode()).hexdigest()
    known = (os.getpid(), endpoint.base_url, mark)
    with _LOCK:
        if known not in _CLIENTS:
            _CLIENTS[known] = HttpClient(endpoint, timeouts=timeouts)
        return _CLIENTS[known]


def require_trust(name: str) -> None:
    """Refuse a server that only a collection names: it could have come from anywhere.

    Raises
    ------
    InputError
        The name leads to a host that is neither this machine nor listed.
    """
    url = parse(name).url
    if not url or is_loopback(url):
        return
    host = (urlsplit(url).hostname or "").lower()
    listed = {part.strip().lower() for part in os.environ.get(TRUSTED_VARIABLE, "").split(",")}
    if host not in listed:
        raise InputError(
            f"the collection's model lies at {host}, and texts would be sent there: name the model "
            f"yourself (--model, encoder=), or add the host to {TRUSTED_VARIABLE}. Nothing was sent"
        )
