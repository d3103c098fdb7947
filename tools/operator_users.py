"""Commands of the operator's command line about users: who may sign in, as what, and what ends.

Layer: tools.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

import click

from tools.operator_console import OperatorConsole, asking
from tools.operator_tables import SECOND_NS, facts, rows_of, utc

CHANGES: Final = {
    "disable": "Keep NAME from signing in. Open orders stay: see stop.",
    "enable": "Let NAME sign in again.",
    "promote": "Make NAME an operator.",
    "demote": "Make the operator NAME a trader.",
    "revoke": "End every session and API key of NAME, who can sign in again.",
    "reset_totp": "Ask NAME for no codes of an authenticator app any more.",
}


def _path(name: str) -> str:
    return f"/admin/users/{quote(name, safe='')}"


@click.command()
@click.argument("name")
@asking
def user(console: OperatorConsole, name: str) -> None:
    """Show the user NAME, where they are signed in, and their API keys."""
    body = console.client.ask("GET", _path(name))
    sessions = [
        (
            one["session_id"],
            one["address"],
            one["user_agent"],
            *(utc(one[at] * SECOND_NS) for at in ("used_at", "expires_at")),
        )
        for one in body["sessions"]
    ]
    keys = [(one["key_id"], one["label"], " ".join(one["scopes"])) for one in body["keys"]]
    console.show(
        body,
        facts(body["user"]),
        rows_of(("session", "address", "program", "used", "ends"), sessions),
        rows_of(("key", "label", "scopes"), keys),
    )


@click.command("reset-password")
@click.argument("name")
@asking
def reset_password(console: OperatorConsole, name: str) -> None:
    """Give NAME another password, good for a day, which is printed. Ends their sessions and API keys."""
    body = console.client.ask("POST", f"{_path(name)}/password")
    console.show(body, facts({"name": body["user"]["name"], "password": body["password"]}))


@click.command("end-session")
@click.argument("name")
@click.argument("session_id")
@asking
def end_session(console: OperatorConsole, name: str, session_id: str) -> None:
    """End one session of NAME."""
    body = console.client.ask("DELETE", f"{_path(name)}/sessions/{quote(session_id, safe='')}")
    console.show(body, facts(body))


def _change(action: str, what: str) -> click.Command:
    @click.command(action.replace("_", "-"), help=what)
    @click.argument("name")
    @asking
    def change(console: OperatorConsole, name: str) -> None:
        body: dict[str, Any] = console.client.ask("POST", f"{_path(name)}/{action}")
        console.show(body, facts(body))

    return change


USER_COMMANDS: Final[tuple[click.Command, ...]] = (
    user,
    *(_change(action, what) for action, what in CHANGES.items()),
    reset_password,
    end_session,
)
