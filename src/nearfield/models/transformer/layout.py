"""Read what a model folder says: which modules follow the encoder, prompts and limits.

The format is that of sentence-transformers, written by its versions 0 to 6: ``modules.json``
lists modules, each with a folder and a ``config.json``; ``sentence_bert_config.json`` and
``config_sentence_transformers.json`` hold the rest. Whatever is not understood is refused by
name, because a guessed module is another model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from nearfield.errors import UnsupportedModel
from nearfield.models.transformer import modules
from nearfield.models.transformer.files import JsonObject, read_json, read_object
from nearfield.models.transformer.files import field as read_field
from nearfield.models.transformer.modules import PoolingSpec, Step
from nearfield.models.transformer.pooling import PoolingMode
from nearfield.types import Role

__all__ = ["Layout", "read_layout", "read_prompts"]

# Where sentence-transformers keeps its modules: up to version 5, and since then.
_MODULE_TYPE = re.compile(
    r"sentence_transformers\.(?:models|base\.modules|sentence_transformer\.modules)"
    r"(?:\.\w+)?\.(\w+)"
)

# Names of the transformer's own file, the first that is there counts.
_TRANSFORMER_CONFIGS = (
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_xlm-roberta_config.json",
)

# Arguments that choose how something is computed or fetched, never what.
_HARMLESS = frozenset(
    {
        "attn_implementation", "cache_dir", "code_revision", "device_map", "dtype",
        "local_files_only", "low_cpu_mem_usage", "revision", "token", "torch_dtype",
        "trust_remote_code", "use_auth_token", "use_fast", "add_pooling_layer",
    }
)  # fmt: skip

# transformers writes this where a tokenizer has no limit.
_NO_LIMIT = 1_000_000

_DOCUMENT_PROMPTS = ("document", "passage", "corpus")


@dataclass(frozen=True, slots=True)
class Layout:
    """What a folder says about the way from tokens to vectors.

    Attributes
    ----------
    folder : Path
        The model.
    transformer : Path
        Folder of the encoder's config.json, weights and tokenizer.
    pooling : PoolingSpec
        How token vectors become one.
    steps : tuple of Step
        What happens to that one vector, in order.
    prompts : mapping of Role to str
        Text put before inputs; a role without one is absent.
    max_tokens : int or None
        Limit that the files state, special tokens included.
    lower_case : bool
        Texts are lower-cased before the tokenizer sees them.
    notes : tuple of str
        What the files left open and how it was read, for people.
    """

    folder: Path
    transformer: Path
    pooling: PoolingSpec
    steps: tuple[Step, ...] = ()
    prompts: Mapping[Role, str] = field(default_factory=dict)
    max_tokens: int | None = None
    lower_case: bool = False
    notes: tuple[str, ...] = ()


def read_layout(folder: Path, *, pooling: PoolingMode | None = None) -> Layout:
    """Read a model folder.

    Parameters
    ----------
    folder : Path
        With ``modules.json``, or a plain Hugging Face folder.
    pooling : PoolingMode, optional
        For folders without ``modules.json``, which do not say how to pool; without it they are
        read with mean pooling, as sentence-transformers does, and with a note.

    Raises
    ------
    UnsupportedModel
        A module, key or value that is not understood; the message says what and where.
    """
    if not (folder / "modules.json").is_file():
        return _plain_layout(folder, pooling)
    entries = _module_entries(folder / "modules.json")
    kinds = [kind for kind, _ in entries]
    if kinds[:2] != ["Transformer", "Pooling"]:
        raise UnsupportedModel(
            f"{folder / 'modules.json'} starts with {' and '.join(kinds[:2]) or 'nothing'}; "
            "built in are models that start with Transformer and Pooling. "
            "The extra 'torch' serves others"
        )
    transformer = entries[0][1]
    steps = [modules.read_step(kind, place) for kind, place in entries[2:]]
    prompts, truncate = _read_model_config(folder / "config_sentence_transformers.json")
    if truncate is not None:
        steps.append(modules.Truncate(truncate))
    max_tokens, lower_case = _read_transformer_config(transformer)
    return Layout(
        folder=folder,
        transformer=transformer,
        pooling=modules.read_pooling(entries[1][1] / "config.json"),
        steps=tuple(step for step in steps if step is not None),
        prompts=prompts,
        max_tokens=max_tokens if max_tokens is not None else _tokenizer_limit(transformer),
        lower_case=lower_case,
    )


def _plain_layout(folder: Path, pooling: PoolingMode | None) -> Layout:
    notes: tuple[str, ...] = ()
    if pooling is None:
        notes = (
            "the files do not state a pooling (there is no modules.json): the mean is used, "
            "which may not be what the model was trained with",
        )
    return Layout(
        folder=folder,
        transformer=folder,
        pooling=PoolingSpec((pooling or PoolingMode.MEAN,)),
        max_tokens=_tokenizer_limit(folder),
        notes=notes,
    )


def _module_entries(path: Path) -> list[tuple[str, Path]]:
    """Kind and folder of each module, in order."""
    listed = read_json(path)
    entries = []
    for entry in listed if isinstance(listed, list) else [None]:
        if not isinstance(entry, dict):
            raise UnsupportedModel(f"{path} does not hold a list of modules")
        kind = read_field(entry, "type", str, path)
        match = _MODULE_TYPE.fullmatch(kind)
        if match is None:
            raise UnsupportedModel(
                f"{path} names the module {kind!r}, which is not one of sentence-transformers' "
                "own: code that comes with a model is never run"
            )
        if entry.get("kwargs"):
            raise UnsupportedModel(f"{path} gives the module {kind!r} arguments of its own")
        entries.append((match.group(1), _inside(path, read_field(entry, "path", str, path, ""))))
    return entries


def _inside(path: Path, place: str) -> Path:
    parts = PurePosixPath(place)
    if parts.is_absolute() or ".." in parts.parts:
        raise UnsupportedModel(f"{path} names {place!r}, which is outside of the model's folder")
    return path.parent / parts


def _read_transformer_config(folder: Path) -> tuple[int | None, bool]:
    """Return the stated limit (None when there is none) and whether texts are lower-cased."""
    path = next((folder / name for name in _TRANSFORMER_CONFIGS if (folder / name).is_file()), None)
    if path is None:
        return None, False
    config = dict(read_object(path))
    limit = config.pop("max_seq_length", None)
    lower_case = bool(config.pop("do_lower_case", False))
    for key, value in config.items():
        stated = _require_harmless(key, value, path)
        limit = stated if limit is None else limit
    if limit is not None and (type(limit) is not int or limit < 1):
        raise UnsupportedModel(f"{path} states max_seq_length = {limit!r}")
    return limit, lower_case


def _require_harmless(key: str, value: object, path: Path) -> int | None:
    """Refuse settings that change what is computed; return a limit that hides among them."""
    expected: dict[str, tuple[object, ...]] = {
        "transformer_task": ("feature-extraction",),
        "module_output_name": ("token_embeddings",),
        "unpad_inputs": (None, True, False),
        "tokenizer_name_or_path": (None, ""),
    }
    if key in expected:
        if value in expected[key]:
            return None
    elif key == "modality_config":
        text = value.get("text") if isinstance(value, dict) else None
        if text == {"method": "forward", "method_output_name": "last_hidden_state"}:
            return None
    elif key in ("tokenizer_args", "processor_kwargs") and isinstance(value, dict):
        rest = set(value) - _HARMLESS - {"model_max_length"}
        if not rest:
            limit = value.get("model_max_length")
            return limit if isinstance(limit, int) else None
    elif key in ("model_args", "model_kwargs", "config_args", "config_kwargs"):
        if isinstance(value, dict) and not set(value) - _HARMLESS:
            return None
    elif not value:
        # query_length, query_expansion, processing_kwargs … switched off.
        return None
    raise UnsupportedModel(f"{path} states {key} = {value!r}, which is not understood")


def _tokenizer_limit(folder: Path) -> int | None:
    config = read_object(folder / "tokenizer_config.json", optional=True)
    limit = config.get("model_max_length")
    # The placeholder for "no limit" is 1e30 and comes as a float or as a huge integer.
    if isinstance(limit, int) and 0 < limit < _NO_LIMIT:
        return limit
    return None


def _read_model_config(path: Path) -> tuple[dict[Role, str], int | None]:
    """Return the prompts by role, and the dimension that vectors are cut to, if any."""
    config = read_object(path, optional=True)
    kind = config.get("model_type", "SentenceTransformer")
    if kind != "SentenceTransformer":
        raise UnsupportedModel(f"{path} describes a {kind}, expected a SentenceTransformer")
    truncate = config.get("truncate_dim")
    if truncate is not None and (type(truncate) is not int or truncate < 1):
        raise UnsupportedModel(f"{path} states truncate_dim = {truncate!r}")
    return _prompts(config, path), truncate


def read_prompts(path: Path) -> dict[Role, str]:
    """Return the prompts by role that a config_sentence_transformers.json states, if it exists."""
    return _prompts(read_object(path, optional=True), path)


def _prompts(config: JsonObject, path: Path) -> dict[Role, str]:
    """Map prompt names to roles, as sentence-transformers' encode_query and encode_document do.

    A role takes the prompt of its own name; documents also answer to "passage" and "corpus".
    A role without any takes the default prompt, unless that one is named after the other role.
    """
    stated = config.get("prompts") or {}
    if not isinstance(stated, dict):
        raise UnsupportedModel(f"{path} states prompts = {stated!r}, expected an object")
    named = {name: text for name, text in stated.items() if isinstance(text, str)}
    default_name = config.get("default_prompt_name")
    if default_name is not None and default_name not in named:
        raise UnsupportedModel(
            f"{path} names the default prompt {default_name!r}; "
            f"its prompts are {', '.join(named) or 'none'}"
        )
    own_names = {Role.QUERY: ("query",), Role.DOCUMENT: _DOCUMENT_PROMPTS}
    prompts = {}
    for role, names in own_names.items():
        own = [named[name] for name in names if name in named]
        taken_by_another = any(
            default_name in others for other, others in own_names.items() if other is not role
        )
        if not own and default_name is not None and not taken_by_another:
            own = [named[str(default_name)]]
        # Newer versions write an empty "document" beside a meant "passage".
        text = next((text for text in own if text), "")
        if text:
            prompts[role] = text
    return prompts
