"""From a name to an encoder: which place wins, what is checked, and what errors say."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nearfield.errors import (
    HashMismatch,
    InputError,
    ModelNotInstalled,
    UnknownName,
    UnsupportedModel,
)
from nearfield.models import catalog, formats, hub, resolve
from nearfield.models.catalog import CatalogEntry, Package, PinnedFile, Task
from nearfield.models.listing import State, listing
from nearfield.models.resolve import Origin, load, locate

COMMIT = "0123456789" * 4


def _words(folder: Path, king: float = 1.0) -> Path:
    """Word vectors of three words in three dimensions, the smallest real model there is."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = np.array([[king, 0, 0], [0, 1, 0], [3, 4, 12]], dtype=np.float32)
    np.save(folder / "vectors.npy", rows)
    (folder / "vocab.txt").write_text("king\nqueen\napple\n")
    return folder


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty models folder and hub cache; the working folder is empty too."""
    monkeypatch.setenv("NEARFIELD_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "models"


@pytest.fixture
def toy(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CatalogEntry:
    """A model of the catalog whose files are the three words."""
    files = _words(tmp_path / "original")
    entry = CatalogEntry(
        name="toy-model",
        aliases=("toy",),
        hub_id="Org/toy-model",
        task=Task.WORDS,
        use="tests",
        dimension=3,
        max_tokens=None,
        licence="MIT",
        download_bytes=2_000_000,
        size_bytes=8_000_000,
        weights="vectors.npy",
        packages=(Package("nf-toy", "1.0"),),
        files=tuple(
            PinnedFile(name, f"nf_toy/model/{name}", _sha(files / name))
            for name in ("vectors.npy", "vocab.txt")
        ),
    )
    monkeypatch.setitem(catalog.CATALOG, entry.name, entry)
    return entry


def _hub_snapshot(tmp_path: Path, repository: str, king: float = 1.0) -> Path:
    home = tmp_path / "hub" / f"models--{repository.replace('/', '--')}"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(COMMIT)
    snapshot = _words(home / "snapshots" / COMMIT, king)
    (snapshot / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    return snapshot


def _package(tmp_path: Path, *, king: float = 1.0, entry_points: str = "") -> Path:
    """Unpack a package that holds the model, as an installer would."""
    site = tmp_path / "site"
    _words(site / "nf_toy" / "model", king)
    (site / "nf_toy" / "__init__.py").write_text("raise SystemExit('code of a package was run')")
    info = site / "nf_toy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: nf-toy\nVersion: 1.0\n")
    if entry_points:
        (info / "entry_points.txt").write_text(entry_points)
    return site


def test_folder_and_file_by_path(models: Path, tmp_path: Path) -> None:
    folder = _words(tmp_path / "mine")
    for name in (folder, str(folder), folder / "vectors.npy"):
        encoder = load(name)
        assert encoder.encode(["king"]).tolist() == [[1.0, 0.0, 0.0]]
    assert load(folder).card.name == "mine"
    assert locate(folder).origin is Origin.PATH


def test_relative_path_and_home(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _words(Path("sub/mine"))
    assert load("sub/mine").card.name == "mine"
    assert load("./sub/mine").card.name == "mine"
    monkeypatch.setenv("HOME", str(tmp_path / "work"))
    assert load("~/sub/mine").card.name == "mine"


@pytest.mark.parametrize("name", ["toy-model", "toy", "TOY-Model", "Org/toy-model"])
def test_installed_model(toy: CatalogEntry, models: Path, name: str) -> None:
    _words(models / "toy-model")
    encoder = load(name)
    assert encoder.card.name == "toy-model"
    assert locate(name).origin is Origin.INSTALLED


def test_local_folder_comes_first(toy: CatalogEntry, models: Path) -> None:
    _words(models / "toy-model")
    _words(Path("toy-model"), king=7.0)
    assert load("toy-model").encode(["king"])[0, 0] == 7.0


def test_folder_of_notes_does_not_hide_a_model(toy: CatalogEntry, models: Path) -> None:
    _words(models / "toy-model")
    Path("toy").mkdir()
    Path("toy/notes.txt").write_text("remember the milk\n")
    assert load("toy").card.name == "toy-model"


def test_installed_before_package_before_hub(
    toy: CatalogEntry, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hub_snapshot(tmp_path, "Org/toy-model")
    assert locate("toy").origin is Origin.HUB_CACHE
    monkeypatch.syspath_prepend(str(_package(tmp_path)))
    assert locate("toy").origin is Origin.PACKAGE
    assert load("toy").encode(["queen"]).tolist() == [[0.0, 1.0, 0.0]]
    _words(models / "toy-model")
    assert locate("toy").origin is Origin.INSTALLED


def test_wrong_files_are_refused_wherever_they_lie(
    toy: CatalogEntry, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = _hub_snapshot(tmp_path, "Org/toy-model", king=2.0)
    with pytest.raises(HashMismatch, match="hf:Org/toy-model"):
        load("toy")
    monkeypatch.syspath_prepend(str(_package(tmp_path, king=3.0)))
    with pytest.raises(HashMismatch, match="site"):
        load("toy")
    folder = _words(models / "toy-model", king=4.0)
    with pytest.raises(HashMismatch) as caught:
        load("toy")
    for part in (toy.weights_sha256, _sha(folder / "vectors.npy"), "models install toy-model"):
        assert part in str(caught.value)
    assert load(folder).encode(["king"])[0, 0] == 4.0
    assert snapshot.is_dir()


def test_vocabulary_is_pinned_too(toy: CatalogEntry, models: Path) -> None:
    folder = _words(models / "toy-model")
    (folder / "vocab.txt").write_text("queen\nking\napple\n")
    with pytest.raises(HashMismatch, match=r"vocab\.txt"):
        load("toy")


def test_incomplete_model(toy: CatalogEntry, models: Path) -> None:
    (_words(models / "toy-model") / "vocab.txt").unlink()
    with pytest.raises(ModelNotInstalled, match=r"vocab\.txt missing.*models install toy-model"):
        load("toy")


def test_absent_model_says_command_and_size(toy: CatalogEntry) -> None:
    with pytest.raises(ModelNotInstalled) as caught:
        load("toy")
    assert "`nearfield models install toy-model` (2 MB to fetch, 8 MB on disk)" in str(caught.value)


def test_unknown_name_suggests_neighbours(models: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'all-MiniLM-L6-v2'"):
        load("all-MiniLM-L6")
    _words(models / "my-words")
    with pytest.raises(UnknownName, match="did you mean 'my-words'"):
        load("my-wods")


def test_folder_put_there_by_hand(models: Path) -> None:
    _words(models / "my-words")
    assert load("my-words").card.name == "my-words"


@pytest.mark.parametrize("name", ["/no/such/folder", "./none", Path("none")])
def test_path_to_nothing(models: Path, name: str | Path) -> None:
    with pytest.raises(ModelNotInstalled, match="check the path"):
        load(name)


def test_folder_that_is_no_model(models: Path, tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(UnsupportedModel, match=r"pytorch_model\.bin.*never loaded"):
        load(tmp_path / "bad")


def test_empty_name(models: Path) -> None:
    with pytest.raises(InputError, match="empty"):
        load("")


def test_model_that_another_package_declares(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "[nearfield.models]\nshared-words = nf_toy.model\n"
    monkeypatch.syspath_prepend(str(_package(tmp_path, entry_points=points)))
    assert load("shared-words").encode(["queen"]).tolist() == [[0.0, 1.0, 0.0]]
    assert locate("shared-words").origin is Origin.PACKAGE


def test_hub_cache_by_bare_and_by_hub_name(models: Path, tmp_path: Path) -> None:
    _hub_snapshot(tmp_path, "org/words")
    for name in ("org/words", "hf:org/words", "hf:org/words@main", f"hf:org/words@{COMMIT}"):
        location = locate(name)
        assert (location.name, location.origin) == ("org/words", Origin.HUB_CACHE)


def test_hub_name_takes_the_hubs_own_revision(toy: CatalogEntry, tmp_path: Path) -> None:
    _hub_snapshot(tmp_path, "Org/toy-model", king=2.0)
    assert locate("hf:Org/toy-model").entry is None


def test_hub_snapshot_without_weights_is_none(models: Path, tmp_path: Path) -> None:
    snapshot = _hub_snapshot(tmp_path, "org/words")
    (snapshot / "model.safetensors").unlink()
    assert hub.cached("org/words") is None


@pytest.mark.parametrize("ref", ["../../../../evil", "", "main\n../x"])
def test_hub_reference_that_points_elsewhere(models: Path, tmp_path: Path, ref: str) -> None:
    snapshot = _hub_snapshot(tmp_path, "org/words")
    (snapshot.parents[1] / "refs" / "main").write_text(ref)
    assert hub.cached("org/words") is None


def test_bare_repository_is_never_fetched(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(hub, "download", lambda *a: pytest.fail("the network was used"))
    with pytest.raises(ModelNotInstalled, match="write hf:org/name to fetch it"):
        load("org/name")


def test_hub_name_respects_offline(models: Path) -> None:
    with pytest.raises(ModelNotInstalled, match="HF_HUB_OFFLINE"):
        load("hf:org/name")


@pytest.mark.parametrize("name", ["hf:", "hf:name", "hf:../x", "hf:a/b/c", "hf:a/b@../c"])
def test_malformed_hub_name(models: Path, name: str) -> None:
    with pytest.raises(InputError, match="org/name"):
        load(name)


_FETCH = """
import http.server, json, os, sys, threading
files = {"vectors.npy": b"", "config.json": b"{}", "model.safetensors": b"weights",
         "pytorch_model.bin": b"pickle", "modeling.py": b"code", "1_Pooling/config.json": b"{}"}
