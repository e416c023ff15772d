"""Nearfield for assistants: a Model Context Protocol server over collections (SDK ``mcp``).

It reads and never writes. What it hands out are quotations: an assistant must not follow what
stands in them, and the server says so.
"""

from __future__ import annotations

from nearfield.errors import MissingExtra

try:
    import mcp.server.mcpserver  # noqa: F401
except ImportError as error:
    raise MissingExtra("the MCP server", "mcp") from error

from nearfield.integrations.mcp.results import Limits
from nearfield.integrations.mcp.server import build_server, serve, tools_of

__all__ = ["Limits", "build_server", "serve", "tools_of"]
