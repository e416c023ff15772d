import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearfield.lexical import codec
from nearfield.lexical.postings import Postings, decode, encode


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 6), st.integers(0, 32))
def test_blocks_come_back(seed, count, bits):
    random = np.random.default_rng(seed)
    high = max(1, 2**bits)
    blocks = random.integers(0, high, (count, 128), dtype=np.uint64).astype(np.uint32)
    packed, starts = codec.pack(blocks, codec.widths(blocks))
    assert np.array_equal(codec.unpack(packed, starts, codec.widths(blocks)), blocks)


def test_widths_are_the_bits_of_the_largest():
    blocks = np.zeros((4, 128), dtype=np.uint32)
    blocks[1, 5], blocks[2, 127], blocks[3, 0] = 1, 255, 2**32 - 1
    assert codec.widths(blocks).tolist() == [0, 1, 8, 32]


@given(st.lists(st.integers(0, 2**32 - 1)))
def test_variable_bytes_come_back(values):
    data, ends = codec.variable_encode(np.array(values, dtype=np.uint32))
    assert codec.variable_decode(data).tolist() == values
    assert ends[-1] == len(data)


def test_variable_bytes_by_hand():
    data, _ = codec.variable_encode(np.array([1, 127, 128, 300], dtype=np.uint32))
    assert data.tolist() == [1, 127, 0x80, 1, 0xAC, 2]


def random_postings(seed, terms, slots):
    random = np.random.default_rng(seed)
    held, counts = [], []
    for _ in range(terms):
        count = int(random.integers(1, slots + 1))
        held.append(np.sort(random.choice(slots, count, replace=False)).astype(np.uint32))
        counts.append(count)
    frequencies = np.minimum(random.geometric(0.6, sum(counts)), 200).astype(np.uint32)
    positions = [np.sort(random.choice(1000, f, replace=False)) for f in frequencies]
    return Postings(
        np.array(counts, dtype=np.int64),
        np.concatenate(held),
        frequencies,
        np.concatenate(positions).astype(np.uint32),
    )


@pytest.mark.parametrize(("seed", "slots"), [(0, 1), (1, 7), (2, 127), (3, 128), (4, 700)])
def test_postings_come_back(seed, slots):
    postings = random_postings(seed, 9, slots)
    sections = encode(postings, np.arange(1, slots + 1, dtype=np.uint32))
    for first, last in ((0, 9), (3, 4), (5, 9)):
        found = decode(sections, first, last, positions=True)
        begin, end = postings.counts[:first].sum(), postings.counts[:last].sum()
        marks = np.concatenate([[0], np.cumsum(postings.frequencies, dtype=np.int64)])
        assert found.counts.tolist() == postings.counts[first:last].tolist()
        assert np.array_equal(found.slots, postings.slots[begin:end])
        assert np.array_equal(found.frequencies, postings.frequencies[begin:end])
        assert np.array_equal(found.positions, postings.positions[marks[begin] : marks[end]])