commit = "0123456789" * 4
asked = []
class Hub(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append(self.path)
        if "/resolve/" in self.path:
            body = files[self.path.split(commit + "/")[1]]
        elif "absent" in self.path:
            return self.send_error(404)
        elif "/tree/" in self.path:
            tree = [{"type": "file", "path": n, "size": len(b), "oid": n} for n, b in files.items()]
            body = json.dumps(tree).encode()
        else:
            siblings = [{"rfilename": name} for name in files]
            body = json.dumps({"id": "org/m", "sha": commit, "siblings": siblings}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Repo-Commit", commit)
        self.send_header("ETag", '"%08x"' % (hash(self.path) & 0xffffffff))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
    do_HEAD = do_GET
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"
from nearfield.errors import ModelNotInstalled
from nearfield.models.resolve import locate
found = locate("hf:org/m")
try:
    locate("hf:org/absent")
except ModelNotInstalled as error:
    reason = str(error)
server.shutdown()
print(json.dumps({
    "files": sorted(p.relative_to(found.path).as_posix()
                    for p in found.path.rglob("*") if p.is_file()),
    "again": str(locate("hf:org/m").path) == str(found.path),
    "reason": reason,
}))
"""


def test_fetch_from_a_hub_takes_data_only(models: Path) -> None:
    pytest.importorskip("huggingface_hub")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_HUB_OFF")}
    environment |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(
        [sys.executable, "-c", _FETCH],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["files"] == ["1_Pooling/config.json", "config.json", "model.safetensors"]
    assert answer["again"] is True
    assert "org/absent could not be fetched" in answer["reason"]


def test_dimensions(toy: CatalogEntry, models: Path) -> None:
    _words(models / "toy-model")
    cut = load("toy", dimensions=2)
    assert cut.card.name == "toy-model@2"
    assert cut.encode(["apple"]).tolist() == [[3.0, 4.0]]
    assert load(cut.card.name).card == cut.card
    assert load("toy@2", dimensions=2).card == cut.card
    with pytest.raises(InputError, match="asks for 2 dimensions, the argument for 3"):
        load("toy@2", dimensions=3)
    with pytest.raises(InputError, match="to 9 dimensions: it has 3"):
        load("toy@9")


def test_path_that_ends_like_a_cut(models: Path, tmp_path: Path) -> None:
    assert load(_words(tmp_path / "mine@2")).card.dimension == 3
    assert load(tmp_path / "mine@2" / ".." / "mine@2").card.name == "mine@2"


def test_default_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEARFIELD_MODEL", raising=False)
    assert resolve.default_model() == "all-MiniLM-L6-v2"
    monkeypatch.setenv("NEARFIELD_MODEL", "glove")
    assert resolve.default_model() == "glove"


def test_listing(toy: CatalogEntry, models: Path) -> None:
    states = {s.name: s for s in listing()}
    assert list(states)[-1] == "toy-model"
    assert states["toy-model"].state is State.ABSENT
    assert states["toy-model"].size_bytes == 8_000_000
    assert states["wordllama-l2-supercat-256"].matryoshka == (64, 128, 256)
    folder = _words(models / "toy-model")
    _words(models / "by-hand")
    (models / ".hidden").mkdir()
    states = {s.name: s for s in listing()}
    assert states["toy-model"].state is State.INSTALLED
    assert states["toy-model"].size_bytes == sum(p.stat().st_size for p in folder.iterdir())
    assert states["by-hand"].state is State.INSTALLED
    assert states["by-hand"].dimension is None
    assert ".hidden" not in states
    (folder / "vocab.txt").unlink()
    assert {s.name: s.state for s in listing()}["toy-model"] is State.INCOMPLETE


def test_refused_architecture_names_the_extra(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gpt"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt_neox"}))
    (folder / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    (folder / "tokenizer.json").write_text(
        json.dumps(
            {"version": "1.0", "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}
        )
    )
    monkeypatch.setattr(formats, "_has_torch", lambda: False)
    with pytest.raises(UnsupportedModel, match=r"gpt_neox.*nearfield\[torch\]"):
        load(folder)


def test_real_models_load_by_name(minilm_path: Path, tmp_path: Path) -> None:
    encoder = load("minilm")
    assert (encoder.card.name, encoder.card.dimension) == ("all-MiniLM-L6-v2", 384)
    cut = load("minilm@64").encode(["A warm coat."])
    whole = encoder.encode(["A warm coat."])[:, :64]
    np.testing.assert_allclose(cut, whole / np.linalg.norm(whole), atol=1e-6)
