"""The reader's arithmetic by hand, and the real one on texts whose answers are plain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nearfield.errors import InputError, ModelNotInstalled
from nearfield.models import reading, resolve
from nearfield.models.precision import Precision
from nearfield.models.reading import PassageReader
from nearfield.models.reading.reader import Heads, _best_span, _whole_words
from nearfield.models.reading.window import window_of
from nearfield.models.transformer.runtime import TokenBatch
from nearfield.tokenization import SubwordTokenizer
from nearfield.tokenization import load as load_tokenizer
from nearfield.types import FloatArray

LOGITS = arrays.arrays(np.float32, st.integers(1, 40), elements=st.integers(-9, 9))


@pytest.fixture(scope="module")
def tokenizer(reranker_path: Path) -> SubwordTokenizer:
    return load_tokenizer(reranker_path)


def test_a_window_is_the_pair_as_the_tokenizer_cuts_it(tokenizer: SubwordTokenizer) -> None:
    question, text = "Who was the duke?", "William, Duke of Normandy, crossed in 1066."
    window = window_of(tokenizer, question, text, 128)
    ((pair,), truncated) = tokenizer.prepare_pairs(question, [text], max_tokens=128)
    assert window.ids.tolist() == pair.ids.tolist()
    assert not truncated
    assert window.first == int(np.argmax(pair.types == 1))
    assert [text[a:b] for a, b in window.spans][:3] == ["William", ",", "Duke"]
    assert len(window.ids) == window.first + len(window.spans) + 1


def test_of_a_long_text_the_part_with_the_questions_words_is_read(
    tokenizer: SubwordTokenizer,
) -> None:
    text = "one two " * 100 + "the harbour bridge opened in spring " + "six ten " * 100
    window = window_of(tokenizer, "When was the harbour bridge opened?", text, 40)
    shown = text[window.spans[0, 0] : window.spans[-1, 1]]
    assert len(window.ids) == 40
    assert "harbour bridge opened" in shown
    # As much stands before as after: the middle one of the parts that hold all three words.
    before, after = shown.split("harbour bridge opened")
    assert abs(len(before.split()) - len(after.split())) <= 2


def test_a_long_question_loses_its_tail(tokenizer: SubwordTokenizer) -> None:
    window = window_of(tokenizer, "why " * 300, "Because.", 128)
    assert window.first == 64
    assert window.ids[63] == window.ids[-1]  # [SEP]


@settings(max_examples=100, deadline=None)
@given(firsts=LOGITS, data=st.data())
def test_the_best_span_is_that_of_all_pairs(firsts: FloatArray, data: st.DataObject) -> None:
    lasts = data.draw(
        arrays.arrays(np.float32, len(firsts), elements=st.integers(-9, 9)), label="lasts"
    )
    first, last, best = _best_span(firsts, lasts)
    pairs = [
        (float(firsts[a] + lasts[b]), -a, -b)
        for a in range(len(firsts))
        for b in range(a, min(a + 20, len(firsts)))
    ]
    assert (best, -first, -last) == max(pairs)


@pytest.mark.parametrize(
    ("text", "start", "end", "wanted"),
    [
        ("in 1066, they", 3, 5, "1066"),
        ("the unhappiest man", 6, 9, "unhappiest"),
        ("(Rome)", 1, 5, "Rome"),
        ("Rome", 0, 4, "Rome"),
    ],
)
def test_no_word_is_cut(text: str, start: int, end: int, wanted: str) -> None:
    a, b = _whole_words(text, start, end)
    assert text[a:b] == wanted


class _Numbered:
    """Gives each token the vector (its number in the batch's text, its kind)."""

    name, precision, max_batch_tokens = "numbered", Precision.EXACT, 1000

    def __init__(self, vocabulary: int) -> None:
        self._vocabulary = vocabulary

    def hidden_states(self, batch: TokenBatch) -> FloatArray:
        numbers = np.concatenate([np.arange(n) for n in batch.lengths])
        return np.stack([numbers, batch.ids >= self._vocabulary], axis=1).astype(np.float32)


def test_logits_are_those_of_the_heads(tokenizer: SubwordTokenizer) -> None:
    """A span starts late and ends early by these heads: one token, the last of the passage."""
    heads = Heads(
        np.eye(2, dtype=np.float32),
        np.array([0.0, 0.5], dtype=np.float32),
        np.array([3.0, 2.0], dtype=np.float32),
        np.float32(1.0),
        np.array([[1.0, 0.0], [0.0, 4.0]], dtype=np.float32),
        np.array([0.25, 0.5], dtype=np.float32),
    )
    count = tokenizer.vocabulary_size
    reader = PassageReader("by hand", tokenizer, _Numbered(count), heads, count)
    (found,) = reader.read("Who came?", ["William came."])
    assert found.answered == pytest.approx(2.0 * np.tanh(0.5) + 1.0, abs=1e-6)
    # [CLS] who came ? [SEP] william came . [SEP]: the last token of the passage is the eighth.
    assert found.margin == pytest.approx((7 + 0.25) + (4 + 0.5) - (0.25 + 0.5), abs=1e-6)
    assert (found.start, found.end) == (12, 13)
    (nothing,) = reader.read("Who came?", [""])
    assert (nothing.margin, nothing.start, nothing.end) == (0.0, 0, 0)
    assert reader.read("Who came?", []) == []
    with pytest.raises(InputError, match="the question is blank"):
        reader.read(" ", ["William came."])


PASSAGE = (
    "The Normans were descended from Norse raiders who, under their leader Rollo, agreed to swear "
    "fealty to King Charles III of West Francia."
)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who was the leader of the Norse raiders?", "Rollo"),
        ("To whom did Rollo swear fealty?", "King Charles III"),
        ("From whom were the Normans descended?", "Norse raiders"),
    ],
)
def test_the_reader_finds_the_words_that_answer(
    reranker_path: Path, question: str, answer: str
) -> None:
    (found,) = reading.shared().read(question, [PASSAGE])
    assert PASSAGE[found.start : found.end] == answer
    (other,) = reading.shared().read("What is the boiling point of lead?", [PASSAGE])
    assert other.answered < min(found.answered, -3.0)
    assert other.margin < found.margin


