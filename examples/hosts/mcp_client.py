"""An assistant's side: a client that starts the server, lists its tools and searches.

pip install "nearfield[mcp]"
python -m examples.hosts.mcp_client FOLDER
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from examples.hosts import shop
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

import nearfield as nf


async def ask(collection: Path) -> dict[str, dict[str, list[str]]]:
    """Every question of the shop by the tool ``search``: ids of the products found, by mode."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "nearfield", "mcp", str(collection)],
        env=dict(os.environ),
    )
    async with Client(stdio_client(server)) as client:
        tools = (await client.list_tools()).tools
        print("tools:", ", ".join(tool.name for tool in tools))
        found: dict[str, dict[str, list[str]]] = {"dense": {}, "hybrid": {}}
        for mode, answers in found.items():
            for question in shop.QUESTIONS:
                asked = {"query": question, "k": 10, "mode": mode}
                result = await client.call_tool("search", asked)
                assert result.structured_content is not None
                answers[question] = [each["id"] for each in result.structured_content["passages"]]
        return found


def main(folder: Path) -> shop.Measured:
    """Make the collection in a folder, let a client search it, and return how well it finds."""
    choice = shop.choose()
    place, products = folder / "shop.nf", shop.products()
    with nf.open(place, encoder=choice.model, dimensions=choice.dimensions) as collection:
        collection.upsert(
            [each.text for each in products],
            ids=[each.id for each in products],
            metadata=[{"department": each.department, "price": each.price} for each in products],
        )
    found = asyncio.run(ask(place))
    measured = shop.measure({mode: answers.__getitem__ for mode, answers in found.items()})
    shop.document(folder / "mcp.md", "MCP", choice, measured)
    return measured


if __name__ == "__main__":
    main(Path(sys.argv[1]))
