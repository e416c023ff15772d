"""The group of all commands; a command's module is imported when it is called."""

from __future__ import annotations

import importlib

import click

__all__ = ["app"]

_COMMANDS = {
    "index": "read files into a collection, only what changed",
    "search": "find passages by meaning",
    "ask": "answer a question from your files, with citations",
    "answers": "measure answers to questions that you know",
    "show": "show a passage with what stands around it",
    "remove": "take files or passages out of a collection",
    "stats": "what is in a collection",
    "explain": "why passages are found; how the graph is walked",
    "choose": "find the pipeline that serves a folder best, and prove it",
    "check": "hold a pipeline to a figure, for continuous integration",
    "forecast": "what embedding a folder will take",
    "calibrate": "turn scores into confidences",
    "audit": "measure what fast search misses",
    "health": "what the vectors of a collection are like",
    "drift": "what changed between two snapshots",
    "postmortem": "why questions failed, stage by stage",
    "compress": "what smaller vectors cost in quality",
    "migrate": "move a collection to another model, and back",
    "evaluate": "measure models or a collection on a task",
    "leaderboard": "rank systems over recorded figures",
    "graph": "build the HNSW graph of a collection",
    "verify": "check a collection for damage",
    "repair": "keep what is whole of a damaged collection",
    "compact": "give back the space of deleted passages",
    "snapshot": "copy a collection while it is in use",
    "export": "write a collection as Parquet, npy or JSONL",
    "import": "make a collection of an export",
    "embed": "turn texts into vectors",
    "similarity": "how near texts or words are to each other",
    "tokens": "how a model cuts a text",
    "models": "list, install and remove models",
    "mcp": "serve collections to assistants",
    "doctor": "check this installation",
    "completion": "print a completion script for your shell",
}

_MODULES = {"import": "import_"}
"""Where a command's name is a word of Python."""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        name = _MODULES.get(cmd_name, cmd_name)
        module = importlib.import_module(f"nearfield.cli.{name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in _COMMANDS:
            from nearfield.registry import suggest

            ctx.fail(f"no command is called {args[0]!r}; {suggest(args[0], _COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # The one-liners stand here, so that --help imports no command.
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.command(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done · 1 failed · 2 wrong usage · 3 some files unreadable (--strict) · "
    "4 model · 5 collection · 130 interrupted.",
)
@click.version_option(package_name="nearfield")
def app() -> None:
    """Search your own files by meaning, and prove what serves them best.

    \b
    nearfield models install all-MiniLM-L6-v2     once
    nearfield search ~/notes "cold weather gear"
    """
