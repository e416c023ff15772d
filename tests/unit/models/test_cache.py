"""The vector cache: exact, shared, bounded, and never a reason to fail."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearfield.errors import InputError, NearfieldWarning, TruncationWarning
from nearfield.models import cache as cache_module
from nearfield.models.cache import CachedEncoder, VectorCache
from nearfield.models.vector_cache import CachedVector, Flag, key
from nearfield.protocols import Encoder, Observer
from nearfield.types import BatchReport, FloatArray, ModelCard, Role


class Counting:
    """Random vectors, another one at every call, so that only the cache can repeat one."""

    tokenizer = None

    def __init__(self, *, fingerprint: str = "f" * 64, dimension: int = 5) -> None:
        prompts = {Role.QUERY: "query: "}
        self.card = ModelCard("toy", dimension, 3, fingerprint, normalised=False, prompts=prompts)
        self.calls: list[list[str]] = []
        self._random = np.random.default_rng()

    def encode(
        self,
        inputs: Sequence[str],
        *,
        role: Role | str = Role.DOCUMENT,
        observe: Observer | None = None,
    ) -> FloatArray:
        self.calls.append(list(inputs))
        if "crash" in inputs:
            raise KeyboardInterrupt
        for start in range(0, len(inputs), 2):  # two texts a batch
            batch = range(start, min(start + 2, len(inputs)))
            if observe:
                cut = tuple(i for i in batch if len(inputs[i]) > 3)
                empty = tuple(i for i in batch if not inputs[i])
                observe(BatchReport(tuple(batch), 7, cut, empty))
        return self._random.standard_normal((len(inputs), self.card.dimension), dtype=np.float32)


@pytest.fixture
def cache(tmp_path: Path) -> VectorCache:
    return VectorCache(tmp_path / "vectors")


def test_second_time_comes_from_the_disk_bit_for_bit(cache: VectorCache) -> None:
    toy = Counting()
    first = CachedEncoder(toy, cache).encode(["a", "b"])
    second = CachedEncoder(toy, VectorCache(cache.path)).encode(["b", "a", "c"])
    assert second[:2].tobytes() == first[::-1].tobytes()
    assert toy.calls == [["a", "b"], ["c"]]
    assert second.dtype == np.float32
    assert second.flags.c_contiguous


def test_it_is_an_encoder_with_the_same_card(cache: VectorCache) -> None:
    toy = Counting()
    encoder = CachedEncoder(toy, cache)
    assert isinstance(encoder, Encoder)
    assert encoder.card is toy.card
    assert encoder.encode([]).shape == (0, 5)
    assert toy.calls == []


def test_default_place(private_home: Path) -> None:
    CachedEncoder(Counting()).encode(["a"])
    assert len(list((private_home / "cache" / "vectors").glob("*.sqlite"))) == 1


def test_repeated_texts_are_encoded_once(cache: VectorCache) -> None:
    toy = Counting()
    vectors = CachedEncoder(toy, cache).encode(["a", "b", "a", "a"])
    assert toy.calls == [["a", "b"]]
    assert (vectors[0] == vectors[2]).all()
    assert (vectors[0] == vectors[3]).all()


def test_prompts_and_models_have_their_own_entries(cache: VectorCache) -> None:
    toy, other = Counting(), Counting(fingerprint="e" * 64)
    CachedEncoder(toy, cache).encode(["a"])
    CachedEncoder(toy, cache).encode(["a"], role="query")
    CachedEncoder(other, cache).encode(["a"])
    assert len(toy.calls) == 2
    assert len(other.calls) == 1
    assert cache.stats().files == 2


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.text(max_size=5), max_size=12))
def test_any_texts_come_back(cache: VectorCache, texts: list[str]) -> None:
    encoder = CachedEncoder(Counting(), cache)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TruncationWarning)
        first = encoder.encode(texts)
        assert encoder.encode(texts).tobytes() == first.tobytes()


def test_special_values_survive(cache: VectorCache) -> None:
    values = np.array([np.nan, -0.0, np.inf, 1e-45, 0.1], dtype=np.float32)
    cache.put("f", {b"k" * 32: CachedVector(values, Flag.EMPTY | Flag.TRUNCATED)})
    found = cache.get("f", [b"k" * 32], 5)[b"k" * 32]
    assert found.vector.tobytes() == values.tobytes()
    assert found.flags == Flag.EMPTY | Flag.TRUNCATED


def test_observer_sees_cached_texts_with_their_flags(cache: VectorCache) -> None:
    encoder = CachedEncoder(Counting(), cache)
    texts = ["long text", "a", "", "long text", "b"]

    def totals() -> tuple[list[int], int, set[int], set[int]]:
        seen: list[BatchReport] = []
        encoder.encode(texts, observe=seen.append)
        return (
            sorted(i for r in seen for i in r.indices),
            sum(r.tokens for r in seen),
            {i for r in seen for i in r.truncated},
            {i for r in seen for i in r.empty},
        )

    assert totals() == ([0, 1, 2, 3, 4], 14, {0, 3}, {2})
    assert totals() == ([0, 1, 2, 3, 4], 0, {0, 3}, {2})


@pytest.mark.parametrize("times", [1, 2])
def test_truncation_is_warned_of_and_counted(cache: VectorCache, times: int) -> None:
    encoder = CachedEncoder(Counting(), cache)
    for _ in range(times):
        with pytest.warns(TruncationWarning, match="2 of 3 texts were longer .* 3 tokens"):
            encoder.encode(["long text", "a", "longer text"])


def test_bare_string_other_types_and_roles_are_refused(cache: VectorCache) -> None:
    encoder = CachedEncoder(Counting(), cache)
    with pytest.raises(InputError):
        encoder.encode("a text")
    with pytest.raises(InputError):
        encoder.encode(["a", 3])  # type: ignore[list-item]
    with pytest.raises(InputError, match="expected one of query, document"):
        encoder.encode(["a"], role="passage")


def test_killed_job_loses_one_slice(cache: VectorCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "_SLICE", 3)
    toy = Counting()
    encoder = CachedEncoder(toy, cache)
    with pytest.raises(KeyboardInterrupt):
        encoder.encode(["a", "b", "c", "d", "crash", "e"])
    toy.calls.clear()
    encoder.encode(["a", "b", "c", "d", "e"])
    assert toy.calls == [["d", "e"]]


def test_more_keys_than_one_statement_takes(cache: VectorCache) -> None:
    encoder = CachedEncoder(Counting(), cache)
    texts = [f"{i:03x}" for i in range(2500)]
    first = encoder.encode(texts)
    assert encoder.encode(texts).tobytes() == first.tobytes()
    assert cache.stats().hits == 2500
    assert cache.stats().misses == 2500


@pytest.mark.parametrize("damage", ["junk", "header", "middle"])
def test_damaged_file_is_set_aside_and_rebuilt(cache: VectorCache, damage: str) -> None:
    toy = Counting(dimension=300)
    texts = [str(i) for i in range(200)]
    CachedEncoder(toy, cache).encode(texts)
    (file,) = cache.path.glob("*.sqlite")
    content = bytearray(file.read_bytes())
    if damage == "junk":
        content = bytearray(b"no database at all" * 500)
    elif damage == "header":
        content[:100] = b"\xff" * 100
    else:
        content[4096:16384] = b"\xff" * 12288
    file.write_bytes(content)
    vectors = CachedEncoder(toy, cache).encode(texts)
    assert CachedEncoder(toy, cache).encode(texts).tobytes() == vectors.tobytes()
    assert cache.stats().set_aside == 1
    assert len(list(cache.path.glob("*.damaged"))) == 1


def test_flipped_bit_is_a_miss_not_a_wrong_vector(cache: VectorCache) -> None:
    toy = Counting()
    CachedEncoder(toy, cache).encode(["a", "b"])
    (file,) = cache.path.glob("*.sqlite")
    with sqlite3.connect(file) as connection:
        ((rowid, blob),) = connection.execute("SELECT id, vector FROM vectors LIMIT 1").fetchall()
        flipped = bytes([blob[0] ^ 1]) + blob[1:]
        connection.execute("UPDATE vectors SET vector = ? WHERE id = ?", (flipped, rowid))
    connection.close()
    CachedEncoder(toy, cache).encode(["a", "b"])
    assert toy.calls == [["a", "b"], ["a"]]


def test_cache_that_cannot_be_written_warns_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = VectorCache(tmp_path / "file" / "vectors")
    encoder = CachedEncoder(Counting(), cache)
    with pytest.warns(NearfieldWarning, match="vectors are computed") as caught:
        assert encoder.encode(["a"]).shape == (1, 5)
        assert encoder.encode(["a"]).shape == (1, 5)
    assert len(caught) == 1
    assert cache.stats().failures == 2


def test_full_disk_does_not_fail_the_encode(
    cache: VectorCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = CachedEncoder(Counting(), cache)
    encoder.encode(["a"])
    connect = sqlite3.connect

    def full(*args: object, **options: object) -> sqlite3.Connection:
        connection = connect(*args, **options)  # type: ignore[arg-type]
        connection.execute("PRAGMA max_page_count=1")  # SQLite's own "database or disk is full"
        return connection

    monkeypatch.setattr(sqlite3, "connect", full)
    with pytest.warns(NearfieldWarning, match="full"):
        assert encoder.encode([str(i) for i in range(500)]).shape == (500, 5)
    monkeypatch.undo()
    assert len(encoder.cache.get("f" * 64, [key("f" * 64, "", "a")], 5)) == 1


def test_oldest_entries_leave_first_across_models(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, max_bytes=600_000)
    old, new = Counting(dimension=256), Counting(dimension=256, fingerprint="e" * 64)
    texts = [str(i) for i in range(300)]
    CachedEncoder(old, cache).encode(texts)
    CachedEncoder(new, cache).encode(texts[:150])
    CachedEncoder(new, cache).encode(texts[150:])
    stats = cache.stats()
    assert stats.size_bytes <= 600_000
    assert stats.evicted > 0
    kept_new = cache.get(new.card.fingerprint, [key("e" * 64, "", t) for t in texts], 256)
    kept_old = cache.get(old.card.fingerprint, [key("f" * 64, "", t) for t in texts], 256)
    assert len(kept_new) == 300
    assert set(kept_old) == {key("f" * 64, "", t) for t in texts[stats.evicted :]}


def test_cap_of_nothing_still_encodes(tmp_path: Path) -> None:
    encoder = CachedEncoder(Counting(), VectorCache(tmp_path, max_bytes=0))
    assert encoder.encode(["a", "b"]).shape == (2, 5)
    with pytest.raises(InputError):
        VectorCache(tmp_path, max_bytes=-1)


def test_clear(cache: VectorCache) -> None:
    toy = Counting()
    CachedEncoder(toy, cache).encode(["a"])
    cache.clear()
    assert cache.stats().files == 0
    CachedEncoder(toy, cache).encode(["a"])
    assert len(toy.calls) == 2


# Run by itself: what spawn pickles must be importable, and a test module is not.
_WORKER = """
import sys, warnings
from pathlib import Path
import numpy as np
from nearfield.models.vector_cache import CachedVector, Flag, VectorCache, key
warnings.simplefilter("error")
cache, name = VectorCache(Path(sys.argv[1])), sys.argv[2]
for start in range(0, 40, 4):
    keys = [key("f", "", f"{name}{i}") for i in range(start, start + 4)]
    cache.get("f", keys, 5)
    row = np.full(5, start, dtype=np.float32)
    cache.put("f", {k: CachedVector(row, Flag.NONE) for k in keys})
sys.exit(cache.stats().failures)
"""


def test_many_processes_share_it(tmp_path: Path) -> None:
    # Two write the same keys, two others; all four create the file at once.
    workers = [
        subprocess.Popen([sys.executable, "-c", _WORKER, str(tmp_path), name]) for name in "aabc"
    ]
    assert [worker.wait(timeout=60) for worker in workers] == [0, 0, 0, 0]
    keys = [key("f", "", f"{name}{i}") for name in "abc" for i in range(40)]
    found = VectorCache(tmp_path).get("f", keys, 5)
    assert [found[k].vector[0] for k in keys] == [i // 4 * 4 for _ in "abc" for i in range(40)]


def test_many_threads_share_it(cache: VectorCache) -> None:
    encoder = CachedEncoder(Counting(), cache)
    threads = [
        threading.Thread(target=lambda: encoder.encode([f"{i:03}" for i in range(50)]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.stats().failures == 0


def test_key_tells_parts_apart() -> None:
    parts = [("f", "p", "t"), ("f", "", "pt"), ("fp", "", "t"), ("f", "pt", ""), ("", "fp", "t")]
    assert len({key(*p) for p in parts}) == 5
    assert len(key("f", "p", "\ud800")) == 32
