"""The demo: a small catalogue, searched by meaning.

No product text contains the words "cold", "weather" or "gear"; the model knows all the same
what a parka is for. Run it with ``make demo``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from nearfield.paths import models_dir

CATALOGUE = Path(__file__).parent / "catalogue"
NEARFIELD = [sys.executable, "-m", "nearfield"]
MULTILINGUAL = "paraphrase-multilingual-MiniLM-L12-v2"


def search(question: str, *options: str) -> list[str]:
    """Show a search as a user would run it, and return the titles of its hits."""
    shown = " ".join(option if " " not in option else f"'{option}'" for option in options)
    print(f'\n$ nearfield search examples/catalogue "{question}" {shown}'.rstrip(), flush=True)
    command = [*NEARFIELD, "search", os.path.relpath(CATALOGUE), question, *options]
    subprocess.run(command, check=True)
    found = subprocess.run([*command, "--json"], check=True, capture_output=True, text=True)
    return [hit["headings"][0] for hit in json.loads(found.stdout)["hits"]]


def main() -> int:
    """Search three times; fail unless the winter clothes come first."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["NEARFIELD_MODELS"] = str(models_dir())
        os.environ["NEARFIELD_HOME"] = home
        winter = search("cold weather gear", "-k", "3")
        search("something for the cook", "-k", "2", "-w", "price < 100")
        if (models_dir() / MULTILINGUAL).is_dir():
            options = ("-k", "3", "--model", MULTILINGUAL)
            winter_in_german = search("warme Kleidung für den Winter", *options)
            if not _winter(winter_in_german):
                return _failed(winter_in_german)
    return 0 if _winter(winter) else _failed(winter)


def _winter(titles: list[str]) -> bool:
    return {"Summit parka", "Fleece-lined gloves"} <= set(titles[:3])


def _failed(titles: list[str]) -> int:
    print(f"expected the parka and the gloves on top, found {titles}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
