"""What every command of the operator's command line is given, and how its answers and failures are printed.

Layer: tools.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click
import msgspec
from rich.console import Console, RenderableType

from openbell_client import Refused
from tools.operator_client import OperatorClient, OperatorError


class OperatorConsole:
    """The client of one invocation of the command line, and how its answers are printed."""

    def __init__(self, client: OperatorClient, *, as_json: bool) -> None:
        self.client = client
        self.as_json = as_json

    def show(self, body: Any, *tables: RenderableType) -> None:
        """Print the answer: as it came, or as tables for people."""
        if self.as_json:
            click.echo(msgspec.json.encode(body).decode())
            return
        console = Console()
        for table in tables:
            console.print(table)

    def fail(self, error: OperatorError | Refused) -> None:
        """Say why not, and end with status 1."""
        if self.as_json:
            body = error.body if isinstance(error, Refused) else {"error": str(error), "error_code": "NOT_ASKED"}
            click.echo(msgspec.json.encode(body).decode())
        else:
            click.echo(f"Error: {error}", err=True)
        raise SystemExit(1)


def asking(command: Callable[..., None]) -> Callable[..., None]:
    """A command that is given the console, and whose failures are printed as sentences."""

    @click.pass_obj
    @wraps(command)
    def run(console: OperatorConsole, /, **arguments: Any) -> None:
        try:
            command(console, **arguments)
        except (OperatorError, Refused) as error:
            console.fail(error)

    return run
