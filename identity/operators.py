"""Users from the command line of the server's machine: `python -m identity.operators --help`.

Appoints operators, ends what somebody can do, and lets in again who lost a password or a second factor. Whoever can
read the data folder is trusted with this. A running server takes each change in within a second: it lets an operator
sign in at once, and ends sessions, tokens, API keys and feed connections.
Layer: identity.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

from identity import passwords, secrets
from identity.common_passwords import why_guessable
from identity.errors import IdentityError
from identity.store import Identity
from identity.user_changes import RESET_HOURS
from identity.users import COMMAND_LINE
from logs.setup import begin as begin_log

NAME: Final = re.compile(r"[A-Za-z0-9_.-]{3,32}")


@click.group(context_settings={"auto_envvar_prefix": "OPENBELL", "help_option_names": ["-h", "--help"]})
def main() -> None:
    """Who may operate the venue, and who may do nothing any more."""
    begin_log(logging.WARNING, "%(message)s", limit=False)


def with_identity(command: Callable[..., None]) -> Callable[..., None]:
    """A command of one NAME, which is given the identity store; its failures are sentences."""

    @click.argument("name")
    @click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("data"),
        show_default=True,
        envvar="OPENBELL_DATA",
        help="The server's data folder.",
    )
    @click.option(
        "--identity-url",
        default=None,
        envvar="OPENBELL_IDENTITY_URL",
        help="The database of identities, when it is not in the data folder.",
    )
    @click.option(
        "--secret-file",
        type=click.Path(dir_okay=False, path_type=Path),
        default=None,
        envvar="OPENBELL_SECRET_FILE",
        help="The server's secret, when it is not in the data folder.",
    )
    @wraps(command)
    def run(name: str, data: Path, identity_url: str | None, secret_file: Path | None) -> None:
        @contextmanager
        def opened() -> Any:
            try:
                data.mkdir(mode=0o700, parents=True, exist_ok=True)
                secret = secrets.load_or_create(secret_file or data / "secret.key")
                identity = Identity(identity_url or data / "identity.sqlite", secret)
                try:
                    yield identity
                finally:
                    identity.close()
            except (IdentityError, OSError) as problem:
                raise click.ClickException(f"{problem}.") from problem

        command(name, data, opened)

    return run


@main.command()
@with_identity
def create(name: str, data: Path, opened: Any) -> None:
    """Make NAME an operator: a new user, or one that exists, whose password changes; their sessions and keys end.

    The password is asked for, or is the first line of the standard input.
    """
    if not NAME.fullmatch(name):
        raise click.UsageError("a name is 3 to 32 letters, digits, dots, dashes or underscores")
    password = _password()
    if not passwords.LENGTH_MIN <= len(password) <= passwords.LENGTH_MAX:
        raise click.UsageError(f"a password has {passwords.LENGTH_MIN} to {passwords.LENGTH_MAX} characters")
    if why := why_guessable(password, name):
        raise click.UsageError(f"the password {why}; take another")
    with opened() as identity:
        if identity.user_of(name=name) is None and (data / "journal.sqlite").exists() and not identity.exchange_seen:
            # only a server knows which accounts the journal has, which a new user must not get
            raise click.ClickException(
                "This folder's journal is of before its store of users: start the server on it once, then try again."
            )
        user = identity.appoint(name, passwords.hashed(password), COMMAND_LINE)
    click.echo(f"{user.name} is an operator, with account {user.account}.")


@main.command()
@with_identity
def promote(name: str, data: Path, opened: Any) -> None:
    """Make the user NAME an operator, who keeps the password. Ends their sessions and API keys."""
    with opened() as identity:
        user = identity.changes.promote(name, COMMAND_LINE).user
    click.echo(f"{user.name} is an operator; their sessions and keys have ended.")


@main.command()
@with_identity
def dismiss(name: str, data: Path, opened: Any) -> None:
    """Make the operator NAME a trader. Ends their sessions and API keys."""
    with opened() as identity:
        user = identity.changes.demote(name, COMMAND_LINE, even_the_last=True).user
    click.echo(f"{user.name} is no operator any more; their sessions and keys have ended.")


@main.command()
@with_identity
def revoke(name: str, data: Path, opened: Any) -> None:
    """End every session and API key of NAME, who can sign in again."""
    with opened() as identity:
        user = identity.changes.revoke(name, COMMAND_LINE).user
    click.echo(f"Every session and key of {user.name} has ended.")


@main.command()
@with_identity
def disable(name: str, data: Path, opened: Any) -> None:
    """End every session and API key of NAME, who cannot sign in any more. Open orders stay: see tools.operator stop."""
    with opened() as identity:
        user = identity.changes.disable(name, COMMAND_LINE, even_the_last=True).user
    click.echo(f"{user.name} cannot sign in any more; their sessions and keys have ended.")


@main.command()
@with_identity
def enable(name: str, data: Path, opened: Any) -> None:
    """Let NAME sign in again after disable."""
    with opened() as identity:
        user = identity.changes.enable(name, COMMAND_LINE).user
    click.echo(f"{user.name} can sign in.")


@main.command("reset-password")
@with_identity
def reset_password(name: str, data: Path, opened: Any) -> None:
    """Give NAME a new password, which is printed. Ends their sessions and API keys."""
    password = passwords.made_up()
    with opened() as identity:
        user = identity.changes.reset_password(name, passwords.hashed(password), COMMAND_LINE).user
    click.echo(f"{user.name} signs in with {password} within {RESET_HOURS} hours, and then gives another password.")


@main.command("reset-totp")
@with_identity
def reset_totp(name: str, data: Path, opened: Any) -> None:
    """Ask NAME for no codes of an authenticator app any more. Ends their sessions and API keys."""
    with opened() as identity:
        user = identity.changes.reset_second_factor(name, COMMAND_LINE).user
    click.echo(f"{user.name} signs in with the password alone; their sessions and keys have ended.")


def _password() -> str:
    if sys.stdin.isatty():
        asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return asked
    return sys.stdin.readline().rstrip("\r\n")


if __name__ == "__main__":
    main(prog_name="python -m identity.operators")
