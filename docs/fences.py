"""What fences say to the tests (``norun``, ``compiled``, ``hosts``) is nothing for readers."""

from __future__ import annotations

import re

_FENCE = re.compile(r"^```(\w+)[^\n`]+$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Leave the language alone behind a fence, so that MkDocs knows it for one."""
    return _FENCE.sub(r"```\1", markdown)
