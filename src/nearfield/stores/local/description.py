"""What a collection is: fixed when it is made, kept in the table ``meta``."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from nearfield.metric import Metric
from nearfield.stores.local.database import Parameter
from nearfield.stores.local.failures import damaged

__all__ = ["Description"]

_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Description:
    """Dimension, metric and model of a collection.

    Attributes
    ----------
    dimension : int
    metric : Metric
    fingerprint : str
        Of the model that makes its vectors.
    collection : bytes
        16 random bytes: no vectors file of another collection is taken for its own.
    """

    dimension: int
    metric: Metric
    fingerprint: str
    collection: bytes

    @classmethod
    def fresh(cls, dimension: int, metric: Metric, fingerprint: str) -> Description:
        """Describe a collection that is about to be made."""
        return cls(dimension, metric, fingerprint, secrets.token_bytes(_ID_BYTES))

    def meta(self) -> dict[str, Parameter]:
        """Rows of ``meta``, with the counters of a collection without operations."""
        return {
            "dimension": self.dimension,
            "metric": self.metric.value,
            "fingerprint": self.fingerprint,
            "collection": self.collection,
            "sequence": 0,
            "generation": 1,
            "slots": 0,
            "dead": 0,
        }

    @classmethod
    def read(cls, connection: sqlite3.Connection, path: Path) -> Description:
        """Read the description of an open collection.

        Raises
        ------
        StoreCorrupt
            It is incomplete or makes no sense.
        """
        found = dict(connection.execute("SELECT key, value FROM meta"))
        try:
            made = cls(
                int(found["dimension"]),
                Metric(found["metric"]),
                str(found["fingerprint"]),
                bytes(found["collection"]),
            )
        except (LookupError, ValueError, TypeError) as error:
            raise damaged(path, f"its description is wrong: {error}") from error
        if made.dimension < 1 or len(made.collection) != _ID_BYTES:
            raise damaged(path, f"its description is wrong: {made}")
        return made
