"""The server: tools and resources registered, and the two transports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import MCPServer, ResourceSecurity
from mcp.types import ToolAnnotations

from nearfield.collection import Collection
from nearfield.errors import InputError
from nearfield.integrations.mcp.results import NOTICE, Limits
from nearfield.integrations.mcp.tools import Toolbox

__all__ = ["build_server", "names_of", "serve", "tools_of"]

_INSTRUCTIONS = (
    "Search the user's own documents. `search` finds passages, `ask` answers from them, `similar` "
    "finds more like some, `stats` says what there is and which fields filters know. " + NOTICE
)
_TEMPLATE = "nearfield://{collection}/{id}"
_LOOPBACK = "127.0.0.1"


def build_server(
    collections: Mapping[str, Collection],
    *,
    limits: Limits | None = None,
    generator: str | None = None,
) -> MCPServer:
    """A server over open collections.

    Parameters
    ----------
    collections : mapping of str to Collection
        By the names under which assistants know them; at least one.
    limits : Limits, optional
    generator : str, optional
        What writes the answers of the tool ``ask``; by default a local one.

    Raises
    ------
    InputError
        There is no collection.
    """
    if not collections:
        raise InputError("there is no collection to serve: name one")
    toolbox = Toolbox(collections, limits or Limits(), generator)
    server = MCPServer(
        "nearfield",
        title="Nearfield",
        instructions=_INSTRUCTIONS,
        version=version("nearfield"),
        log_level="WARNING",
    )
    for tool, title in _tools(toolbox):
        hints = ToolAnnotations(
            title=title, read_only_hint=True, idempotent_hint=True, open_world_hint=False
        )
        server.add_tool(tool, title=title, annotations=hints, structured_output=True)
    server.resource(
        _TEMPLATE,
        name="passage",
        title="A passage",
        description=f"One passage, whole, as JSON. {NOTICE}",
        mime_type="application/json",
        # Ids are paths of files; they are looked up in the collection and never opened.
        security=ResourceSecurity(exempt_params={"id"}),
    )(_reader(toolbox))
    return server


def names_of(paths: Iterable[Path]) -> dict[str, Path]:
    """A short name for each collection: its folder's, numbered where several are called alike.

    Examples
    --------
    >>> list(names_of([Path("a/notes.nf"), Path("b/notes.nf")]))
    ['notes', 'notes-2']
    """
    named: dict[str, Path] = {}
    for path in paths:
        name, count = path.stem, 1
        while name in named:
            count += 1
            name = f"{path.stem}-{count}"
        named[name] = path
    return named


def serve(server: MCPServer, *, port: int | None = None) -> None:
    """Serve until the client goes.

    Parameters
    ----------
    server : MCPServer
    port : int, optional
        Of this machine alone, for streamable HTTP at ``/mcp``; without one, standard input and
        output.
    """
    if port is None:
        server.run("stdio")
    else:
        server.run("streamable-http", host=_LOOPBACK, port=port)


def tools_of(server: MCPServer) -> list[dict[str, Any]]:
    """Names, schemas and hints of the tools, as clients see them."""
    tools = asyncio.run(server.list_tools())
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]


def _tools(toolbox: Toolbox) -> list[tuple[Callable[..., Any], str]]:
    return [
        (toolbox.search, "Search documents"),
        (toolbox.ask, "Answer from documents"),
        (toolbox.similar, "Find similar passages"),
        (toolbox.stats, "What is in the collections"),
    ]


def _reader(toolbox: Toolbox) -> Callable[[str, str], str]:
    def read(collection: str, id: str) -> str:
        """One passage, whole."""
        return toolbox.read(collection, id).model_dump_json()

    return read
