"""The local generator: a real model, opened once, asked little."""

from __future__ import annotations

from pathlib import Path

import pytest

from nearfield.errors import InputError, ModelError, ModelNotInstalled, UnknownName
from nearfield.protocols import Generator
from nearfield.rag.generators import load
from nearfield.types import Message, Speaker

SYSTEM = Message(Speaker.SYSTEM, "Answer the question in one short sentence.")


@pytest.fixture(scope="module")
def smollm2(smollm2_path: Path) -> Generator:
    pytest.importorskip("xllamacpp", reason="the extra rag is missing")
    from nearfield.rag.generators.llama import LlamaGenerator

    return LlamaGenerator(
        smollm2_path / "model.gguf", "smollm2-135m-instruct", context_tokens=256, threads=1
    )


def test_it_answers_piece_by_piece_and_counts(smollm2: Generator) -> None:
    asked = [SYSTEM, Message(Speaker.USER, "Normandy is a region of France.\n\nWhere is Normandy?")]
    pieces = list(smollm2.stream(asked, max_tokens=12, stop=["\n"]))
    text = "".join(piece.text for piece in pieces)
    assert "France" in text
    assert len(pieces) > 2
    usage = pieces[-1].usage
    assert usage is not None
    assert 0 < usage.output_tokens <= 12
    assert usage.input_tokens > smollm2.count(asked[1].text) > 10
    again = "".join(piece.text for piece in smollm2.stream(asked, max_tokens=12, stop=["\n"]))
    assert again == text


def test_tokens_are_those_of_the_vocabulary(smollm2: Generator) -> None:
    assert [smollm2.count(text) for text in ("", "Hello world", "2024")] == [0, 2, 4]


def test_closing_stops_it(smollm2: Generator) -> None:
    pieces = smollm2.stream([Message(Speaker.USER, "Count to fifty.")], max_tokens=200)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert smollm2.count("Hello") == 1


def test_a_prompt_that_is_too_long_is_refused(smollm2: Generator) -> None:
    with pytest.raises(InputError, match=r"tokens and smollm2-135m-instruct is opened with 256"):
        list(smollm2.stream([Message(Speaker.USER, "word " * 400)]))


def test_the_key_is_not_shown(smollm2: Generator) -> None:
    assert repr(smollm2) == "LlamaGenerator('smollm2-135m-instruct', 256 tokens)"


def test_names(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="smollm2-135m-instruct"):
        load("smollm2-135m-instruc")
    with pytest.raises(ModelNotInstalled, match="no model at"):
        load(str(tmp_path / "none.gguf"))


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="the extra rag is missing")
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ModelError, match="cannot be opened"):
        load(str(path))


@pytest.mark.slow
def test_the_copy_with_wider_weights_answers(smollm2_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="the extra rag is missing")
    from nearfield.rag.generators.copies import quick_copy
    from nearfield.rag.generators.gguf import Q8_0, header
    from nearfield.rag.generators.llama import LlamaGenerator

    copy = quick_copy(smollm2_path / "model.gguf")
    assert {tensor.type for tensor in header(copy).tensors} == {0, Q8_0}
    wide = LlamaGenerator(copy, "smollm2", context_tokens=256, threads=1)
    asked = [SYSTEM, Message(Speaker.USER, "Normandy is a region of France.\n\nWhere is Normandy?")]
    text = "".join(piece.text for piece in wide.stream(asked, max_tokens=12, stop=["\n"]))
    assert "France" in text
