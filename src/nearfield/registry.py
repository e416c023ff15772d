"""Names of exchangeable parts, without importing a single one of them.

A registry maps a name to ``"module:attribute"`` and to the extra that brings what the
module needs. Other packages add entries through entry points of the group
``nearfield.<role>`` (``nearfield.readers``, ``nearfield.stores`` …).
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nearfield.errors import MissingExtra, UnknownName

__all__ = ["ANSWERERS", "CHUNKERS", "READERS", "STORES", "Part", "Registry", "suggest"]


@dataclass(frozen=True, slots=True)
class Part:
    """Where an implementation lives.

    Attributes
    ----------
    target : str
        ``"module:attribute"``.
    extra : str
        Extra of the package that brings its dependencies; empty when the base install does.
    """

    target: str
    extra: str = ""


class Registry:
    """Implementations of one role by name.

    Parameters
    ----------
    role : str
        Plural noun, such as ``"stores"``; also the entry-point group's last part.
    parts : mapping of str to Part
        The built-in implementations.

    Examples
    --------
    >>> registry = Registry("metrics", {"cosine": Part("nearfield.metric:normalise")})
    >>> registry.names()
    ('cosine',)
    >>> registry.load("cosine").__name__
    'normalise'
    """

    def __init__(self, role: str, parts: Mapping[str, Part]) -> None:
        self.role = role
        self._parts = dict(parts)
        self._scanned = False

    def names(self) -> tuple[str, ...]:
        """Every known name, sorted; includes those of other installed packages."""
        self._scan()
        return tuple(sorted(self._parts))

    def part(self, name: str) -> Part:
        """Where `name` lives; UnknownName suggests neighbours."""
        if name not in self._parts:
            self._scan()
        try:
            return self._parts[name]
        except KeyError:
            raise UnknownName(
                f"no {self.role.removesuffix('s')} is called {name!r}; "
                + suggest(name, self._parts)
            ) from None

    def load(self, name: str) -> object:
        """Import and return the implementation itself.

        Raises
        ------
        UnknownName
            Nothing is registered under that name.
        MissingExtra
            A package it needs is not installed.
        """
        part = self.part(name)
        module, _, attribute = part.target.partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except ImportError as error:
            if part.extra:
                raise MissingExtra(f"{self.role.removesuffix('s')} {name!r}", part.extra) from error
            raise

    def _scan(self) -> None:
        if self._scanned:
            return
        self._scanned = True
        from importlib.metadata import entry_points

        for point in entry_points(group=f"nearfield.{self.role}"):
            self._parts.setdefault(point.name, Part(point.value))


def suggest(name: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest known names, or all of them when none is near.

    Examples
    --------
    >>> suggest("exakt", ["exact", "local"])
    "did you mean 'exact'?"
    """
    names = sorted(known)
    lowered = {candidate.lower(): candidate for candidate in names}
    near = difflib.get_close_matches(name.lower(), lowered, n=3, cutoff=0.6)
    if near:
        return "did you mean " + " or ".join(repr(lowered[n]) for n in near) + "?"
    return "known: " + ", ".join(names)


STORES = Registry(
    "stores",
    {
        "exact": Part("nearfield.stores.exact:ExactStore"),
        "local": Part("nearfield.stores.local:LocalStore"),
    },
)

CHUNKERS = Registry(
    "chunkers",
    {
        "tokens": Part("nearfield.documents.chunkers.tokens:TokenChunker"),
        "sentences": Part("nearfield.documents.chunkers.sentences:SentenceChunker"),
        "structure": Part("nearfield.documents.chunkers.structure:StructureChunker"),
        "recursive": Part("nearfield.documents.chunkers.recursive:RecursiveChunker"),
        "semantic": Part("nearfield.documents.chunkers.semantic:SemanticChunker"),
    },
)

READERS = Registry(
    "readers",
    {
        "text": Part("nearfield.documents.readers.text:TextReader"),
        "markdown": Part("nearfield.documents.readers.markdown:MarkdownReader"),
        "html": Part("nearfield.documents.readers.html:HtmlReader", "documents"),
        "pdf": Part("nearfield.documents.readers.pdf:PdfReader", "documents"),
        "docx": Part("nearfield.documents.readers.docx:DocxReader", "documents"),
        "pptx": Part("nearfield.documents.readers.pptx:PptxReader", "documents"),
        "spreadsheet": Part(
            "nearfield.documents.readers.spreadsheet:SpreadsheetReader", "documents"
        ),
        "csv": Part("nearfield.documents.readers.csv:CsvReader"),
        "jsonl": Part("nearfield.documents.readers.jsonl:JsonlReader"),
        "epub": Part("nearfield.documents.readers.epub:EpubReader", "documents"),
        "email": Part("nearfield.documents.readers.email:EmailReader"),
        "code": Part("nearfield.documents.readers.code:CodeReader"),
        "notebook": Part("nearfield.documents.readers.notebook:NotebookReader"),
    },
)

ANSWERERS = Registry("answerers", {"passages": Part("nearfield.rag.answering:Answerer")})
"""What answers questions about a collection: a room above it, so it is found by name."""
