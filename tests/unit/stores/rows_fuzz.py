"""Rows of any content, sound and broken, for a library that watches its memory.

Run by ``test_rows_sanitizers``: ``rows_fuzz.py LIBRARY FOLDER ROUNDS SEED``.
"""

import gc
import sqlite3
import sys
from pathlib import Path

import numpy as np

from nearfield.stores.local import library
from nearfield.stores.local.database import Database, decode
from nearfield.stores.local.rows import digest_of, put_chunks
from nearfield.stores.local.schema import Mode, database_path
from nearfield.types import Chunk

COLLECTION = b"0123456789abcdef"
PIECES = ["", "a", "\\", '"', "\n\0\x1f", "ü€", "🦊", "\ud800", "x" * 300, "[", "{", "\\u00e9"]
JSON = ['{"a":', "[", "]", "{", "}", ",", '"', '"b"', ":", "1", "-", "0.5e", "9" * 19, "null",
        "true", "\\", "\\u00", "\\ud800", " ", "\x80", "1," * 70]  # fmt: skip


def text(random, pieces=PIECES):
    return "".join(random.choice(pieces, int(random.integers(0, 6))))


def value(random):
    plain = [None, True, False, 7, -1.5e-9, text(random)]
    if random.random() < 0.02:  # left to Python
        plain = [10**25, float("inf"), ["x"] * 80]
    chosen = plain[int(random.integers(0, len(plain)))]
    if isinstance(chosen, list) or random.random() < 0.7:
        return chosen
    return [chosen] * int(random.integers(0, 9))


def chunk(random, number):
    own = random.random() < 0.5
    name = f"{number}{text(random)}"
    return Chunk(
        name,
        name if own else text(random),
        text(random) * int(random.choice([1, 1, 400])),
        int(random.integers(0, 2**40)),
        int(random.integers(0, 2**40)),
        "" if own else text(random),
        tuple(text(random) for _ in range(int(random.integers(0, 3)))),
        None if random.random() < 0.5 else int(random.integers(0, 9)),
        {text(random): value(random) for _ in range(int(random.integers(0, 4)))},
    )


def spoil(random, path):
    """JSON that is none with a good checksum, or a column of another type."""
    connection = sqlite3.connect(path)
    connection.text_factory = decode
    broken = text(random, JSON)
    if random.random() < 0.6:
        name = str(random.choice(["headings", "metadata"]))
        row, *held = connection.execute(
            "SELECT row, id, document, '', headings, metadata, text, start, stop, page FROM chunk "
            "WHERE document IS NULL LIMIT 1"
        ).fetchone() or (0, *[None] * 9)
        if row:
            held[1] = held[0]
            held[3 if name == "headings" else 4] = broken
            digest = digest_of(*held)
            change = f"UPDATE chunk SET {name} = CAST(? AS TEXT), digest = ? WHERE row = ?"
            connection.execute(change, (broken.encode("utf-8", "replace"), digest, row))
    else:
        name = str(random.choice(["slot", "text", "metadata", "digest", "page", "start", "id"]))
        odd = [b"", b"\xff\xfe", 5, 0.25, broken]
        change = f"UPDATE OR IGNORE chunk SET {name} = ? WHERE row = 1"
        connection.execute(change, (odd[int(random.integers(0, len(odd)))],))
    connection.commit()
    connection.close()


def main():
    library.PLACE = Path(sys.argv[1])
    folder = Path(sys.argv[2])
    random = np.random.default_rng(int(sys.argv[4]))
    Database.create(database_path(folder), {"collection": COLLECTION, "sequence": 1, "dead": 0})
    database = Database.open(folder, Mode.WRITE)
    database.expect(COLLECTION)
    read = left = 0
    for turn in range(int(sys.argv[3])):
        found = [chunk(random, number) for number in range(int(random.integers(1, 12)))]
        with database.write() as connection:
            connection.execute("DELETE FROM chunk")
            connection.execute("DELETE FROM document")
            put_chunks(connection, found, {}, range(1, len(found) + 1), 0)
        if turn % 2:
            spoil(random, database.path)
        places = random.integers(0, len(found), int(random.integers(0, 30)))
        scores = random.standard_normal(len(places)).astype(np.float32)
        chunks = database.fetcher.chunks(1, places + 1, places)
        hits = database.fetcher.hits(1, places + 1, places, scores, "exact")
        assert (chunks is None) == (hits is None)
        read, left = read + (chunks is not None), left + (chunks is None)
        if chunks is not None:
            assert [hit.chunk for hit in hits] == chunks
            if turn % 2 == 0:
                assert chunks == [found[place] for place in places]
        del chunks, hits
        gc.collect()
    database.close()
    assert min(read, left) > 10
    print(f"read {read}, left {left}")


if __name__ == "__main__":
    main()
