"""Folders of BEIR and judgements of TREC, whole and broken."""

import gzip
import json

import pytest

from nearfield.errors import InputError, ReadError
from nearfield.evaluation.tasks import RetrievalTask, load
from nearfield.evaluation.tasks.beir import load_qrels
from nearfield.evaluation.tasks.retrieval import whole_text

CORPUS = [
    {"_id": "d1", "title": "Parkas", "text": "Warm coats.", "metadata": {"year": 2020}},
    {"_id": "d2", "text": "A canoe."},
    {"_id": "d3", "title": "", "text": "Maps of towns."},
]
QUERIES = [
    {"_id": "q2", "text": "boat"},
    {"_id": "q1", "text": "winter clothes"},
    {"_id": "q3", "text": "never judged"},
]
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq2\td2\t1\nq1\td3\t0\n"


def write(folder, corpus=CORPUS, queries=QUERIES, qrels=None, packed=False):
    (folder / "qrels").mkdir(parents=True)
    for name, records in (("corpus", corpus), ("queries", queries)):
        text = "".join(json.dumps(record) + "\n" for record in records)
        if packed:
            (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (folder / f"{name}.jsonl").write_text(text)
    for split, content in (qrels or {"test": QRELS}).items():
        (folder / "qrels" / f"{split}.tsv").write_text(content)
    return folder


@pytest.mark.parametrize("packed", [False, True])
def test_a_whole_folder(tmp_path, packed):
    task = load(write(tmp_path / "tiny", packed=packed))
    assert isinstance(task, RetrievalTask)
    assert (task.name, task.split, task.problems) == ("tiny", "test", ())
    assert list(task.queries) == ["q2", "q1"] == list(task.qrels)
    assert task.qrels["q1"] == {"d1": 2, "d3": 0}
    assert task.relevant("q1") == {"d1"}
    assert [whole_text(d) for d in task.documents.values()] == [
        "Parkas Warm coats.", "A canoe.", "Maps of towns."]  # fmt: skip
    assert task.documents["d1"].metadata == {"year": 2020}
    assert task.sizes() == {"documents": 3, "queries": 2, "judgements": 3}


def test_trec_judgements_are_told_by_their_columns(tmp_path):
    folder = write(tmp_path / "t")
    (folder / "qrels" / "test.tsv").unlink()
    (folder / "qrels.txt").write_text("q1 0 d1 2\nq2 0 d2 1\n\nq1 0 d3 0\n")
    assert load(folder).qrels == {"q2": {"d2": 1}, "q1": {"d1": 2, "d3": 0}}


def test_ids_may_hold_spaces_where_tabs_separate(tmp_path):
    path = tmp_path / "q.tsv"
    path.write_text("q one\td one\t1\n")
    assert load_qrels(path) == {"q one": {"d one": 1}}


def test_the_digest_follows_what_decides_figures(tmp_path):
    same = load(write(tmp_path / "a")).digest()
    assert load(write(tmp_path / "b", packed=True)).digest() == same
    other = QRELS.replace("d1\t2", "d1\t1")
    assert load(write(tmp_path / "c", qrels={"test": other})).digest() != same


def test_splits(tmp_path):
    folder = write(tmp_path / "s", qrels={"train": QRELS, "test": QRELS.replace("\t2", "\t1")})
    assert load(folder).qrels["q1"]["d1"] == 1
    assert load(folder, split="train").qrels["q1"]["d1"] == 2
    with pytest.raises(InputError, match="no split 'dev': it has test, train"):
        load(folder, split="dev")
    with pytest.raises(InputError, match="choose one of a, b"):
        load(write(tmp_path / "u", qrels={"a": QRELS, "b": QRELS}))


def test_everything_wrong_is_told_and_the_rest_goes_on(tmp_path):
    corpus = [*CORPUS, {"_id": "d1", "text": "Again."}, {"_id": "d4", "title": " ", "text": ""}]
    queries = [*QUERIES, {"_id": "q1", "text": "again"}]
    qrels = QRELS + "q1\tnowhere\t1\nq1\td4\t1\nq3\td1\t0\nq1\td1\t1\n"
    task = load(write(tmp_path / "w", corpus, queries, {"test": qrels}))
    told = [problem.reason for problem in task.problems]
    assert told == [
        "1 record has the id of an earlier one; the first counts: d1 (line 4)",
        "1 record has the id of an earlier one; the first counts: q1 (line 4)",
        "1 pair was judged before; the first judgement counts: q1 d1 (line 8)",
        "1 document has no text and cannot be found: d4",
        "1 judged query has no relevant document and is left out: q3",
        "1 judged document is not in the corpus; it counts as never found: nowhere",
    ]
    assert task.documents["d1"].text == "Warm coats."
    assert task.queries["q1"] == "winter clothes"
    assert list(task.queries) == ["q2", "q1"]
    # They stay, so that nobody reaches a figure by losing documents.
    assert task.qrels["q1"] == {"d1": 2, "d3": 0, "nowhere": 1, "d4": 1}


@pytest.mark.parametrize(
    ("file", "line", "told"),
    [
        ("corpus.jsonl", "{not json}", "corpus.jsonl, line 4: no valid JSON"),
        ("corpus.jsonl", "[1]", "corpus.jsonl, line 4: expected an object"),
        ("corpus.jsonl", '{"text": "x"}', "line 4: has no '_id' or 'id'"),
        ("corpus.jsonl", '{"_id": "x", "text": ["y"]}', "line 4: 'text' is"),
        ("queries.jsonl", '{"_id": "q9", "text": "  "}', "queries.jsonl, line 4: the query 'q9'"),
        ("queries.jsonl", '{"_id": "q9"}', "line 4: has no 'text'"),
        ("qrels/test.tsv", "q1\td1", "test.tsv, line 5: has 2 fields"),
        ("qrels/test.tsv", "q1\td1\thigh", "line 5: grade is 'high'"),
        ("qrels/test.tsv", "q1\td1\t0.5", "line 5: grade is 0.5, not a whole number"),
    ],
)
def test_broken_lines_name_file_and_line(tmp_path, file, line, told):
    folder = write(tmp_path / "b")
    with (folder / file).open("a") as out:
        out.write(line + "\n")
    with pytest.raises(ReadError, match=told):
        load(folder)


def test_files_that_do_not_belong_together(tmp_path):
    folder = write(tmp_path / "x", qrels={"test": QRELS + "q7\td1\t1\n"})
    with pytest.raises(InputError, match="judges q7, which is not among the 3 queries"):
        load(folder)
    empty = write(tmp_path / "y", qrels={"test": "q1\td1\t0\n"})
    with pytest.raises(InputError, match="no query has a relevant document"):
        load(empty)


def test_missing_and_damaged_files(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        load(tmp_path / "nowhere")
    folder = write(tmp_path / "m")
    (folder / "qrels" / "test.tsv").unlink()
    with pytest.raises(ReadError, match="has no judgements"):
        load(folder)
    damaged = write(tmp_path / "d", packed=True)
    path = damaged / "corpus.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ReadError, match="is damaged"):
        load(damaged)
    latin = write(tmp_path / "l")
    (latin / "queries.jsonl").write_bytes(b'{"_id": "q1", "text": "caf\xe9"}\n')
    with pytest.raises(ReadError, match="is not UTF-8"):
        load(latin)
