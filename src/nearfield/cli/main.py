"""The entry point: runs a command and turns what went wrong into a message and an exit code."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Sequence
from typing import TextIO

import click

from nearfield.cli.app import app
from nearfield.errors import (
    InputError,
    ModelError,
    NearfieldError,
    NearfieldWarning,
    StoreError,
    UnknownName,
)

__all__ = ["main"]

_EXIT_CODES: tuple[tuple[type[NearfieldError], int], ...] = (
    (InputError, 2),
    (ModelError, 4),
    (UnknownName, 4),
    (StoreError, 5),
    (NearfieldError, 1),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code; see :mod:`nearfield.cli`."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    warnings.showwarning = _show_warning
    warnings.simplefilter("always", NearfieldWarning)
    sys.exit(_run(given))


def _run(arguments: list[str]) -> int:
    try:
        try:
            code = app.main(args=arguments, prog_name="nearfield", standalone_mode=False)
        finally:
            _show_cost(quiet="--json" in arguments)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except NearfieldError as error:
        _complain(error, as_json="--json" in arguments)
        return next(code for kind, code in _EXIT_CODES if isinstance(error, kind))
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted: everything committed so far is kept", err=True)
        return 130
    except BrokenPipeError:
        # The reader (`| head`) has gone; point stdout elsewhere so that the flush at exit is quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _show_cost(*, quiet: bool) -> None:
    """Say what hosted models took, also where the command failed or was interrupted."""
    spending = sys.modules.get("nearfield.models.remote.spending")
    if spending is None or quiet:
        return
    spent = spending.account().spent
    if spent.requests or spent.uncertain:
        click.echo(click.style(f"hosted models: {spent}", dim=True), err=True)


def _complain(error: NearfieldError, *, as_json: bool) -> None:
    if as_json:
        detail = {"error": {"type": type(error).__name__, "message": str(error)}}
        click.echo(json.dumps(detail, ensure_ascii=False), err=True)
        return
    click.echo(click.style("error: ", fg="red", bold=True) + str(error), err=True)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    if issubclass(category, NearfieldWarning):
        click.echo(click.style("note: ", fg="yellow") + str(message), err=True)
