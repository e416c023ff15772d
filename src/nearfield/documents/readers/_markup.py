"""HTML and XHTML trees to readable text with headings as sections.

Left out are scripts, styles, hidden elements, form controls and, unless nothing else is
there, what surrounds the content of a page: navigation, banners, side bars and footers, as
the HTML standard's sectioning elements and ARIA landmarks mark them.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from lxml import etree

from nearfield.documents.readers._builder import TextBuilder
from nearfield.errors import ReadError
from nearfield.types import Section

__all__ = ["Tree", "local_name", "parse_html", "render", "text_of"]

Tree: TypeAlias = "etree._Element"

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS_WORDS = (
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset "
    "figcaption figure footer form header hgroup hr html legend li main menu nav ol p section "
    "summary table tbody td tfoot th thead tr ul"
)
_BLOCKS = frozenset(_BLOCKS_WORDS.split())
_SILENT_WORDS = (
    "script style head template noscript svg canvas iframe object embed audio video button "
    "select textarea datalist rp rt annotation annotation-xml map"
)
_SILENT = frozenset(_SILENT_WORDS.split())
_CONTENT = ("main", "article")
_AROUND_ROLES_WORDS = "navigation banner contentinfo search complementary"
_AROUND_ROLES = frozenset(_AROUND_ROLES_WORDS.split())
_AROUND_CLASSES_WORDS = (
    "nav navbar navigation sidebar sphinxsidebar breadcrumb breadcrumbs toc footer site-footer "
    "cookie-banner skip-link mw-editsection noprint"
)
_AROUND_CLASSES = frozenset(_AROUND_CLASSES_WORDS.split())
_ANCHOR_CLASSES_WORDS = "headerlink anchor anchorjs-link header-anchor"
_ANCHOR_CLASSES = frozenset(_ANCHOR_CLASSES_WORDS.split())
_UNSEEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden")
_SPACES = re.compile("[ \t\n\r\f\u00a0]+")


def parse_html(text: str) -> Tree | None:
    """Parse HTML as browsers forgive it; None when there is nothing in it.

    Raises
    ------
    ReadError
        Elements are nested deeper than the parser follows.
    """
    # libxml2 ends a document at a NUL; the HTML standard replaces it.
    data = text.replace("\0", "\ufffd").encode()
    if not data.strip():
        return None
    parser = etree.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True
    )
    tree = etree.fromstring(data, parser)
    # libxml2 drops what lies deeper, and everything after it, with no more than this message.
    if any(e.type_name == "ERR_RESOURCE_LIMIT" for e in parser.error_log):
        raise ReadError("elements are nested deeper than 2,048 levels")
    return tree


def render(tree: Tree, builder: TextBuilder, *, whole: bool = False) -> None:
    """Write a tree's text into `builder`.

    Parameters
    ----------
    tree : lxml element
    builder : TextBuilder
    whole : bool
        Keep navigation and the like, as for mails and books.
    """
    _Renderer(builder, whole).run(tree)


def text_of(tree: Tree) -> tuple[str, tuple[Section, ...]]:
    """Text and sections of a page; of all of it when the page is nothing but surroundings."""
    for whole in (False, True):
        builder = TextBuilder()
        render(tree, builder, whole=whole)
        text, sections = builder.finish()
        if text:
            break
    return text, sections


def local_name(element: Tree) -> str:
    """Tag in lower case, without its namespace; empty for comments and the like."""
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


class _Renderer:
    def __init__(self, builder: TextBuilder, whole: bool) -> None:
        self._builder = builder
        self._whole = whole
        self._inline: list[str] = []
        self._prefix = ""
        self._lists: list[int | None] = []
        self._content_depth = 0
        self._pre_depth = 0
        # Whether each open table holds data, and the cells of the open row of the innermost.
        self._tables: list[bool] = []
        self._row: list[str] = []
        self._in_cell = False

    def run(self, tree: Tree) -> None:
        walker = etree.iterwalk(tree, events=("start", "end"))
        skipped = None
        for event, element in walker:
            name = local_name(element)
            if event == "start":
                if self._unwanted(element, name):
                    walker.skip_subtree()
                    skipped = element
                    continue
                self._start(element, name)
                self._text(element.text)
            else:
                if element is skipped:
                    skipped = None
                else:
                    self._end(element, name)
                if element is not tree:
                    self._text(element.tail)
        self._flush()

    def _start(self, element: Tree, name: str) -> None:
        if name in _BLOCKS or name in _HEADINGS or name == "pre":
            self._flush()
        if name in _CONTENT:
            self._content_depth += 1
        elif name in ("ul", "ol", "menu"):
            self._lists.append(_number(element) if name == "ol" else None)
        elif name == "li":
            self._prefix = self._bullet()
        elif name == "pre":
            self._pre_depth += 1
        elif name == "br":
            self._inline.append("\n")
        elif name == "table":
            self._builder.gap()
            self._tables.append(_holds_data(element))
        elif name in ("td", "th") and self._tables and self._tables[-1]:
            self._in_cell = True

    def _end(self, element: Tree, name: str) -> None:
        if name in _HEADINGS and not self._in_cell:
            self._builder.heading(self._take(), _HEADINGS[name])
        elif name in ("td", "th") and self._in_cell:
            self._in_cell = False
            self._row.append(" ".join(self._take().split()))
        elif name == "tr" and self._row:
            if any(self._row):
                self._builder.line(" | ".join(self._row))
            self._row.clear()
        elif name in _BLOCKS or name == "pre":
            self._flush()
        if name in _CONTENT:
            self._content_depth -= 1
        elif name in ("ul", "ol", "menu") and self._lists:
            self._lists.pop()
        elif name == "pre":
            self._pre_depth -= 1
        elif name == "table":
            self._tables.pop()
            self._builder.gap()
        elif name == "li":
            self._prefix = ""

    def _text(self, text: str | None) -> None:
        if not text:
            return
        text = text.replace("\u00ad", "")
        self._inline.append(text if self._pre_depth else _SPACES.sub(" ", text))

    def _take(self) -> str:
        text = "".join(self._inline)
        self._inline.clear()
        if self._pre_depth:
            return text.strip("\n")
        return "\n".join(_SPACES.sub(" ", line).strip() for line in text.split("\n")).strip()

    def _flush(self) -> None:
        if self._in_cell:
            self._inline.append(" ")
            return
        text = self._take()
        if not text:
            return
        if self._lists and not self._pre_depth:
            self._builder.line(self._prefix + text)
        else:
            self._builder.block(self._prefix + text)
        self._prefix = ""

    def _bullet(self) -> str:
        indent = "  " * max(len(self._lists) - 1, 0)
        number = self._lists[-1] if self._lists else None
        if number is None:
            return f"{indent}- "
        self._lists[-1] = number + 1
        return f"{indent}{number}. "

    def _unwanted(self, element: Tree, name: str) -> bool:
        if not name or name in _SILENT or _is_hidden(element):
            return True
        classes = set((element.get("class") or "").split())
        if name == "a" and classes & _ANCHOR_CLASSES:
            return True
        return not self._whole and self._is_around(element, name, classes)

    def _is_around(self, element: Tree, name: str, classes: set[str]) -> bool:
        if name in ("body", "html", *_CONTENT):
            return False
        role = (element.get("role") or "").lower()
        if name == "nav" or role in ("navigation", "search"):
            return True
        if self._content_depth:
            return False
        if name == "header" or role == "banner":
            # Many pages put their only title into the banner.
            return next(element.iter("{*}h1"), None) is None
        named = classes | {element.get("id") or ""}
        return name in ("footer", "aside") or role in _AROUND_ROLES or bool(named & _AROUND_CLASSES)


def _is_hidden(element: Tree) -> bool:
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    style = element.get("style")
    return bool(style and _UNSEEN.search(style.lower()))


def _holds_data(table: Tree) -> bool:
    """Whether a table holds data; one with headings or tables inside lays out a page."""
    if table.get("role") in ("presentation", "none"):
        return False
    return next(table.iterdescendants("{*}table", *(f"{{*}}{h}" for h in _HEADINGS)), None) is None


def _number(element: Tree) -> int:
    try:
        return int(element.get("start") or 1)
    except ValueError:
        return 1
