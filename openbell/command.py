"""The command line `openbell`: a sub-command for each program, which parses its own arguments."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Final

import click
from click.shell_completion import get_completion_class

from openbell import __version__
from openbell.home import HOME
from openbell.programs import PROGRAMS, Program

INSTRUMENTS: Final = HOME / "config"
COMPLETION_VARIABLE: Final = "_OPENBELL_COMPLETE"  # click's own name for it


class LazyCommand(click.Command):
    """A program that is imported when it is run, not to list it. Its arguments are passed on as they are."""

    def __init__(self, name: str, program: Program) -> None:
        super().__init__(name, help=program.help, add_help_option=False)
        self._module = program.module

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of the program itself where click parses it, so that help and completion are the program's."""
        main = import_module(self._module).main
        if isinstance(main, click.Command):
            return main.make_context(info_name, args, parent, **extra)
        return super().make_context(info_name, args, parent, obj=main, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse nothing: the program does."""
        ctx.args = args
        return args

    def invoke(self, ctx: click.Context) -> None:
        """Run a program that reads `sys.argv`; its return value is the exit status."""
        sys.argv = [f"openbell {self.name}", *ctx.args]
        sys.exit(ctx.obj())


class InOrder(click.Group):
    """Lists its commands in the order in which they were added, the ones that are used first at the top."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return list(self.commands)


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="Openbell")
def openbell() -> None:
    """An exchange that runs on one command.

    `openbell run` serves on http://127.0.0.1:5000 with simulated traders, and keeps its data in ./data.
    Each command says more with --help.
    """


for _name, _program in PROGRAMS.items():
    openbell.add_command(LazyCommand(_name, _program))


@openbell.command(short_help="Print an instruments file, to start one's own from.")
@click.argument("name", type=click.Choice(["default", "replay", "sessions"]), default="default")
def instruments(name: str) -> None:
    """Print an instruments file that comes with Openbell, to start one's own from.

    default: what is listed without --instruments; replay: for recorded order flow; sessions: with calendars.
    """
    click.echo((INSTRUMENTS / f"{name}.toml").read_text(encoding="utf-8"), nl=False)


@openbell.command(short_help="Print what makes a shell complete these commands.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete `openbell`.

    \b
    bash, in ~/.bashrc:                  eval "$(openbell completion bash)"
    zsh, in ~/.zshrc:                    eval "$(openbell completion zsh)"
    fish, in its folder of completions:  openbell completion fish > openbell.fish
    """
    script = get_completion_class(shell)
    if script is None:
        raise click.ClickException(f"click knows no {shell}")
    click.echo(script(openbell, {}, "openbell", COMPLETION_VARIABLE).source())
