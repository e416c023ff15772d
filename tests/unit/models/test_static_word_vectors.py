"""GloVe and word2vec files, read to the last oddity."""

from __future__ import annotations

import gzip
import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearfield.errors import (
    DimensionMismatch,
    InputError,
    ModelNotInstalled,
    NearfieldWarning,
    UnknownName,
    UnsupportedModel,
    UnsupportedOperation,
)
from nearfield.models.static import (
    Neighbour,
    StaticEncoder,
    analogy,
    load,
    neighbours,
    recognises,
    save_words,
)

ROWS = [[1.0, 0.0], [0.5, -2.0], [0.0, 3.25]]
TEXT = b"king 1 0\nqueen 0.5 -2\n. . 0 3.25\n"
WORDS = ["king", "queen", ". ."]


def _binary(words: list[bytes], rows: list[list[float]], between: bytes = b"\n") -> bytes:
    lines = (
        word + b" " + np.array(row, dtype="<f4").tobytes() + between
        for word, row in zip(words, rows, strict=True)
    )
    return b"%d %d\n" % (len(rows), len(rows[0])) + b"".join(lines)


def _read(path: Path) -> tuple[list[str], list[list[float]]]:
    encoder = load(path, name="toy")
    assert recognises(path)
    assert encoder.problems == ()
    return list(encoder.tokenizer.words), encoder.rows.tolist()


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        b"3 2\n" + TEXT,
        TEXT.replace(b"\n", b"\r\n"),
        TEXT.replace(b"\n", b" \n"),
        TEXT[:-1],
        b"3 2\n" + TEXT + b"\n\n",
        b"king\t1\t0\nqueen\t0.5\t-2\n. .\t0\t3.25\n",
        b"king 1  0\nqueen  0.5 -2\n. . 0 3.25\n",
    ],
)
@pytest.mark.parametrize("name", ["v.txt", "v.vec", "v.txt.gz", "v.bin"])
def test_text_in_all_its_forms(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert _read(path) == (WORDS, ROWS)


@pytest.mark.parametrize("between", [b"", b"\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_binary(tmp_path: Path, between: bytes, packed: bool) -> None:
    content = _binary([word.encode() for word in WORDS[:2]] + ["…é".encode()], ROWS, between)
    path = tmp_path / ("v.bin.gz" if packed else "v.bin")
    path.write_bytes(gzip.compress(content) if packed else content)
    assert _read(path) == (["king", "queen", "…é"], ROWS)


@pytest.mark.parametrize(
    ("vocabulary", "content"),
    [
        ("vocab.txt", "king\nqueen\n. .\n"),
        ("vocab.txt", "king\r\nqueen\r\n. ."),
        ("vocab.json", json.dumps(WORDS)),
        ("vocab.json", json.dumps({"queen": 1, ". .": 2, "king": 0})),
    ],
)
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<f2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_matrix_beside_words(
    tmp_path: Path, vocabulary: str, content: str, dtype: str, order: str
) -> None:
    np.save(tmp_path / "matrix.npy", np.array(ROWS, dtype=dtype, order=order))  # type: ignore[call-overload]
    (tmp_path / vocabulary).write_bytes(content.encode())
    assert _read(tmp_path) == (WORDS, ROWS)
    encoder = load(tmp_path / "matrix.npy", name="toy")
    assert encoder.encode(["king queen"]).tolist() == [[0.75, -1.0]]


@pytest.mark.parametrize("columns", [{"index": WORDS}, {"word": WORDS, "note": ["", "", ""]}])
def test_words_in_parquet(tmp_path: Path, columns: dict[str, list[str]]) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    np.save(tmp_path / "matrix.npy", np.array(ROWS, dtype=np.float32))
    pq.write_table(pa.table(columns), tmp_path / "index.parquet")
    assert _read(tmp_path) == (WORDS, ROWS)


def test_strange_words_survive(tmp_path: Path) -> None:
    words = ["\x85", "\u2028", "\xa0", "日本", "a b c", "1"]
    rows = np.arange(12, dtype=np.float32).reshape(6, 2)
    lines = [f"{word} {a} {b}" for word, (a, b) in zip(words, rows.tolist(), strict=True)]
    (tmp_path / "v.txt").write_bytes("\n".join(lines).encode())
    assert _read(tmp_path / "v.txt") == (words, rows.tolist())
    save_words(tmp_path / "saved", words, rows)
    assert _read(tmp_path / "saved") == (words, rows.tolist())


def test_vectors_of_one_dimension(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(b"1 5\n2 6\n")
    assert _read(tmp_path / "v.txt") == (["1", "2"], [[5.0], [6.0]])


def test_bad_lines_are_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    lines = [
        b"9 2", b"king 1 0", b"short 1", b"long 1 2 3", b"queen 0.5 -2", b"word x 1", b"bad nan 1",
        b"king 7 7", b"\xff\xfe 0 1", b" 1 2", b"worse 1 inf",
    ]  # fmt: skip
    path = tmp_path / "v.txt"
    path.write_bytes(b"\n".join(lines))
    with pytest.warns(NearfieldWarning, match="2 lines hold a vector of another length"):
        encoder = load(path, name="toy")
    assert list(encoder.tokenizer.words) == ["king", "queen", "\ufffd\ufffd"]
    assert encoder.rows.tolist() == [[1.0, 0.0], [0.5, -2.0], [0.0, 1.0]]
    assert {problem.source for problem in encoder.problems} == {str(path)}
    assert sorted(problem.reason for problem in encoder.problems) == [
        "1 lines hold no word (line 10)",
        "1 lines hold something that is not a number (line 6)",
        "1 lines repeat a word; the first one counts (line 8)",
        "1 words are not valid UTF-8; their bad bytes became U+FFFD (line 9)",
        "2 lines hold a number that is not finite (line 7, 11)",
        "2 lines hold a vector of another length (line 3, 4)",
        "the header announces 9 words, 3 could be used",
    ]


def test_bad_binary_vectors_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "v.bin"
    path.write_bytes(
        _binary([b"a", b"a", b"b", b"\xff"], [[1.5, 2.5], [3.0, 4.0], [np.inf, 0.0], [5.0, 6.0]])
    )
    with pytest.warns(NearfieldWarning, match="1 words occur again"):
        encoder = load(path, name="toy")
    assert list(encoder.tokenizer.words) == ["a", "\ufffd"]
    assert encoder.rows.tolist() == [[1.5, 2.5], [5.0, 6.0]]
    assert len(encoder.problems) == 3


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("v.txt", b"", "holds no word vectors"),
        ("v.txt", b"only words here\nand here too\n", "no line with a word and a vector"),
        ("v.bin", b"1000 2\n\x00\x00\x00\x00", "cannot hold them"),
        ("v.bin", _binary([b"a", b"b"], ROWS[:2])[:-3], "damaged at word 2 of 2"),
        ("v.txt.gz", b"no gzip", "cannot be unpacked"),
        ("v.txt.gz", gzip.compress(TEXT, mtime=0)[:-9], "cannot be unpacked"),
        ("v.npy", b"no matrix", "not a NumPy matrix"),
        ("v.npy", b"", "not a NumPy matrix"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnsupportedModel, match=message):
        load(tmp_path / name, name="toy")


def test_pickles_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.array([["a", object()]], dtype=object), allow_pickle=True)
    (tmp_path / "vocab.txt").write_text("a\n")
    with pytest.raises(UnsupportedModel, match="not a NumPy matrix"):
        load(tmp_path, name="toy")


@pytest.mark.parametrize(
    ("vocabulary", "content", "message"),
    [
        ("vocab.txt", b"king\nqueen\n", "lists 2 words, but matrix.npy beside it has 3 rows"),
        ("vocab.txt", b"\xff\n\n\n", "not valid UTF-8"),
        ("vocab.json", b"{", "not valid JSON"),
        ("vocab.json", b"7", "neither a list of words nor"),
        ("vocab.json", b'{"a": 0, "b": 1, "c": 3}', "does not number its words 0 to 2"),
        ("other.txt", b"", "there are no words beside"),
    ],
)
def test_words_that_do_not_fit(
    tmp_path: Path, vocabulary: str, content: bytes, message: str
) -> None:
    np.save(tmp_path / "matrix.npy", np.array(ROWS, dtype=np.float32))
    (tmp_path / vocabulary).write_bytes(content)
    with pytest.raises(UnsupportedModel, match=message):
        load(tmp_path, name="toy")


def test_what_is_no_matrix(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("a\n")
    for array in (np.zeros(3, np.float32), np.zeros((1, 2), np.int64), np.zeros((0, 2))):
        np.save(tmp_path / "v.npy", array)
        with pytest.raises(UnsupportedModel, match=r"expected floats of shape \(words, dim\)"):
            load(tmp_path, name="toy")


def test_folders_that_are_no_static_model(tmp_path: Path) -> None:
    with pytest.raises(ModelNotInstalled, match="there is no model at"):
        load(tmp_path / "nowhere", name="toy")
    (tmp_path / "vocab.txt").write_text("a\n")
    with pytest.raises(UnsupportedModel, match="found: none"):
        load(tmp_path, name="toy")
    assert not recognises(tmp_path)
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_bytes(TEXT)
    with pytest.raises(UnsupportedModel, match=r"found: a\.txt, b\.txt"):
        load(tmp_path, name="toy")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.txt", b"A folder of notes is no model.\nNot even in the year 2026\nor later.\n"),
        ("notes.txt", b""),
        ("notes.txt", b"one\ntwo\n"),
        ("notes.bin", bytes(range(256)) * 4),
        ("notes.txt.gz", b"no gzip"),
        ("notes.md", TEXT),
    ],
)
def test_prose_is_not_taken_for_vectors(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert not recognises(tmp_path)
    assert not recognises(tmp_path / name)
    assert not recognises(tmp_path / "nowhere.txt")


def test_what_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(DimensionMismatch, match="1 words cannot name 2 vectors"):
        save_words(tmp_path, ["a"], [[1.0], [2.0]])
    with pytest.raises(InputError, match="occurs twice"):
        save_words(tmp_path, ["a", "a"], [[1.0], [2.0]])
    with pytest.raises(InputError, match="line feed"):
        save_words(tmp_path, ["a\n"], [[1.0]])
    with pytest.raises(InputError, match=r"expected \(words, dim\)"):
        save_words(tmp_path, ["a"], [1.0])


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    words=st.lists(
        st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1).filter(
            lambda w: w == w.strip(" ") and "  " not in w and not any(c.isdigit() for c in w)
        ),
        min_size=1, max_size=6, unique=True,
    ),
    data=st.data(),
)  # fmt: skip
def test_text_and_matrix_hold_the_same(
    tmp_path: Path, words: list[str], data: st.DataObject
) -> None:
    number = st.floats(-1e3, 1e3, width=32)
    rows = data.draw(st.lists(st.tuples(number, number, number), min_size=len(words),
                              max_size=len(words)))  # fmt: skip
    lines = [f"{w} {' '.join(map(repr, row))}\n" for w, row in zip(words, rows, strict=True)]
    (tmp_path / "v.txt").write_bytes(f"{len(words)} 3\n{''.join(lines)}".encode())
    save_words(tmp_path / "saved", words, rows)
    nans = [w for w in words if w.lower() in ("nan", "inf", "infinity")]
    if not nans and not any(" " in word for word in words):
        assert _read(tmp_path / "v.txt") == _read(tmp_path / "saved")
    assert _read(tmp_path / "saved") == (words, np.array(rows, np.float32).tolist())


# Nearest words and analogies -----------------------------------------------------------------


@pytest.fixture
def royals(tmp_path: Path) -> StaticEncoder:
    words = ["king", "queen", "man", "woman", "apple", "nothing"]
    rows = [[2, 2, 0], [2, 0, 2], [0, 1, 0], [0, 0, 1], [-3, 1, 1], [0, 0, 0]]
    save_words(tmp_path, words, rows)
    return load(tmp_path, name="royals")


def test_neighbours_by_hand(royals: StaticEncoder) -> None:
    found = neighbours(royals, "King", 3)
    assert [n.word for n in found] == ["man", "queen", "woman"]
    assert [n.score for n in found] == pytest.approx([np.sqrt(0.5), 0.5, 0.0])


def test_analogy_by_hand(royals: StaticEncoder) -> None:
    # Unit vectors: king (√½, √½, 0) - man (0, 1, 0) + woman (0, 0, 1).
    target = np.array([np.sqrt(0.5), np.sqrt(0.5) - 1, 1])
    expected = target @ [np.sqrt(0.5), 0, np.sqrt(0.5)] / np.linalg.norm(target)
    best = analogy(royals, ["king", "woman"], ["man"], 1)
    assert best == [Neighbour("queen", pytest.approx(expected))]


def test_every_other_word_is_ranked(royals: StaticEncoder) -> None:
    found = neighbours(royals, "king", 99)
    assert len(found) == 5
    assert "king" not in {n.word for n in found}
    assert next(n.score for n in found if n.word == "nothing") == 0.0
    assert neighbours(royals, "king", 0) == []


def test_questions_that_are_refused(royals: StaticEncoder) -> None:
    with pytest.raises(UnknownName, match="royals has no vector for 'prince'"):
        neighbours(royals, "prince")
    with pytest.raises(InputError, match="at least one word"):
        analogy(royals, [])
    with pytest.raises(InputError, match="got one string"):
        analogy(royals, "king")
    with pytest.raises(InputError, match="k is -1"):
        neighbours(royals, "king", -1)


def test_glove(glove_path: Path) -> None:
    encoder = load(glove_path, name="glove")
    assert encoder.rows.shape == (400_000, 50)
    # The published vector of "the" begins so.
    assert encoder.word_vector("the")[:4] == pytest.approx([0.418, 0.24968, -0.41242, 0.1217])
    found = neighbours(encoder, "king", 2)
    assert [n.word for n in found] == ["prince", "queen"]
    assert found[1].score == pytest.approx(0.7839, abs=1e-4)
    assert analogy(encoder, ["king", "woman"], ["man"], 1)[0].word == "queen"
    king, queen, apple = encoder.encode(["king", "queen", "apple"])
    assert king @ queen / np.linalg.norm(queen) > king @ apple / np.linalg.norm(apple)


def test_neighbours_need_words(wordllama_path: Path) -> None:
    with pytest.raises(UnsupportedOperation, match="pieces of words"):
        neighbours(load(wordllama_path, name="wordllama"), "king")


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
