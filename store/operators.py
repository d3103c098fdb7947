"""Appoint operators from the command line: `python -m store.operators create NAME --data DIR`.

Whoever can read the data folder is trusted with this. A running server lets the operator sign in at once.
Layer: store.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from store import passwords, secrets
from store.identity import Identity
from store.identity_errors import IdentityError

NAME = re.compile(r"[A-Za-z0-9_.-]{3,32}")


@click.group(context_settings={"auto_envvar_prefix": "OPENBELL", "help_option_names": ["-h", "--help"]})
def main() -> None:
    """Who may operate the venue."""


@main.command()
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
def create(name: str, data: Path, identity_url: str | None, secret_file: Path | None) -> None:
    """Make NAME an operator: a new user, or one that exists, whose password changes and sessions end.

    The password is asked for, or is the first line of the standard input.
    """
    if not NAME.fullmatch(name):
        raise click.UsageError("a name is 3 to 32 letters, digits, dots, dashes or underscores")
    password = _password()
    if not passwords.LENGTH_MIN <= len(password) <= passwords.LENGTH_MAX:
        raise click.UsageError(f"a password has {passwords.LENGTH_MIN} to {passwords.LENGTH_MAX} characters")
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = secrets.load_or_create(secret_file or data / "secret.key")
        identity = Identity(identity_url or data / "identity.sqlite", secret)
        try:
            user = identity.appoint(name, passwords.hashed(password), "command line")
        finally:
            identity.close()
    except (IdentityError, OSError) as problem:
        raise click.ClickException(str(problem)) from problem
    click.echo(f"{user.name} is an operator, with account {user.account}.")


def _password() -> str:
    if sys.stdin.isatty():
        asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        return asked
    return sys.stdin.readline().rstrip("\r\n")


if __name__ == "__main__":
    main()
