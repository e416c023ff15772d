"""``nearfield verify``: check a collection for damage."""

from __future__ import annotations

import click

from nearfield.cli import options
from nearfield.cli.output import counted, dump, path_text, safe
from nearfield.cli.place import find_collection
from nearfield.stores.local import Fault, verify
from nearfield.stores.local.derived.checking import check as check_derived

__all__ = ["command"]


@click.command("verify")
@click.argument("path", required=False)
@options.as_json
@click.pass_context
def command(context: click.Context, path: str | None, as_json: bool) -> None:
    """Check every row, vector and index entry of a collection; exit code 5 tells of damage."""
    home = find_collection(path)
    report = verify(home, [check_derived])
    if as_json:
        dump(
            {
                "collection": str(home),
                "whole": report.whole,
                "passages": report.chunks,
                "findings": report.findings,
            }
        )
    else:
        for finding in report.findings:
            click.echo(f"{finding.file}: {safe(finding.what)} ({finding.fault})")
        looked = f"{counted(report.chunks, 'passage')} in {path_text(home)}"
        if report.whole:
            click.echo(f"{looked}: whole")
        else:
            found = counted(len(report.findings), "finding")
            derived = all(finding.fault is Fault.DERIVED for finding in report.findings)
            # What is derived is made again from the passages, which are whole.
            remedy = "compact" if derived else "repair"
            click.echo(f"{looked}: {found}; make it whole with: nearfield {remedy} {home}")
    context.exit(0 if report.whole else 5)
