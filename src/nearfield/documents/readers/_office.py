"""What Word and PowerPoint files share: how they open and what they say of themselves."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from lxml import etree

from nearfield.documents.readers._metadata import iso_date, stated
from nearfield.errors import ReadError
from nearfield.types import MetadataValue

__all__ = ["core_metadata", "open_package"]

Package = TypeVar("Package")


def open_package(opener: Callable[[str], Package], path: Path) -> Package:
    """Open with `opener`, damage named in one line."""
    try:
        return opener(str(path))
    except (KeyError, ValueError, zipfile.BadZipFile, etree.XMLSyntaxError) as error:
        said = " ".join(str(error).split())
        raise ReadError(f"damaged, or another format under this name: {said}") from error


def core_metadata(properties: Any, kind: str) -> tuple[str, dict[str, MetadataValue]]:  # noqa: ANN401
    """Title and metadata from the core properties (ECMA-376 part 2, clause 11)."""
    keywords = [word.strip() for word in (properties.keywords or "").split(",")]
    title = " ".join((properties.title or "").split())
    metadata = stated(
        format=kind,
        author=properties.author,
        date=iso_date(properties.modified or properties.created),
        subject=properties.subject,
        keywords=[word for word in keywords if word],
        lang=properties.language,
    )
    # What the libraries' own templates say is not what the document says.
    if title in ("Word Document", "PowerPoint Presentation"):
        title = ""
    return title, metadata
