"""EPUB books: the chapters of the spine, in reading order (EPUB 3.3, OCF and OPF)."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from lxml import etree

from nearfield.documents.decode import decode
from nearfield.documents.readers._builder import TextBuilder
from nearfield.documents.readers._files import open_archive
from nearfield.documents.readers._markup import Tree, local_name, parse_html, render
from nearfield.documents.readers._metadata import stated
from nearfield.documents.readers._suffixes import suffixes_of
from nearfield.documents.readers.html import declared_encoding
from nearfield.errors import ReadError
from nearfield.protocols import ReadLimits
from nearfield.types import Document, MetadataValue, Problem

__all__ = ["EpubReader"]

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_DUBLIN_CORE = {"creator": "author", "language": "lang", "date": "date", "publisher": "publisher"}
_PAGES = ("application/xhtml+xml", "text/html")


class EpubReader:
    """EPUB 2 and 3 without copy protection."""

    suffixes = suffixes_of("epub")

    def read(self, path: Path, limits: ReadLimits) -> Iterator[Document | Problem]:
        source = str(path)
        builder = TextBuilder()
        with open_archive(path, limits) as book:
            package_path = _package_path(book)
            package = _xml(_member(book, package_path))
            encrypted = _encrypted(book)
            for chapter in _spine(package, package_path):
                if chapter in encrypted:
                    raise ReadError("protected against copying (DRM); its text is encrypted")
                try:
                    tree = _page(_member(book, chapter))
                except ReadError as error:
                    yield Problem(f"{source}::{chapter}", f"{chapter}: {error}")
                    continue
                if tree is not None:
                    render(tree, builder, whole=True)
        text, sections = builder.finish()
        title, metadata = _metadata(package)
        yield Document(source, text, source, title, sections, metadata)


def _member(book: zipfile.ZipFile, name: str) -> bytes:
    try:
        return book.read(name)
    except KeyError:
        raise ReadError(f"damaged: {name} is missing") from None
    except (zipfile.BadZipFile, EOFError, RuntimeError) as error:
        raise ReadError(f"damaged: {error}") from error


def _xml(data: bytes) -> Tree:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise ReadError(f"damaged: {error}") from error


def _page(data: bytes) -> Tree | None:
    """A chapter, as XML where it is: HTML's rules misread ``<title/>`` and ``<script/>``."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        tree = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        return parse_html(decode(data, declared=declared_encoding(data)).text)
    # Entities of the XHTML document type, such as &nbsp;, are only understood as HTML.
    if any(element.tag is etree.Entity for element in tree.iter()):
        return parse_html(decode(data, declared=declared_encoding(data)).text)
    return tree


def _package_path(book: zipfile.ZipFile) -> str:
    for element in _xml(_member(book, _CONTAINER)).iter("{*}rootfile"):
        if path := element.get("full-path"):
            return unquote(path)
    raise ReadError(f"damaged: {_CONTAINER} names no package document")


def _spine(package: Tree, package_path: str) -> Iterator[str]:
    folder = posixpath.dirname(package_path)
    items = {item.get("id"): item for item in package.iter("{*}item")}
    for reference in package.iter("{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is not None and item.get("media-type") in _PAGES and item.get("href"):
            yield posixpath.normpath(posixpath.join(folder, unquote(item.get("href"))))


def _encrypted(book: zipfile.ZipFile) -> set[str]:
    if _ENCRYPTION not in book.namelist():
        return set()
    tree = _xml(_member(book, _ENCRYPTION))
    return {unquote(e.get("URI") or "") for e in tree.iter("{*}CipherReference")}


def _metadata(package: Tree) -> tuple[str, dict[str, MetadataValue]]:
    title = ""
    fields: dict[str, list[str]] = {}
    for element in package.iter("{http://purl.org/dc/elements/1.1/}*"):
        name = local_name(element)
        said = " ".join("".join(element.itertext()).split())
        if name == "title":
            title = title or said
        elif name in _DUBLIN_CORE and said:
            fields.setdefault(_DUBLIN_CORE[name], []).append(said)
    single = {k: v[0] if len(v) == 1 else v for k, v in fields.items()}
    return title, stated(format="epub", **single)
