"""Symbols of source code through tree-sitter grammars, for those that are installed."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from nearfield.types import Section, SectionKind

__all__ = ["LANGUAGES", "tree_symbols"]

_BY_LANGUAGE = {
    "python": ".py .pyi .pyw",
    "javascript": ".js .mjs .cjs .jsx",
    "typescript": ".ts .mts .cts",
    "tsx": ".tsx",
    "java": ".java",
    "c": ".c .h",
    "cpp": ".cc .cpp .cxx .hh .hpp .hxx",
    "go": ".go",
    "rust": ".rs",
    "ruby": ".rb",
    "shell": ".sh .bash .zsh",
    "perl": ".pl .pm",
    "csharp": ".cs",
    "kotlin": ".kt .kts",
}
# Suffix → language; other suffixes name their language themselves.
LANGUAGES = {suffix: name for name, all_ in _BY_LANGUAGE.items() for suffix in all_.split()}


@dataclass(frozen=True, slots=True)
class _Grammar:
    """A grammar package and the node types that define a symbol."""

    module: str
    nodes: frozenset[str]
    function: str = "language"


def _grammar(module: str, nodes: str, function: str = "language") -> _Grammar:
    return _Grammar(module, frozenset(nodes.split()), function)


_JS_NODES = (
    "function_declaration generator_function_declaration class_declaration method_definition "
    "variable_declarator"
)
_TS_NODES = (
    f"{_JS_NODES} abstract_class_declaration interface_declaration enum_declaration "
    "type_alias_declaration function_signature internal_module module"
)
_C_NODES = "function_definition struct_specifier union_specifier enum_specifier"
_GRAMMARS = {
    "python": _grammar("tree_sitter_python", "function_definition class_definition"),
    "javascript": _grammar("tree_sitter_javascript", _JS_NODES),
    "typescript": _grammar("tree_sitter_typescript", _TS_NODES, "language_typescript"),
    "tsx": _grammar("tree_sitter_typescript", _TS_NODES, "language_tsx"),
    "java": _grammar(
        "tree_sitter_java",
        "class_declaration interface_declaration enum_declaration record_declaration "
        "annotation_type_declaration method_declaration constructor_declaration",
    ),
    "c": _grammar("tree_sitter_c", _C_NODES),
    "cpp": _grammar("tree_sitter_cpp", f"{_C_NODES} class_specifier namespace_definition"),
    "go": _grammar("tree_sitter_go", "function_declaration method_declaration type_spec"),
    "rust": _grammar(
        "tree_sitter_rust",
        "function_item struct_item enum_item union_item trait_item impl_item mod_item "
        "macro_definition",
    ),
}
# A variable is a symbol when its value is a function or a class.
_VALUES = frozenset({"arrow_function", "function_expression", "generator_function", "class"})
# Wrappers that belong to what they wrap: "export", decorators, templates, "const f =", "type".
_WRAPPERS_WORDS = (
    "export_statement decorated_definition template_declaration lexical_declaration "
    "variable_declaration type_declaration"
)
_WRAPPERS = frozenset(_WRAPPERS_WORDS.split())
_COMMENTS = frozenset({"comment", "line_comment", "block_comment"})
_ATTRIBUTES = frozenset({"attribute_item", "decorator"})


def tree_symbols(text: str, language: str) -> list[Section]:
    """Functions, classes and types; nothing where no grammar is installed.

    A section starts at the comment or attribute that stands directly above its definition.

    Parameters
    ----------
    text : str
    language : str
        A value of :data:`LANGUAGES`.
    """
    grammar = _GRAMMARS.get(language)
    parser = _parser(grammar) if grammar else None
    if grammar is None or parser is None:
        return []
    data = text.encode()
    tree = parser.parse(data)
    offset = _Offsets(data)
    found: list[Section] = []
    open_: list[tuple[Any, int]] = [(tree.root_node, 1)]
    while open_:
        node, level = open_.pop()
        inner = level
        if node.type in grammar.nodes and (name := _name(node)):
            start, end = _extent(node)
            span = offset.line(start), offset.of(end)
            found.append(Section(*span, SectionKind.SYMBOL, name, level))
            inner = level + 1
        open_ += [(child, inner) for child in node.named_children]
    return sorted(found, key=lambda s: (s.start, -s.end, s.level))


@cache
def _parser(grammar: _Grammar) -> Any:  # noqa: ANN401 (the extra may be absent)
    try:
        import tree_sitter

        module = importlib.import_module(grammar.module)
    except ImportError:
        return None
    return tree_sitter.Parser(tree_sitter.Language(getattr(module, grammar.function)()))


def _name(node: Any) -> str:  # noqa: ANN401
    """Name of a definition; empty for mere mentions and declarations without a body."""
    if node.type == "variable_declarator":
        value = node.child_by_field_name("value")
        if value is None or value.type not in _VALUES:
            return ""
    if node.type.endswith("_specifier") and node.child_by_field_name("body") is None:
        return ""
    if node.type == "impl_item":
        trait = node.child_by_field_name("trait")
        kind = _text(node.child_by_field_name("type"))
        return f"{_text(trait)} for {kind}" if trait is not None else kind
    name = node.child_by_field_name("name")
    if name is not None:
        return _text(name)
    # C and C++ wrap the name: pointer_declarator → function_declarator → identifier.
    inner = node.child_by_field_name("declarator")
    while inner is not None and (deeper := inner.child_by_field_name("declarator")) is not None:
        inner = deeper
    return _text(inner)


def _text(node: Any) -> str:  # noqa: ANN401
    return " ".join(node.text.decode("utf-8", "replace").split()) if node is not None else ""


def _extent(node: Any) -> tuple[int, int]:  # noqa: ANN401
    """Bytes of a definition with its wrapper and the comments directly above."""
    while node.parent is not None and node.parent.type in _WRAPPERS:
        if sum(child.type == node.type for child in node.parent.named_children) > 1:
            break
        node = node.parent
    first = node
    above = node.prev_named_sibling
    while above is not None and above.type in _COMMENTS | _ATTRIBUTES:
        gap = first.start_point[0] - above.end_point[0]
        # Rust's line comments include their line end.
        if gap > 1 or _shares_line(above):
            break
        first, above = above, above.prev_named_sibling
    return first.start_byte, node.end_byte


def _shares_line(comment: Any) -> bool:  # noqa: ANN401
    """Whether a comment ends a line of code that it belongs to."""
    before = comment.prev_sibling
    return (
        before is not None
        and before.end_point[0] == comment.start_point[0]
        and (before.type not in _COMMENTS)
    )


class _Offsets:
    """Character offsets of byte offsets in UTF-8."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        # Continuation bytes are 10xxxxxx (RFC 3629); every other byte begins a character.
        begins = (np.frombuffer(data, np.uint8) & 0xC0) != 0x80
        self._characters = None if data.isascii() else np.cumsum(begins)

    def of(self, position: int) -> int:
        """Characters before byte `position`."""
        if self._characters is None or not position:
            return position
        return int(self._characters[position - 1])

    def line(self, position: int) -> int:
        """Start of the line when only spaces precede `position` on it, else `position`."""
        start = self._data.rfind(b"\n", 0, position) + 1
        return self.of(start if not self._data[start:position].strip() else position)
