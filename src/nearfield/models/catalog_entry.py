"""What the catalog says about one model; plain data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["CatalogEntry", "Conversion", "Package", "PinnedFile", "Task"]


class Task(StrEnum):
    """What a model is for."""

    TEXT = "text"
    WORDS = "words"
    RERANK = "rerank"
    TOKENS = "tokens"
    SPARSE = "sparse"
    GENERATE = "generate"


class Conversion(StrEnum):
    """How a package's member becomes a file of the model's folder."""

    COPY = "copy"
    WORDS_FROM_PARQUET = "words-from-parquet"  # column "index", in the order of the rows


@dataclass(frozen=True, slots=True)
class Package:
    """A pinned package of the Python package index.

    Attributes
    ----------
    name, version : str
        What is asked for, exactly.
    part : str
        Where the packages of a model carry one split archive: the member with this one's piece.
    wheel : str
        Python, ABI and platform tag of a wheel that is taken on every machine, because only its
        data matter; empty for wheels without code of their own platform.
    """

    name: str
    version: str
    part: str = ""
    wheel: str = ""

    @property
    def requirement(self) -> str:
        """Name and version as installers read them."""
        return f"{self.name}=={self.version}"


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """One file of a model's folder.

    Attributes
    ----------
    target : str
        Path in the model's folder, with forward slashes.
    source : str
        Member of the package, or of the archive that the packages' parts make up.
    sha256 : str
        Hash of the file as it lies in the model's folder.
    conversion : Conversion
        How the member becomes the file.
    """

    target: str
    source: str
    sha256: str
    conversion: Conversion = Conversion.COPY


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A known model.

    Attributes
    ----------
    name : str
        The name to load it by, and of its folder.
    aliases : tuple of str
        Other names for the very same weights.
    hub_id : str
        Repository of the model hub that carries the very same weights; empty when none does.
    task : Task
        What it is for.
    use : str
        One line for a person who chooses.
    dimension : int
        Length of its vectors; 0 for a generator, which makes none.
    max_tokens : int or None
        Longest input; None when unlimited.
    licence : str
        SPDX identifier.
    download_bytes, size_bytes : int
        What crosses the network, and what stays on disk.
    weights : str
        Which of the files holds the weights.
    packages : tuple of Package
        Where the files come from; several when one archive is split over them.
    files : tuple of PinnedFile
        What is taken.
    overlay : mapping of str to str
        Text files that the folder needs and the packages lack.
    extra : str
        Extra that the installation needs.
    matryoshka : tuple of int
        Dimensions that the model was trained to be cut to.
    """

    name: str
    task: Task
    use: str
    dimension: int
    max_tokens: int | None
    licence: str
    download_bytes: int
    size_bytes: int
    weights: str
    packages: tuple[Package, ...]
    files: tuple[PinnedFile, ...]
    aliases: tuple[str, ...] = ()
    hub_id: str = ""
    overlay: Mapping[str, str] = field(default_factory=dict)
    extra: str = ""
    matryoshka: tuple[int, ...] = ()

    @property
    def weights_sha256(self) -> str:
        """Pinned hash of the weights."""
        return self.pins()[self.weights]

    @property
    def install_command(self) -> str:
        """What a person types to get the model."""
        return f"nearfield models install {self.name}"

    def pins(self) -> dict[str, str]:
        """Hash of every file that decides vectors, by its path in the folder."""
        pins = {f.target: f.sha256 for f in self.files}
        pins |= {
            name: hashlib.sha256(text.encode()).hexdigest() for name, text in self.overlay.items()
        }
        return {name: pin for name, pin in pins.items() if not name.endswith(".md")}

    def package_folder(self) -> str:
        """Folder inside the package that is a model folder as it lies, or an empty string."""
        if self.overlay or len(self.packages) != 1 or self.packages[0].part:
            return ""
        prefix = self.files[0].source.removesuffix(self.files[0].target)
        as_it_lies = all(
            f.source == prefix + f.target and f.conversion is Conversion.COPY for f in self.files
        )
        return prefix.rstrip("/") if as_it_lies else ""