def test_company_changes_no_reading(reranker_path: Path) -> None:
    reader = reading.shared()
    texts = [PASSAGE, "A short one.", PASSAGE * 5]
    together = reader.read("Who was Rollo?", texts)
    alone = [reader.read("Who was Rollo?", [text])[0] for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert one.answered == pytest.approx(other.answered, abs=1e-4)
        assert (one.start, one.end) == (other.start, other.end)


def test_there_is_no_reader_without_the_reranker(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another model in a folder of its name, where the program runs, is not it."""
    other = tmp_path / reading.BASE
    other.mkdir()
    (other / "model.onnx").write_bytes(b"another model")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEARFIELD_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(resolve, "models_dir", lambda: tmp_path / "models")
    assert not reading.available()
    with pytest.raises(ModelNotInstalled, match="nearfield models install ms-marco-MiniLM-L-12-v2"):
        reading.load()


@pytest.mark.slow
def test_readings_are_those_of_transformers(reranker_path: Path) -> None:
    """The same weights, with token types, in the model that the changes were learned in."""
    torch = pytest.importorskip("torch", reason="the reference is missing: torch")
    transformers = pytest.importorskip("transformers", reason="missing: transformers")
    from importlib import resources

    from nearfield.models.reading.base import BaseWeights, base_shape
    from nearfield.models.reading.loading import _Weights
    from nearfield.models.transformer.names import names_in_files
    from nearfield.models.transformer.weights import Tensors, read_header

    place = resources.files("nearfield.models.reading") / "reader.safetensors"
    with resources.as_file(place) as file:
        changes = Tensors(read_header(file))
        base = BaseWeights(reranker_path / "model.onnx")
        weights = _Weights(base, changes)
        shape = base_shape(30522)
        named = {
            theirs: torch.tensor(
                np.array(weights[ours] if ours.startswith("layers") else base[ours])
            )
            for ours, theirs in names_in_files(shape).items()
        }
        bert = transformers.BertModel(
            transformers.BertConfig(
                hidden_size=384,
                num_hidden_layers=12,
                num_attention_heads=12,
                intermediate_size=1536,
            )
        ).eval()
        bert.load_state_dict(named, strict=False)
        tokenizer, reader = load_tokenizer(reranker_path), reading.load()
        for question in ("Who was the leader of the Norse raiders?", "What is lead?"):
            window = window_of(tokenizer, question, PASSAGE, 128)
            types = (np.arange(len(window.ids)) >= window.first).astype(np.int64)
            with torch.no_grad():
                states = (
                    bert(
                        input_ids=torch.tensor(window.ids[None]),
                        token_type_ids=torch.tensor(types[None]),
                    )
                    .last_hidden_state[0]
                    .numpy()
                )
            pooled = np.tanh(changes["pool.weight"] @ states[0] + changes["pool.bias"])
            wanted = float((changes["answered.weight"] @ pooled + changes["answered.bias"])[0])
            scores = states @ changes["span.weight"].T + changes["span.bias"]
            own = scores[window.first : -1]
            margin = _best_span(own[:, 0], own[:, 1])[2] - float(scores[0].sum())
            (found,) = reader.read(question, [PASSAGE])
            near = (
                0.2 if "bf16" in repr(reading.shared()) or "amx" in repr(reading.shared()) else 1e-3
            )
            assert found.answered == pytest.approx(wanted, abs=near)
            assert found.margin == pytest.approx(margin, abs=5 * near)
