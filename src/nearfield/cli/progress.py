"""Progress on the terminal for whatever takes longer than a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from nearfield.cli.output import duration

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Bar", "progress"]

_PATIENCE = 1.0
"""Seconds before anything is shown."""

_PLAIN_EVERY = 10.0
"""Seconds between lines where standard error is no terminal."""


class Bar:
    """A bar with share, count, rate and time left; lines every ten seconds without a terminal.

    Parameters
    ----------
    title, unit : str
    steps : bool
        The share is that of one step of many, so that nothing is known of the time left.
    """

    def __init__(self, title: str, unit: str, *, steps: bool = False) -> None:
        self._title = title
        self._unit = unit
        self._steps = steps
        self._begun = time.monotonic()
        self._spoken = self._begun
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def update(self, fraction: float, count: int, detail: str = "") -> None:
        """Show that `fraction` of the work (0 to 1) and `count` units are done."""
        now = time.monotonic()
        if now - self._begun < _PATIENCE:
            return
        rate = count / (now - self._begun)
        left = (now - self._begun) * (1 - fraction) / fraction if fraction > 0 else None
        rest = f"{duration(left)} left" if left is not None else ""
        numbers = f"{count:,} {self._unit}"
        if not self._steps:
            numbers += f" · {rate:,.0f}/s · {rest}"
        if sys.stderr.isatty():
            self._draw(fraction, numbers, detail)
        elif now - self._spoken >= _PLAIN_EVERY:
            self._spoken = now
            what = f"{detail} · " if detail else ""
            click.echo(f"{self._title}: {what}{fraction:.0%} · {numbers}", err=True)

    def close(self) -> None:
        """Take the bar away."""
        if self._progress:
            self._progress.stop()

    def _draw(self, fraction: float, numbers: str, detail: str) -> None:
        if self._progress is None or self._task is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

            self._progress = Progress(
                TextColumn(self._title),
                BarColumn(bar_width=24),
                TaskProgressColumn(),
                TextColumn("{task.fields[numbers]}"),
                TextColumn("[dim]{task.fields[detail]}", markup=True),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._progress.add_task(self._title, total=1.0, numbers="", detail="")
            self._progress.start()
        from rich.markup import escape

        self._progress.update(
            self._task, completed=fraction, numbers=numbers, detail=escape(detail)
        )


@contextmanager
def progress(title: str, unit: str, *, steps: bool = False) -> Iterator[Bar]:
    """Show a :class:`Bar` while the block runs."""
    bar = Bar(title, unit, steps=steps)
    try:
        yield bar
    finally:
        bar.close()
