"""No vector is bought twice, and none from a model that changed behind its name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from tests.support.hosted import KEY, Fault, HostedServer, Wide

import nearfield as nf
from nearfield.collection import IndexOptions
from nearfield.errors import (
    InputError,
    NearfieldWarning,
    RemoteModelChanged,
    RemoteUnavailable,
    SpendingCapReached,
)
from nearfield.models import remote
from nearfield.models.cache import CachedEncoder
from nearfield.models.paid import PROBE

MODEL = "cohere:embed-english-light-v3.0"


@pytest.fixture(autouse=True)
def wide(hosted: HostedServer) -> None:
    hosted.encoder = Wide(384)


def _notes(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:04}.txt").write_text(f"note {number:04} about a warm parka\n")
    return folder


def _bought(hosted: HostedServer) -> Counter[str]:
    return Counter(text for text in hosted.texts() if text != PROBE)


def test_a_killed_job_buys_only_what_is_missing(
    hosted: HostedServer, tmp_path: Path, private_home: Path
) -> None:
    notes = _notes(tmp_path / "notes", 96 * 6)
    program = textwrap.dedent(
        """
        import sys
        import nearfield as nf
        from nearfield.models.remote.pace import Pace
        Pace.__init__.__defaults__ = (1, 1)  # one request at a time: each must be stored before
        with nf.open(sys.argv[1], encoder="cohere:embed-english-light-v3.0") as collection:
            print(collection.index(sys.argv[2]).passages)
        """
    )
    arguments = [sys.executable, "-c", program, str(tmp_path / "n.nf"), str(notes)]
    hosted.faults.extend([None, None, None, None, Fault(delay=30)])  # 2 probes, 2 paid, then …
    process = subprocess.Popen(arguments, env=dict(os.environ))
    deadline = time.monotonic() + 60
    while len(hosted.seen) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    first = _bought(hosted)
    assert sum(first.values()) == 96 * 3  # two answered, the third was lost with the process
    again = subprocess.run(
        arguments, env=dict(os.environ), capture_output=True, text=True, check=True
    )
    assert again.stdout.strip() == str(96 * 6)
    counts = _bought(hosted)
    assert len(counts) == 96 * 6
    assert Counter(counts.values()) == {1: 96 * 5, 2: 96}
    with nf.open(tmp_path / "n.nf") as collection:
        assert collection.count() == 96 * 6
        hit = collection.search("note 0123 about a warm parka", k=1)[0]
        assert hit.score == pytest.approx(1.0, abs=1e-6)


def test_a_job_that_fails_goes_on_where_it_was(hosted: HostedServer, tmp_path: Path) -> None:
    notes = _notes(tmp_path / "notes", 96 * 3)
    with nf.open(tmp_path / "n.nf", encoder=MODEL) as collection:
        hosted.faults.extend([None] + [Fault(500)] * 40)
        with pytest.raises(RemoteUnavailable):
            collection.index(notes)
        hosted.faults.clear()
        report = collection.index(notes)
        assert report.passages == 96 * 3
    answered = Counter(_bought(hosted).values())
    assert sum(answered.values()) == 96 * 3
    # Asked for again are only the texts of requests that failed.
    done = [seen for seen in hosted.seen if len(seen.body["texts"]) > 1]
    assert len(done[0].body["texts"]) == 96
    assert all(_bought(hosted)[text] == 1 for text in done[0].body["texts"])


def test_a_capped_job_goes_on_when_the_cap_is_raised(hosted: HostedServer, tmp_path: Path) -> None:
    notes = _notes(tmp_path / "notes", 96 * 4)
    name = f"{MODEL}#price=1000"
    with nf.open(tmp_path / "n.nf", encoder=name) as collection:
        remote.cap(7.0)
        with pytest.raises(SpendingCapReached):
            collection.index(notes)
        assert 0 < remote.account().spent.cost <= 7.0
        remote.cap(None)
        assert collection.index(notes).passages == 96 * 4
    assert set(_bought(hosted).values()) == {1}


def test_two_collections_share_what_was_bought(hosted: HostedServer, tmp_path: Path) -> None:
    notes = _notes(tmp_path / "notes", 20)
    for name in ("a.nf", "b.nf"):
        with nf.open(tmp_path / name, encoder=MODEL) as collection:
            collection.index(notes)
    assert set(_bought(hosted).values()) == {1}


def test_adding_texts_buys_each_once(hosted: HostedServer, tmp_path: Path) -> None:
    with nf.open(tmp_path / "n.nf", encoder=MODEL) as collection:
        collection.add(["warm", "cold"])
        collection.add(["warm", "river"])
        assert collection.count() == 3
    assert set(_bought(hosted).values()) == {1}


def test_queries_and_documents_do_not_share_vectors_where_roles_differ(
    hosted: HostedServer,
) -> None:
    encoder = CachedEncoder(remote.load(MODEL))
    encoder.encode(["warm"], role="document")
    encoder.encode(["warm"], role="query")
    assert _bought(hosted)["warm"] == 2
    encoder = CachedEncoder(remote.load("openai:letters"))
    encoder.encode(["cold"], role="document")
    encoder.encode(["cold"], role="query")
    assert _bought(hosted)["cold"] == 1


def test_what_is_missing_is_known_before_it_is_bought(hosted: HostedServer) -> None:
    encoder = CachedEncoder(remote.load(MODEL))
    encoder.encode(["warm", "cold"])
    assert encoder.missing(["warm", "river", "river", "cold", "bank"]) == [1, 4]
    assert _bought(hosted) == {"warm": 1, "cold": 1}


def test_a_model_that_changed_behind_its_name_is_refused(
    hosted: HostedServer, tmp_path: Path
) -> None:
    with nf.open(tmp_path / "n.nf", encoder=MODEL) as collection:
        collection.add(["a warm parka"])
    hosted.encoder = Wide(384, twist=3)
    with nf.open(tmp_path / "n.nf") as collection:
        with pytest.raises(RemoteModelChanged, match=r"distance of 0\.\d+ .* 0\.001 is allowed"):
            collection.search("parka")
        before = len(hosted.texts())
        with pytest.raises(RemoteModelChanged), pytest.warns(NearfieldWarning):
            collection.add(["a cold river"])
        assert "a cold river" not in hosted.texts()[before:]
        assert collection.count() == 1
    with nf.open(tmp_path / "n.nf", encoder=MODEL) as collection, pytest.raises(RemoteModelChanged):
        collection.search("parka")


def test_noise_of_the_provider_is_no_change(hosted: HostedServer, tmp_path: Path) -> None:
    with nf.open(tmp_path / "n.nf", encoder=MODEL) as collection:
        collection.add(["a warm parka"])

    class Noisy(Wide):
        def encode(self, inputs, *, role="document", observe=None):  # type: ignore[no-untyped-def]
            rows = super().encode(inputs)
            noise = np.random.default_rng(len(inputs)).standard_normal(rows.shape)
            return (rows + 1e-3 * noise).astype(np.float32)

    hosted.encoder = Noisy(384)
    with nf.open(tmp_path / "n.nf") as collection:
        assert collection.search("a warm parka")[0].score == pytest.approx(1.0, abs=1e-3)


def test_the_probe_travels_with_a_question(hosted: HostedServer, tmp_path: Path) -> None:
    with nf.open(tmp_path / "n.nf", encoder=MODEL) as collection:
        collection.add(["a warm parka"])
    with nf.open(tmp_path / "n.nf") as collection:
        before = len(hosted.seen)
        collection.search("parka")
        assert [len(seen.body["texts"]) for seen in hosted.seen[before:]] == [2]
        collection.search("river")
        assert [len(seen.body["texts"]) for seen in hosted.seen[before:]] == [2, 1]


def test_a_changed_model_makes_a_cache_of_its_own(hosted: HostedServer) -> None:
    first = CachedEncoder(remote.load(MODEL)).encode(["warm"])
    hosted.encoder = Wide(384, twist=3)
    with pytest.warns(NearfieldWarning, match="other vectors than before"):
        second = CachedEncoder(remote.load(MODEL)).encode(["warm"])
    assert not np.allclose(first, second, atol=0.1)
    hosted.encoder = Wide(384)
    assert np.array_equal(CachedEncoder(remote.load(MODEL)).encode(["warm"]), first)
    assert _bought(hosted)["warm"] == 2


def test_two_servers_do_not_share_a_cache(
    hosted: HostedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HostedServer(Wide(384, twist=5), key="") as other:
        hosted.key = ""
        a = CachedEncoder(remote.load(f"openai:letters@{hosted.url}/openai/v1"))
        b = CachedEncoder(remote.load(f"openai:letters@{other.url}/openai/v1"))
        assert a.card.fingerprint == b.card.fingerprint  # told apart by the probe alone
        assert not np.allclose(a.encode(["warm"]), b.encode(["warm"]), atol=0.1)
        b.inner.requests.client.close()  # type: ignore[attr-defined]


def test_a_collection_that_names_a_foreign_host_sends_nothing(
    hosted: HostedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted.key = ""
    with nf.open(tmp_path / "n.nf", encoder=f"openai:letters@{hosted.url}/openai/v1") as made:
        made.add(["a warm parka"])
    # As if it had come from another machine.
    from nearfield.stores.local import LocalStore
    from nearfield.stores.local import Mode as StoreMode

    with LocalStore.open(tmp_path / "n.nf", mode=StoreMode.WRITE) as store:
        store.set_properties({"encoder": "openai:letters@https://gpu.example/v1"})
    with (
        nf.open(tmp_path / "n.nf") as collection,
        pytest.raises(InputError, match=r"at gpu\.example.*Nothing was sent"),
    ):
        collection.search("parka")


def test_an_unchanged_folder_costs_nothing(hosted: HostedServer, tmp_path: Path) -> None:
    notes = _notes(tmp_path / "notes", 5)
    with nf.open(tmp_path / "n.nf", encoder=MODEL) as collection:
        collection.index(notes)
    before = len(hosted.seen)
    with nf.open(tmp_path / "n.nf") as collection:
        assert collection.index(notes, options=IndexOptions(trust_stat=True)).unchanged == 5
    assert len(hosted.seen) == before


def test_keys_are_needed_again_by_whoever_opens_it(
    hosted: HostedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with nf.open(tmp_path / "n.nf", encoder=MODEL) as collection:
        collection.add(["a warm parka"])
    monkeypatch.setenv("COHERE_API_KEY", KEY[::-1])
    with nf.open(tmp_path / "n.nf") as collection, pytest.raises(Exception, match="COHERE_API_KEY"):
        collection.search("parka")


def test_a_forecast_counts_what_neither_the_collection_nor_the_cache_holds(
    hosted: HostedServer, tmp_path: Path
) -> None:
    notes = _notes(tmp_path / "notes", 10)
    name = f"{MODEL}#price=2"
    with nf.open(tmp_path / "a.nf", encoder=name) as collection:
        plan = collection.forecast(notes)
        assert plan is not None and plan.cost is not None
        assert plan.texts == 10
        assert plan.cost == pytest.approx(plan.tokens * 2e-6)
        before = len(hosted.seen)
        report = collection.index(notes)
        assert len(hosted.seen) == before + 1
        assert report.requests == 1
        assert report.cost == pytest.approx(sum(hosted.count(hosted.texts()[-10:])) * 2e-6)
        again = collection.forecast(notes)
        assert again is not None and (again.texts, again.cost) == (0, 0.0)
        (notes / "0003.txt").write_text("quite another note\n")
        changed = collection.forecast(notes)
        assert changed is not None and changed.texts == 1
    with nf.open(tmp_path / "b.nf", encoder=name) as collection:
        shared = collection.forecast(notes)
        assert shared is not None and shared.texts == 1  # the rest is in the cache


def test_local_models_have_no_forecast(tmp_path: Path, wordllama_path: Path) -> None:
    notes = _notes(tmp_path / "notes", 2)
    with nf.open(tmp_path / "n.nf", encoder=str(wordllama_path)) as collection:
        assert collection.forecast(notes) is None
        report = collection.index(notes)
        assert (report.requests, report.cost) == (0, None)


def test_a_sentence_is_marked_without_sending_anything(
    hosted: HostedServer, tmp_path: Path
) -> None:
    from nearfield.search.highlight import best_sentences

    text = "The river is cold. A parka keeps you warm in winter. Birds sing."
    with nf.open(tmp_path / "n.nf", encoder=MODEL) as collection:
        collection.add([text])
        hits = collection.search("a warm parka")
        before = len(hosted.seen)
        marks = best_sentences(collection.encoder, "a warm parka", hits)
        assert len(hosted.seen) == before
    assert [text[a:b] for a, b in filter(None, marks)] == ["A parka keeps you warm in winter."]
    assert best_sentences(remote.load(MODEL), "zebra", hits) == [None]


def test_a_migration_to_a_hosted_model_buys_each_passage_once(
    hosted: HostedServer, tmp_path: Path, wordllama_path: Path
) -> None:
    from nearfield.collection.migrating import Migration, Target
    from nearfield.collection.migration_plan import plan

    notes = _notes(tmp_path / "notes", 30)
    with nf.open(tmp_path / "n.nf", encoder=str(wordllama_path)) as collection:
        collection.index(notes)
    migration, target = Migration(tmp_path / "n.nf"), Target(MODEL, remote.load(MODEL), None)
    plan(migration, target)
    migration.prepare(target)
    migration.switch()
    with nf.open(tmp_path / "n.nf") as collection:
        hosted.encoder = Wide(384, twist=3)
        with pytest.raises(RemoteModelChanged):
            collection.search("parka")
    hosted.encoder = Wide(384)
    passages = [text for text in hosted.texts() if text.startswith("note ")]
    assert sorted(Counter(passages).values()) == [1] * 30
