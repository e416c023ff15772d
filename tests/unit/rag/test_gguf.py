"""The copy with wider weights: the same file, but for the blocks that it is about."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from nearfield.errors import NearfieldWarning, UnsupportedModel
from nearfield.rag.generators import copies
from nearfield.rag.generators.copies import quick_copy
from nearfield.rag.generators.gguf import Q4_1, Q8_0, four_bits, header, to_eight_bits, widened

F32 = 0


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


FACTS = [
    _text("general.architecture") + struct.pack("<I", 8) + _text("none"),
    _text("a.number") + struct.pack("<II", 4, 7),
    _text("a.list") + struct.pack("<IIQ", 9, 8, 2) + _text("x") + _text("yz"),
    _text("a.row") + struct.pack("<IIQ3f", 9, 6, 3, 1.0, 2.0, 3.0),
]


def _blocks(count: int, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    blocks = np.empty((count, 20), np.uint8)
    blocks[:, :4] = rng.normal(0, 0.05, (count, 2)).astype("<f2").view(np.uint8)
    blocks[:, 4:] = rng.integers(0, 256, (count, 16))
    return blocks


def _file(path: Path, *, facts: list[bytes] = FACTS, version: int = 3) -> Path:
    """Three tensors: 5 floats, 2 × 96 weights of four bits, 2 floats."""
    data = [
        ("norm", (5,), F32, np.arange(5, dtype="<f4").tobytes()),
        ("weight", (96, 2), Q4_1, _blocks(6).tobytes()),
        ("bias", (2,), F32, np.array([8, 9], "<f4").tobytes()),
    ]
    entries, body = b"", b""
    for name, shape, kind, raw in data:
        entries += _text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        entries += struct.pack("<IQ", kind, len(body))
        body += raw + bytes(-len(raw) % 32)
    begin = struct.pack("<4sIQQ", b"GGUF", version, len(data), len(facts)) + b"".join(facts)
    begin += entries
    path.write_bytes(begin + bytes(-len(begin) % 32) + body)
    return path


def _read(path: Path) -> dict[str, tuple[int, bytes]]:
    found, raw = header(path), path.read_bytes()
    return {
        tensor.name.decode(): (
            tensor.type,
            raw[found.data + tensor.offset : found.data + tensor.offset + tensor.size],
        )
        for tensor in found.tensors
    }


def test_weights_of_four_bits_by_hand() -> None:
    block = np.array([[*struct.pack("<2e", 0.5, -1.0), 0x21, *[0] * 15]], np.uint8)
    # The low half of the first byte is weight 0, the high half weight 16.
    expected = np.full(32, -1.0)
    expected[0], expected[16] = -0.5, 0.0
    np.testing.assert_array_equal(four_bits(block)[0], expected)


def test_weights_of_eight_bits_by_hand() -> None:
    weights = np.zeros((2, 32), np.float32)
    weights[0, :4] = [127.0, -127.0, 2.5, -2.5]
    blocks = to_eight_bits(weights)
    assert struct.unpack("<e4b", blocks[0, :6].tobytes()) == (1.0, 127, -127, 3, -3)
    assert not blocks[1].any()


def test_wider_weights_are_within_half_a_step() -> None:
    weights = four_bits(_blocks(500))
    blocks = to_eight_bits(weights)
    scale = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float64)
    back = scale * blocks[:, 2:].view(np.int8)
    # Half a step, and what rounding the scale to 11 bits moves 127 steps by.
    assert (np.abs(back - weights) <= scale * (0.5 + 127 * 2**-11)).all()


def test_everything_else_stays_as_it_is(tmp_path: Path) -> None:
    source = _file(tmp_path / "a.gguf")
    copy = tmp_path / "b.gguf"
    copy.write_bytes(b"".join(widened(source)))
    assert header(copy).facts == header(source).facts
    before, after = _read(source), _read(copy)
    assert list(after) == ["norm", "weight", "bias"]
    assert after["norm"] == before["norm"]
    assert after["bias"][1][:8] == np.array([8, 9], "<f4").tobytes()
    kind, raw = after["weight"]
    assert kind == Q8_0
    assert raw[: 6 * 34] == to_eight_bits(four_bits(_blocks(6))).tobytes()
    assert copy.stat().st_size % 32 == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda raw: b"GGML" + raw[4:], "begins with"),
        (lambda raw: raw[:4] + struct.pack("<I", 9) + raw[8:], "version 9"),
        (lambda raw: raw[:60], "damaged"),
        (lambda raw: raw[:-200], "not where it should be"),
        (lambda raw: raw[:24] + struct.pack("<Q", 1 << 40) + raw[32:], "a name has"),
    ],
)
def test_what_is_no_gguf_is_refused(tmp_path: Path, change: object, said: str) -> None:
    path = _file(tmp_path / "a.gguf")
    path.write_bytes(change(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(UnsupportedModel, match=said):
        header(path)


def test_another_alignment_is_refused(tmp_path: Path) -> None:
    fact = _text("general.alignment") + struct.pack("<II", 4, 64)
    with pytest.raises(UnsupportedModel, match="aligned to 64 bytes"):
        header(_file(tmp_path / "a.gguf", facts=[fact]))


def test_a_copy_is_made_once_and_again_when_it_was_damaged(
    tmp_path: Path, private_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = _file(tmp_path / "a.gguf")
    copy = quick_copy(source)
    whole = copy.read_bytes()
    assert copy.is_relative_to(private_home)
    assert whole == b"".join(widened(source))
    with monkeypatch.context() as never:
        never.setattr(copies, "widened", None)
        assert quick_copy(source) == copy
    copy.write_bytes(whole[:-1] + b"?")
    assert quick_copy(source).read_bytes() == whole
    assert quick_copy(copy) == copy  # nothing to widen
    assert [each.suffix for each in sorted(copy.parent.iterdir())] == [".gguf", ".sha256"]


def test_other_weights_have_another_copy(tmp_path: Path, private_home: Path) -> None:
    source = _file(tmp_path / "a.gguf")
    first = quick_copy(source)
    raw = bytearray(source.read_bytes())
    raw[-100] ^= 1  # among the weights
    (tmp_path / "b.gguf").write_bytes(raw)
    assert quick_copy(tmp_path / "b.gguf") != first


def test_where_no_copy_can_be_kept_the_file_serves(tmp_path: Path, private_home: Path) -> None:
    source = _file(tmp_path / "a.gguf")
    place = quick_copy(source).parent
    for each in place.iterdir():
        each.unlink()
    place.rmdir()
    place.write_bytes(b"a file in the way")
    with pytest.warns(NearfieldWarning, match=r"no faster copy of a\.gguf is kept"):
        assert quick_copy(source) == source
