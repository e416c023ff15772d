"""``nearfield mcp``: collections as tools of an assistant."""

from __future__ import annotations

import sys
from contextlib import ExitStack

import click

from nearfield.cli import options
from nearfield.cli.output import dump
from nearfield.cli.place import find_collection
from nearfield.collection import open_collection

__all__ = ["command"]


@click.command("mcp")
@click.argument("paths", nargs=-1, metavar="[COLLECTION...]")
@click.option(
    "--http",
    "port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="Serve streamable HTTP on this machine's loopback instead of standard input and output.",
)
@click.option(
    "--generator",
    metavar="NAME",
    help="What writes the answers of the tool ask; by default a local one.",
)
@options.as_json
def command(paths: tuple[str, ...], port: int | None, generator: str | None, as_json: bool) -> None:
    """Serve collections to assistants by the Model Context Protocol; reads, and never writes.

    COLLECTION is a collection or an indexed folder; without one, the collection around the current
    folder. An assistant starts this command itself: put it into its settings. --json prints the
    tools with their schemas instead.
    """
    from nearfield.integrations.mcp import build_server, serve, tools_of
    from nearfield.integrations.mcp.server import names_of

    homes = names_of(find_collection(path) for path in paths or (None,))
    with ExitStack() as opened:
        collections = {
            name: opened.enter_context(open_collection(home, create=False))
            for name, home in homes.items()
        }
        server = build_server(collections, generator=generator)
        if as_json:
            dump({"tools": tools_of(server)})
            return
        if port is None and sys.stdin.isatty():
            click.echo("speaking MCP on standard input and output; Ctrl-D ends it", err=True)
        elif port is not None:
            click.echo(f"http://127.0.0.1:{port}/mcp  (Ctrl-C ends it)", err=True)
        serve(server, port=port)
