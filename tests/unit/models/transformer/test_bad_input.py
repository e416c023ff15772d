"""Odd and hostile input to encode: right vectors or a clear error, in bounded memory."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from nearfield.errors import ModelError, UnsupportedModel
from nearfield.models.transformer import TransformerEncoder, load
from nearfield.models.transformer.batches import BatchLimits
from nearfield.types import BatchReport

GOLDEN = Path(__file__).parent / "golden"


def counted(report: BatchReport) -> None:
    """Take reports, so that truncation is not a warning."""


def test_identical_texts_are_computed_once(tiny: TransformerEncoder):
    reports: list[BatchReport] = []
    vectors = tiny.encode(["snow"] * 100_000, observe=reports.append)
    assert sum(report.tokens for report in reports) == len(tiny.tokenizer.prepare(["snow"]).ids[0])
    assert vectors.shape == (100_000, 16)
    assert (vectors == vectors[0]).all()


def test_one_giant_text_among_tiny_ones(tiny: TransformerEncoder):
    giant = "hats and gloves for snow " * 40_000
    inputs = ["a", giant, "b", "", "c", giant + "!"]
    vectors = tiny.encode(inputs, observe=counted)
    alone = tiny.encode(["hats and gloves for snow hats and gloves"], observe=counted)
    np.testing.assert_allclose(vectors[1], alone[0], atol=1e-6)
    np.testing.assert_allclose(vectors[[0, 2, 4]], tiny.encode(["a", "b", "c"]), atol=1e-6)


def test_a_megabyte_is_not_tokenised_whole(minilm_path, monkeypatch):
    encoder = load(minilm_path, name="minilm")
    giant = "insulated parka with a hood " * 40_000
    seen = []
    encodings = encoder.tokenizer._encodings

    def watched(texts):
        seen.extend(map(len, texts))
        return encodings(texts)

    monkeypatch.setattr(encoder.tokenizer, "_encodings", watched)
    vectors = encoder.encode([giant, giant[:9000]], observe=counted)
    assert max(seen) < 10_000
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)


def test_token_vectors_of_a_megabyte(tiny: TransformerEncoder):
    giant = "hats and gloves for snow " * 40_000
    with pytest.warns(match="longer than the model"):
        long, short = tiny.encode_tokens([giant, giant[:600]])
    assert long.tokens == short.tokens
    np.testing.assert_array_equal(long.spans, short.spans)
    np.testing.assert_allclose(long.vectors, short.vectors, atol=1e-6)


@pytest.mark.parametrize(
    ("odd", "same"), [("a\ud800b", "a\ufffdb"), ("\udfff", "\ufffd")], ids=["inside", "alone"]
)
def test_lone_surrogates_are_read_as_replacement_characters(tiny, odd, same):
    np.testing.assert_array_equal(tiny.encode([odd]), tiny.encode([same]))


def test_a_nul_is_a_character_like_others(tiny: TransformerEncoder):
    assert np.isfinite(tiny.encode(["a\0b", "\0"])).all()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_truncated_weights_are_refused(folder: Path, share: float):
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    for precision in ("exact", "auto"):
        with pytest.raises(UnsupportedModel, match=r"model\.safetensors"):
            load(folder, name="x", precision=precision)


def test_unknown_activations_and_shapes_are_refused(edit):
    with pytest.raises(UnsupportedModel, match=r"activation 'swiglu'"):
        load(edit("config.json", hidden_act="swiglu"), name="x", precision="auto")
    with pytest.raises(UnsupportedModel, match="not a multiple of its 3 heads"):
        load(
            edit("config.json", hidden_act="gelu", num_attention_heads=3),
            name="x",
            precision="auto",
        )


def test_an_interrupt_leaves_the_encoder_and_the_caches_sane(private_home, tiny):
    expected = tiny.encode(["snow", "ice"])
    tiny._limits = BatchLimits(8)
    calls = 0

    def interrupt(report: BatchReport) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny.encode(["hats", "a", "gloves", "snow"], observe=interrupt)
    np.testing.assert_allclose(tiny.encode(["snow", "ice"]), expected, atol=1e-6)
    again = load(GOLDEN / "bert", name="tiny")
    np.testing.assert_array_equal(again.encode(["snow", "ice"]), expected)
    drafts = [path for path in (private_home / "cache").rglob("*") if path.suffix.isdigit()]
    assert drafts == []


def test_a_full_disk_for_caches_costs_only_time(tmp_path, private_home, monkeypatch):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if not made or made.returncode:
        pytest.skip("mounting a small disk needs rights")
    try:
        (disk / "fill").write_bytes(b"\0" * 8192)
        monkeypatch.setenv("NEARFIELD_HOME", str(disk / "home"))
        full = [load(GOLDEN / "bert", name="x", precision=p) for p in ("exact", "auto")]
        monkeypatch.setenv("NEARFIELD_HOME", str(private_home))
        roomy = [load(GOLDEN / "bert", name="x", precision=p) for p in ("exact", "auto")]
        for one, other in zip(full, roomy, strict=True):
            np.testing.assert_array_equal(one.encode(["snow"]), other.encode(["snow"]))
            assert one.card == other.card
    finally:
        subprocess.run([shutil.which("umount") or "umount", str(disk)], check=True)


def test_damaged_weights_name_the_model(folder: Path):
    from safetensors.numpy import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    name = next(name for name in tensors if name.endswith("word_embeddings.weight"))
    tensors[name] = np.full_like(tensors[name], np.nan)
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"damaged-model|NaN"):
        load(folder, name="damaged-model", precision="auto").encode(["a"])


def test_memory_grows_with_the_vectors_only(tiny: TransformerEncoder):
    tiny._limits = BatchLimits(tiny._limits.tokens, window_texts=256)
    tiny.encode(["warm up"])
    few, many = ([f"snow {n}" for n in range(count)] for count in (2_000, 20_000))
    peaks = []
    for inputs in (few, many):
        tracemalloc.start()
        tiny.encode(inputs, observe=counted)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # 18,000 more texts hold a vector of 64 bytes each and their places, not their tokens.
    assert peaks[1] - peaks[0] < 18_000 * 400


@pytest.mark.slow
def test_resident_memory_stays_bounded(minilm_path):
    code = (
        "import resource; from nearfield.models.transformer import load;"
        f"from pathlib import Path; e = load(Path({str(minilm_path)!r}), name='x');"
        "few = lambda r: None; e.encode(['a parka ' * 60] * 3, observe=few);"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "e.encode(['a parka'] * 100_000, observe=few);"
        "e.encode(['parka ' * 170_000, *(f'text {n}' for n in range(3000))], observe=few);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # 100,000 vectors of 384 numbers are 154 MB, given back with their places and distinct rows.
    assert int(done.stdout) / 1024 < 154 + 250
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0
