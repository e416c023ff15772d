"""Tables become tasks by the names of their columns."""

import gzip
import json

import pytest

from nearfield.errors import InputError, ReadError
from nearfield.evaluation.tasks import TaskKind, load


def lines(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_sts_in_every_layout(tmp_path):
    (tmp_path / "a.tsv").write_text('sentence1\tsentence2\tscore\nSay "hi"\tHello\t4.5\nA\tB\t0\n')
    (tmp_path / "a.csv").write_text('sentence1,sentence2,score\n"Say ""hi""",Hello,4.5\nA,B,0\n')
    rows = [
        {"sentence1": 'Say "hi"', "sentence2": "Hello", "score": 4.5},
        {"sentence1": "A", "sentence2": "B", "score": 0},
    ]
    lines(tmp_path / "a.jsonl", *rows)
    packed = tmp_path / "b.tsv.gz"
    packed.write_bytes(gzip.compress((tmp_path / "a.tsv").read_bytes()))
    tasks = [load(tmp_path / name) for name in ("a.tsv", "a.csv", "a.jsonl", "b.tsv.gz")]
    assert [task.kind for task in tasks] == [TaskKind.STS] * 4
    assert tasks[0].left == ('Say "hi"', "A") and tasks[0].scores == (4.5, 0.0)
    assert len({task.digest() for task in tasks}) == 1


def test_a_part_to_learn_from_makes_it_classification(tmp_path):
    (tmp_path / "train.tsv").write_text("text\tlabel\nred\tcolour\nsalt\ttaste\n")
    (tmp_path / "test.tsv").write_text("text\tlabel\nblue\tcolour\nred\tshape\n")
    (tmp_path / "notes.tsv").write_text("anything\n")
    task = load(tmp_path)
    assert (task.kind, task.split) == (TaskKind.CLASSIFICATION, "test")
    assert task.train_labels == ("colour", "taste") and task.test_texts == ("blue", "red")
    assert [problem.reason for problem in task.problems] == [
        "1 of 2 texts have a label that train does not have, such as 'shape'; they count as wrong",
        "1 texts stand in train as well",
    ]
    grouped = load(tmp_path, kind="clustering")
    assert (grouped.kind, grouped.texts) == (TaskKind.CLUSTERING, ("blue", "red"))
    assert load(tmp_path / "test.tsv").kind is TaskKind.CLUSTERING
    with pytest.raises(InputError, match="cannot be classification"):
        load(tmp_path / "test.tsv", kind="classification")


def test_pairs_bitext_reranking_summaries(tmp_path):
    pairs = lines(
        tmp_path / "pairs.jsonl",
        {"sentence1": "a", "sentence2": "b", "label": 1},
        {"sentence1": "a", "sentence2": "c", "label": False},
    )
    assert load(pairs).labels == (True, False)
    both = tmp_path / "bi.csv"
    both.write_text("source,target\nHaus,house\nBaum,tree\n")
    assert load(both).targets == ("house", "tree")
    again = lines(
        tmp_path / "re.jsonl",
        {"query": "q", "positive": ["p"], "negative": ["n", "m"]},
        {"query": "lost", "positive": [], "negative": ["n"]},
    )
    task = load(again)
    assert task.candidates == {"q1": {"p0": "p", "n0": "n", "n1": "m"}}
    assert task.qrels == {"q1": {"p0": 1}}
    assert task.problems[0].reason == "1 queries without a positive text are left out"
    told = {"human_summaries": ["h"], "machine_summaries": ["m", "n"], "relevance": [3, 1.5]}
    assert load(lines(tmp_path / "su.jsonl", told)).scores == ((3.0, 1.5),)


@pytest.mark.parametrize(
    ("name", "content", "error", "told"),
    [
        ("a.tsv", "sentence1\tsentence2\tscore\na\tb\n", ReadError, "line 2: has 2 fields"),
        ("a.tsv", "sentence1\tsentence2\tscore\na\tb\tgood\n", ReadError, "line 2: 'score' is"),
        ("a.tsv", "sentence1\tsentence2\tscore\na\tb\tnan\n", ReadError, "finite number"),
        ("a.tsv", "sentence1\tsentence2\tscore\na\tb\t1\n", InputError, "all scores are equal"),
        ("a.tsv", "sentence1\tsentence2\tlabel\na\tb\t2\n", ReadError, "expected 0 or 1"),
        ("a.tsv", "text\tlabel\na\t \nb\tx\n", ReadError, "line 2: has no label"),
        ("a.tsv", "text\tlabel\na\tx\nb\tx\n", InputError, "no groups"),
        ("a.tsv", "words\tclass\na\tx\n", InputError, "those of no task"),
        ("a.tsv", "text\ttext\na\tx\n", ReadError, "names of the columns"),
        ("a.tsv", "text\tlabel\n", ReadError, "holds no row"),
        ("a.tsv", "", ReadError, "names of the columns"),
        ("a.csv", 'text,label\n"open,x\n', ReadError, "no valid CSV"),
        ("a.jsonl", '{"query": "q", "positive": [1], "negative": []}\n', ReadError, "no text"),
        ("a.jsonl", '{"text": {"a": 1}, "label": "x"}\n', ReadError, "expected a text"),
    ],
)
def test_broken_tables_name_file_and_line(tmp_path, name, content, error, told):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(error, match=told):
        load(path)


def test_folders_without_a_task(tmp_path):
    with pytest.raises(InputError, match="holds no task: expected"):
        load(tmp_path)
    (tmp_path / "x.tsv").write_text("text\tlabel\na\tx\nb\ty\n")
    assert load(tmp_path).split == "x"
    (tmp_path / "y.tsv").write_text("text\tlabel\na\tx\nb\ty\n")
    with pytest.raises(InputError, match="choose one of x, y"):
        load(tmp_path)
    with pytest.raises(InputError, match="expected one of retrieval"):
        load(tmp_path, split="x", kind="guessing")
    with pytest.raises(InputError, match="cannot be sts"):
        load(tmp_path, split="x", kind="sts")
