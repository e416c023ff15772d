"""What could not be made of the derived parts: it is left out and told, and costs no data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nearfield.errors import InputError, StoreError, UnsupportedOperation
from nearfield.stores.local.schema import DERIVED

__all__ = ["Problems"]


class Problems:
    """Why parts were left out, each told once, however often it comes back.

    Parameters
    ----------
    folder : Path
        The collection, for messages.

    Attributes
    ----------
    told : tuple of str
    """

    def __init__(self, folder: Path) -> None:
        self.told: tuple[str, ...] = ()
        self._folder = folder

    def note(self, *problems: str) -> None:
        """Tell what is not told yet."""
        fresh = [problem for problem in problems if problem not in self.told]
        self.told = (*self.told, *fresh)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Do in the block what may be left undone, and tell why it was."""
        try:
            yield
        except (InputError, StoreError, UnsupportedOperation) as error:
            self.note(str(error))
        except OSError as error:
            self.note(f"{self._folder / DERIVED} could not be brought up to date: {error}")
