"""The credentials that a tool is given on its command line, or finds in the environment.

Layer: tools.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Final

import click

from openbell_client import Client, Credentials, OpenbellError, Refused
from openbell_client.stored import (
    KEY_VARIABLE,
    SECRET_VARIABLE,
    TOKEN_VARIABLE,
    key_of_file,
    of_environment,
    session_of_file,
)

USER_VARIABLE: Final = "OPENBELL_USER"


class CredentialsError(Exception):
    """There are none where they were said to be, or they are refused; the message says why."""


def add_credentials(options: argparse.ArgumentParser) -> None:
    """Have a command line take credentials: a key, a session or a user."""
    shown = options.add_mutually_exclusive_group()
    shown.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="sign with the API key in FILE, JSON as POST /auth/keys answers it "
        f"(default: {KEY_VARIABLE} and {SECRET_VARIABLE} in the environment; without any, nobody in particular)",
    )
    shown.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="the session in FILE, as `openbell operator login` keeps it, or a bare token "
        f"(default: {TOKEN_VARIABLE} in the environment)",
    )
    shown.add_argument(
        "--user",
        metavar="NAME",
        default=os.environ.get(USER_VARIABLE),
        help="sign in as NAME; the password is asked for, or is the first line of the standard input",
    )


def credentials_of(options: argparse.Namespace, url: str) -> Credentials | None:
    """The credentials that were given; None when there are none. Raises CredentialsError."""
    try:
        if options.key_file is not None:
            return key_of_file(options.key_file)
        if options.token_file is not None:
            return session_of_file(options.token_file)
        if options.user is not None:
            return _signed_in(url, options.user)
        return of_environment()
    except (OSError, ValueError, OpenbellError) as error:
        raise CredentialsError(str(error)) from error


def log_in(client: Client, name: str, password: str) -> None:
    """Sign in; the code of the authenticator app is asked for where the second factor is on. Raises OpenbellError."""
    try:
        client.log_in(name, password)
    except Refused as refusal:
        if refusal.error_code != "CODE_NEEDED":
            raise
        client.log_in(name, password, typed("Code", hidden=False))


def typed(what: str, *, hidden: bool) -> str:
    """What somebody types at the terminal, or the next line of the standard input."""
    if sys.stdin.isatty():
        answer: str = click.prompt(what, hide_input=hidden, err=True)
        return answer
    return sys.stdin.readline().rstrip("\r\n")


def _signed_in(url: str, name: str) -> Credentials | None:
    with Client(url) as client:
        log_in(client, name, typed("Password", hidden=True))
        return client.credentials
