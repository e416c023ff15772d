"""Source code: the file's own text, with functions and classes as sections.

Python is parsed by its own grammar; other languages by tree-sitter when the extra ``code``
is installed. A language without a grammar, or a file that does not parse, is plain text.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from nearfield.documents.decode import decode
from nearfield.documents.readers._builder import line_starts
from nearfield.documents.readers._files import read_bytes
from nearfield.documents.readers._grammars import LANGUAGES, tree_symbols
from nearfield.documents.readers._metadata import stated
from nearfield.documents.readers._suffixes import inner_suffix, suffixes_of
from nearfield.protocols import ReadLimits
from nearfield.types import Document, Problem, Section, SectionKind

__all__ = ["CodeReader", "python_symbols"]

# PEP 263, and what editors read in the first lines of any language.
_CODING = re.compile(rb"coding[:=]?\s*([-\w.]+)")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class CodeReader:
    """Source files of any usual language."""

    suffixes = suffixes_of("code")

    def read(self, path: Path, limits: ReadLimits) -> Iterator[Document | Problem]:
        source = str(path)
        data = read_bytes(path, limits)
        said = _CODING.search(b"".join(data.splitlines(keepends=True)[:3]))
        decoded = decode(data, declared=said[1].decode("ascii", "replace") if said else "")
        suffix = inner_suffix(path)
        language = LANGUAGES.get(suffix, suffix[1:])
        sections = _symbols(decoded.text, language)
        metadata = {**stated(format="code", language=language), **decoded.metadata()}
        yield Document(source, decoded.text, source, "", sections, metadata)


def python_symbols(text: str) -> list[Section]:
    r"""Functions and classes of a Python module, nested ones one level deeper.

    A section starts at the line of the first decorator and ends with its last statement.

    Raises
    ------
    SyntaxError
        It does not parse.

    Examples
    --------
    >>> [(s.title, s.level) for s in python_symbols("class A:\n    def b(self):\n        pass\n")]
    [('A', 1), ('b', 2)]
    """
    with warnings.catch_warnings():
        # "\d" in somebody's string is their affair.
        warnings.simplefilter("ignore")
        module = ast.parse(text)
    starts = line_starts(text)
    found: list[Section] = []
    open_: list[tuple[ast.AST, int]] = [(module, 1)]
    while open_:
        node, level = open_.pop()
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, _DEFINITIONS):
                open_.append((child, level))
                continue
            first = min([child.lineno, *(d.lineno for d in child.decorator_list)])
            end = starts[min(child.end_lineno or child.lineno, len(starts) - 1)]
            start = starts[first - 1]
            end = start + len(text[start:end].rstrip())
            found.append(Section(start, end, SectionKind.SYMBOL, child.name, level))
            open_.append((child, level + 1))
    return sorted(found, key=lambda s: (s.start, -s.end, s.level))


def _symbols(text: str, language: str) -> tuple[Section, ...]:
    if language == "python":
        try:
            return tuple(python_symbols(text))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            # Python 2, a template, or NULs: tree-sitter reads what it can.
            pass
    return tuple(tree_symbols(text, language))
