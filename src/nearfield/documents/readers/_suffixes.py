"""Which reader answers for which ending; a table, so that choosing imports no reader."""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "COMPRESSED",
    "NO_READER",
    "RECORDS",
    "STREAMED",
    "inner_suffix",
    "reader_name",
    "suffixes_of",
]

_TABLE = {
    "text": ".txt .text .log .rst .adoc .asciidoc .org .tex .ini .cfg .conf .toml .yaml .yml "
    ".properties .env .diff .patch .srt .vtt .xml .pod .nfo .me",
    "markdown": ".md .markdown .mdown .mkd .mdx .qmd .rmd",
    "html": ".html .htm .xhtml",
    "pdf": ".pdf",
    "docx": ".docx .docm .dotx",
    "pptx": ".pptx .pptm .potx .ppsx",
    "spreadsheet": ".xlsx .xlsm .xls .ods",
    "csv": ".csv .tsv",
    "jsonl": ".jsonl .ndjson .json",
    "epub": ".epub",
    "email": ".eml .mbox",
    "code": ".py .pyi .pyw .js .mjs .cjs .jsx .ts .mts .cts .tsx .java .c .h .cc .cpp .cxx "
    ".hh .hpp .hxx .go .rs .rb .php .sh .bash .zsh .fish .ps1 .bat .pl .pm .lua .r .jl .kt "
    ".kts .scala .swift .cs .fs .hs .ml .clj .ex .exs .erl .dart .sql .css .scss .less .vue "
    ".svelte .proto .graphql .tf .cmake .mk .vim .el .lisp .asm .s .v .sv .vhd .zig .nim .f90",
    "notebook": ".ipynb",
}
_READERS = {suffix: name for name, endings in _TABLE.items() for suffix in endings.split()}

COMPRESSED = ".gz"
# These formats are read from a decompressed stream; the others need a file to seek in.
STREAMED = frozenset({"text", "markdown", "html", "csv", "jsonl", "email", "code", "notebook"})
# One file, many documents.
RECORDS = frozenset({"csv", "jsonl", "email"})
# Text to look at, but a drawing or a page program to read.
NO_READER = frozenset({".rtf", ".ps", ".eps", ".svg", ".map", ".dxf", ".obj", ".stl"})


def suffixes_of(name: str) -> tuple[str, ...]:
    """Endings that the built-in reader `name` answers for.

    Examples
    --------
    >>> suffixes_of("epub")
    ('.epub',)
    """
    return tuple(_TABLE[name].split())


def inner_suffix(path: Path) -> str:
    """Lower-case ending, the one below ``.gz`` for compressed files.

    Examples
    --------
    >>> inner_suffix(Path("corpus.JSONL.gz")), inner_suffix(Path("Makefile"))
    ('.jsonl', '')
    """
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix == COMPRESSED else suffix


def reader_name(path: Path) -> str | None:
    """Name of the built-in reader for `path` by its ending, or None."""
    return _READERS.get(inner_suffix(path))
