"""Searches in sound and in broken segments, for a library that watches its memory.

Run by ``test_lexical_sanitizers``: ``lexical_fuzz.py LIBRARY ROUNDS SEED``.
"""

import sys
from pathlib import Path

import numpy as np

from nearfield.lexical import library
from nearfield.lexical.analysis import Analyzer
from nearfield.lexical.container import Container, DamagedIndex, build
from nearfield.lexical.inverting import Inverter
from nearfield.lexical.merging import GONE, merge, renumber
from nearfield.lexical.scoring import Clause, Formula, Weighing, best
from nearfield.lexical.segment import Loose, Segment
from nearfield.masks import pack_mask


def segment(random, slots, broken, first=0, further=()):
    """Random postings; a broken segment has good checksums and wrong numbers."""
    from nearfield.lexical.postings import Postings, encode, join_keys

    counts, held = [], []
    for _ in range(6):
        count = int(random.integers(1, slots + 1))
        counts.append(count)
        held.append(np.sort(random.choice(slots, count, replace=False)))
    total = sum(counts)
    frequencies = random.geometric(0.5, total).astype(np.uint32)
    lengths = random.integers(0, 2000, slots).astype(np.uint32)
    positions = np.zeros(int(frequencies.sum()), np.uint32)
    postings = Postings(
        np.array(counts), np.concatenate(held).astype(np.uint32), frequencies, positions
    )
    keys, ends = join_keys([b"t%d" % i for i in range(6)])
    none = np.zeros(0, np.uint32)
    sections = {"lengths": lengths, "keys": keys, "key_ends": ends, **encode(postings, lengths)}
    if broken:
        name = random.choice(["terms", "blocks", "words", "tails", "positions", *further])
        array = sections[name] = sections[name].copy()
        if len(array):
            for _ in range(int(random.integers(1, 4))):
                top = 2 ** int(random.integers(1, 9 if array.dtype == np.uint8 else 33))
                array[int(random.integers(0, len(array)))] = random.integers(0, top)
    sections |= {"surfaces": none.astype(np.uint8), "surface_ends": np.zeros(1, np.uint32)}
    sections["surface_terms"] = none
    facts = {"first_slot": first, "counted": slots, "total_length": 1, "has_positions": True}
    return Segment(Container(build({**facts, "slots": slots}, sections), "fuzz"))


def ask(random, held):
    clauses = []
    for i in random.choice(6, int(random.integers(1, 6)), replace=False).tolist():
        found = held.find(b"t%d" % i)
        if random.random() < 0.3:
            found = held.read(found)
            held.positions(held.find(b"t%d" % i), found.frequencies)
        elif random.random() < 0.2:
            slots = np.unique(random.integers(0, held.slots, 50)).astype(np.uint32)
            found = Loose(slots, np.ones(len(slots), np.float32))
        clauses.append(Clause(str(i), float(random.random()) + 0.01, ((0, found),)))
    allowed = None
    if random.random() < 0.6:
        allowed = np.packbits(random.random(held.slots) < random.random() ** 3)
        allowed = allowed[: int(random.integers(0, len(allowed) + 1))]
    formula = Formula.BM25 if random.random() < 0.7 else Formula.DOT
    k = int(random.choice([1, 10, 5000]))
    best([held], clauses, Weighing(formula, 1.2, 0.75, 500.0), k, allowed)
    held.keys.with_part(b"t" if random.random() < 0.5 else b"1t")


def build_again(random, broken):
    """Texts of any characters to segments, and segments, sound or broken, to one."""
    letters = list("aAbBsS01'.,-_@+#  \n\u00e9\u0301\u2019\u6771\U0001f600\ud800")
    texts = ["".join(random.choice(letters, int(random.integers(0, 90)))) for _ in range(9)]
    inverter = Inverter(Analyzer(), positions=bool(random.random() < 0.7))
    made = [inverter.segment(texts, 0), inverter.segment(texts[:4], 9)]
    merge([Segment(Container(data, "made")) for data in made])
    first, parts = 0, []
    for _ in range(int(random.integers(2, 5))):
        slots = int(random.choice([1, 128, 900]))
        parts.append(segment(random, slots, broken and random.random() < 0.5, first, ["key_ends"]))
        first += slots
    if random.random() < 0.5:
        targets = random.permutation(first).astype(np.uint32)
        count = int(random.integers(0, first + 1))
        renumber(parts, np.where(targets < count, targets, GONE), count)
    else:
        merge(parts, pack_mask(random.random(first) < 0.3) if random.random() < 0.5 else None)


def main():
    library.PLACE = Path(sys.argv[1])
    random = np.random.default_rng(int(sys.argv[3]))
    refused = 0
    for turn in range(int(sys.argv[2])):
        try:
            held = segment(random, int(random.choice([1, 100, 128, 900, 9000])), turn % 2 == 1)
            for _ in range(4):
                ask(random, held)
            build_again(random, turn % 2 == 1)
        except DamagedIndex:
            refused += 1
            if turn % 2 == 0:
                raise
    assert library.available().usable
    print(f"refused {refused}")


if __name__ == "__main__":
    main()
