"""``nearfield completion``: a script that completes commands and options in your shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from nearfield.errors import InputError

__all__ = ["command"]


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print a completion script.

    \b
    bash   nearfield completion bash >> ~/.bashrc
    zsh    nearfield completion zsh >> ~/.zshrc
    fish   nearfield completion fish > ~/.config/fish/completions/nearfield.fish
    """
    from nearfield.cli.app import app

    maker = get_completion_class(shell)
    if maker is None:
        raise InputError(f"no completion for {shell}")
    for name in ("nearfield", "nf"):
        complete_var = f"_{name.upper()}_COMPLETE"
        click.echo(maker(app, {}, name, complete_var).source())
